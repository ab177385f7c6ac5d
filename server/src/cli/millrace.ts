import { Command, CommanderError } from 'commander';
import { productVersion } from '../config/product.ts';
import { checkCommand } from './check.ts';
import { deadLettersCommand } from './deadLetters.ts';
import { EXIT_USAGE } from './exit.ts';
import { exportCommand } from './export.ts';
import { faultCommand } from './fault.ts';
import { groupCommand } from './group.ts';
import { importCommand } from './import.ts';
import { redriveCommand } from './redrive.ts';
import { repairCommand } from './repair.ts';
import { runCommand } from './run.ts';
import { serveCommand } from './serve.ts';

const program = new Command('millrace')
  .description(
    'A visual workbench for event-driven systems: draw a flow, run it, replay it, break it on purpose.',
  )
  .version(productVersion())
  .addHelpText('after', '\nExamples:\n  millrace serve\n  millrace run samples/earthquakes.flow.json --json')
  .showSuggestionAfterError();
const commands = [
  serveCommand(),
  runCommand(),
  checkCommand(),
  exportCommand(),
  importCommand(),
  repairCommand(),
  deadLettersCommand(),
  redriveCommand(),
  faultCommand(),
  groupCommand(),
];
for (const command of commands) program.addCommand(command);

// Commander ends the process with 1 for bad usage; scripts tell that apart from a run that failed.
const subcommands = program.commands.flatMap((command) => command.commands);
for (const command of [program, ...program.commands, ...subcommands]) command.exitOverride();
try {
  await program.parseAsync();
} catch (thrown) {
  if (!(thrown instanceof CommanderError)) throw thrown;
  process.exitCode = thrown.exitCode === 0 ? 0 : EXIT_USAGE;
}
