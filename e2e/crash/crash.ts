import { parseArgs } from 'node:util';
import { runCrashTest } from './crashTest.ts';
import { reportText } from './report.ts';

const KILLS = 200;
const USAGE = `Usage: pnpm crash -- [--kills <n>] [--seed <n>]

  --kills   how often the server or a process of it is killed, ${KILLS} when left out
  --seed    where the moments and the victims are drawn from; printed, so that a failure can be looked at again`;

const { values } = parseArgs({
  options: { kills: { type: 'string' }, seed: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
});
const kills = Number(values.kills ?? KILLS);
const seed = Number(values.seed ?? Date.now() % 2 ** 32);
if (values.help || !Number.isInteger(kills) || kills < 1 || !Number.isInteger(seed)) {
  console.log(USAGE);
  process.exitCode = values.help ? 0 : 2;
} else {
  console.log(`${kills} kills, seed ${seed}`);
  const report = await runCrashTest({ kills, seed, say: (line) => console.log(line) });
  console.log(`\n${reportText(report)}`);
  if (report.faults.length === 0) await report.remove();
  else console.log(`  what is on disk was left in ${report.folder}`);
  process.exitCode = report.faults.length === 0 ? 0 : 1;
}
