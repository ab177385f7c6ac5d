import { parseArgs } from 'node:util';
import { inSeconds, type Outcome, runNode, tools } from './runProcess.ts';

const STEPS_AT_ONCE = 2;

type Step = { name: string; args: readonly string[]; fixArgs?: readonly string[] };

/** The longest ones first, so that the short ones fill the gaps. */
const STEPS: readonly Step[] = [
  {
    name: 'unit tests',
    args: [tools.vitest, 'run', '--project', 'unit', '--project', 'web', '--reporter=dot'],
  },
  { name: 'types', args: [tools.tsc, '-b'] },
  {
    name: 'format and lint',
    args: [tools.biome, 'check', '--error-on-warnings', '--max-diagnostics=30'],
    fixArgs: [tools.biome, 'check', '--write', '--max-diagnostics=30'],
  },
  { name: 'unused code', args: [tools.knip] },
  { name: 'import rules', args: ['scripts/checkImports.ts'] },
  { name: 'tidy', args: ['scripts/tidy.ts'] },
];

const USAGE = `Usage: npm run check -- [--fix] [step…]

Steps, all when left out: ${STEPS.map((step) => step.name).join(', ')}
A step is named by any part of its name: npm run check -- --fix format`;

const indented = (text: string): string => text.trimEnd().replace(/^/gm, '    ');

const report = (step: Step, outcome: Outcome): void => {
  const isGood = outcome.code === 0;
  console.log(`${isGood ? 'ok    ' : 'FAILED'}  ${step.name.padEnd(16)} ${inSeconds(outcome.durationMs)}`);
  const hasWarnings = /^warnings:/m.test(outcome.output);
  if (!isGood || hasWarnings) console.log(indented(outcome.output));
};

/** Returns the names of the steps that failed. */
const runSteps = async (steps: readonly Step[], isFixing: boolean): Promise<string[]> => {
  const waiting = [...steps];
  const failed: string[] = [];
  const worker = async (): Promise<void> => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      const args = isFixing ? (step.fixArgs ?? step.args) : step.args;
      const outcome = await runNode(args, { env: { NO_COLOR: '1' } });
      report(step, outcome);
      if (outcome.code !== 0) failed.push(step.name);
    }
  };
  await Promise.all(Array.from({ length: STEPS_AT_ONCE }, worker));
  return failed;
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { fix: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h' } },
});
const chosen = STEPS.filter(
  ({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)),
);
if (values.help || chosen.length === 0) {
  console.log(USAGE);
  process.exitCode = values.help ? 0 : 2;
} else {
  const startedAt = performance.now();
  const failed = await runSteps(chosen, values.fix);
  const verdict = failed.length === 0 ? 'all good' : `failed: ${failed.join(', ')}`;
  console.log(`\ncheck: ${verdict} in ${inSeconds(performance.now() - startedAt)}`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}
