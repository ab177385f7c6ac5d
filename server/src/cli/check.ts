import { toWorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { Command } from 'commander';
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE, fail } from './exit.ts';
import { type FlowFile, readFlowFile } from './flowFile.ts';
import { problemLine, problemsOf } from './problems.ts';

type CheckOptions = { json?: boolean };

export function checkCommand(): Command {
  return new Command('check')
    .description('Tell what is wrong with a flow.')
    .argument('<flow>', 'a *.flow.json or *.flow.yaml file')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExample:\n  millrace check orders.flow.json\n\nExit codes: 0 it can run, 1 it has errors, 2 it cannot be read.',
    )
    .action(check);
}

function check(path: string, { json }: CheckOptions): void {
  const file = read(path, json ?? false);
  if (file === null) return;
  const problems = problemsOf(file);
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  if (json) process.stdout.write(`${JSON.stringify({ file: path, ok: errors === 0, problems }, null, 2)}\n`);
  else {
    for (const problem of problems) process.stdout.write(`${problemLine(path, problem)}\n`);
    process.stdout.write(`${path}: ${summary(errors, problems.length - errors)}\n`);
  }
  process.exitCode = errors > 0 ? EXIT_FAILED : EXIT_OK;
}

/** With `--json` a file that cannot be read is told as JSON too: whoever parses stdout gets something to parse. */
function read(path: string, json: boolean): FlowFile | null {
  try {
    return readFlowFile(path);
  } catch (thrown) {
    if (!json) return fail(thrown, EXIT_USAGE);
    const { code, message, details } = toWorkbenchError(thrown);
    process.stdout.write(
      `${JSON.stringify({ file: path, ok: false, error: { code, message, details } }, null, 2)}\n`,
    );
    process.exitCode = EXIT_USAGE;
    return null;
  }
}

function summary(errors: number, others: number): string {
  if (errors > 0) return `${errors} ${errors === 1 ? 'error' : 'errors'}; it cannot run`;
  return others > 0 ? `can run; ${others} ${others === 1 ? 'remark' : 'remarks'}` : 'no problems';
}
