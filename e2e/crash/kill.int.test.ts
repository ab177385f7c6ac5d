import { expect, it } from 'vitest';
import { runCrashTest } from './crashTest.ts';
import { reportText } from './report.ts';

const KILLS = Number(process.env.MILLRACE_KILLS ?? 20);
const SEED = Number(process.env.MILLRACE_SEED ?? 20261123);

it(`[RN3] [TP3] [CG4] nothing acknowledged is lost when the server is killed ${KILLS} times (seed ${SEED})`, {
  // Everything that is waited for has a limit of its own, which says what was missing; this one only ends the rest.
  timeout: 600_000 + KILLS * 20_000,
}, async () => {
  const said: string[] = [];
  const report = await runCrashTest({ kills: KILLS, seed: SEED, say: (line) => said.push(line) });
  expect(report.faults, said.join('\n')).toEqual([]);
  expect(report.found).toBe(report.acknowledged);
  expect(Object.values(report.byPhase).reduce((sum, count) => sum + count, 0)).toBe(KILLS);
  process.stdout.write(`${reportText(report)}\n`);
  await report.remove();
});
