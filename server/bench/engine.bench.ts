import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { collectFigures } from './engine/figures.ts';
import { markdownOf, tableText } from './engine/report.ts';
import {
  compareThreeStages,
  measureGrowth,
  measureLatency,
  measureMemory,
  measureRecoveries,
  measureSimulations,
  measureStarts,
} from './engine/suite.ts';

/**
 * The engine beside what people use today, in one run: `pnpm bench engine [--long] [--markdown <file>]`. What is compared
 * takes turns, round by round, each in a process of its own, so that a slow moment of the machine meets all.
 */
const { values } = parseArgs({ options: { long: { type: 'boolean' }, markdown: { type: 'string' } } });
const figures = collectFigures();
const size = values.long ? 'long' : 'short';
const notes = await compareThreeStages(figures);
await measureLatency(figures);
await measureStarts(figures);
await measureRecoveries(figures, size);
await measureGrowth(figures);
await measureSimulations(figures, size);
await measureMemory(figures, size);
process.stderr.write(`\n${tableText(figures, notes)}\n`);
const page = values.markdown;
if (page !== undefined) {
  const before = existsSync(page) ? readFileSync(page, 'utf8') : '';
  writeFileSync(page, markdownOf(figures, notes, before));
}
