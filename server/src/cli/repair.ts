import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type ErrorData, toWorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { Command } from 'commander';
import { type RepairReport, repairLog } from '../brokers/embedded/repair/repairLog.ts';
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE, fail } from './exit.ts';

type RepairOptions = { json?: boolean };
/** A log that could not be looked at, because a run has it open or its disk is full. */
type Refusal = { folder: string; error: ErrorData };

const LOG = 'log.db';
/** A report on a terminal is read; `--json` has all of them. */
const HOLES_SHOWN_MAX = 20;

export function repairCommand(): Command {
  return new Command('repair')
    .description('Save what can be read of the damaged message log of a run.')
    .argument('<folder>', 'the folder of a run, or a data folder: then all of its runs are looked at')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Messages keep their offsets. What is lost is listed; the damaged file is kept beside the new one.
A log that is whole is left alone, and so is one that a run has open.

Examples:
  millrace repair .millrace
  millrace repair .millrace/runs/01900000-0000-7000-8000-000000000000 --json

Exit codes: 0 all is whole or something was saved, 1 nothing could be saved, 2 bad usage or no log there.`,
    )
    .action(repair);
}

function repair(folder: string, { json }: RepairOptions): void {
  const folders = logFoldersOf(resolve(folder));
  if (folders.length === 0) fail(new Error(`There is no message log in ${folder}.`), EXIT_USAGE);
  const reports: RepairReport[] = [];
  const refusals: Refusal[] = [];
  for (const logFolder of folders) {
    try {
      reports.push(repairLog(logFolder));
    } catch (thrown) {
      refusals.push({ folder: logFolder, error: toWorkbenchError(thrown).toData() });
    }
  }
  if (json) process.stdout.write(`${JSON.stringify({ logs: reports, refused: refusals }, null, 2)}\n`);
  else process.stdout.write(`${textOf(reports, refusals)}\n`);
  const hasFailed = refusals.length > 0 || reports.some((report) => !isOfUse(report));
  process.exitCode = hasFailed ? EXIT_FAILED : EXIT_OK;
}

/** The folder itself, or those of its runs, that hold a log or what is left of one. */
function logFoldersOf(folder: string): string[] {
  const runs = join(folder, 'runs');
  const names = existsSync(runs) ? readdirSync(runs).sort() : [];
  return [folder, ...names.map((name) => join(runs, name))].filter((candidate) =>
    ['', '-wal', '.repaired'].some((suffix) => existsSync(join(candidate, `${LOG}${suffix}`))),
  );
}

function isOfUse({ damage, partitions, commits, state }: RepairReport): boolean {
  return damage === null || partitions.length + commits + state > 0;
}

function textOf(reports: RepairReport[], refusals: Refusal[]): string {
  return [
    ...reports.map(reportText),
    ...refusals.map(({ folder, error }) => `${folder}: not repaired. ${error.message}`),
  ].join('\n');
}

function reportText(report: RepairReport): string {
  const { folder, damage, keptAs, partitions, holes, commits, state, discarded } = report;
  if (damage === null) return `${folder}: whole, nothing to repair`;
  const messages = partitions.reduce((sum, partition) => sum + partition.messages, 0);
  const lines = [
    `${folder}: repaired`,
    `  ${damage}`,
    `  saved: ${messages} messages in ${partitions.length} partitions, ${commits} committed offsets, ${state} entries of state`,
  ];
  for (const { topic, partition, from, to } of holes.slice(0, HOLES_SHOWN_MAX))
    lines.push(`  lost: topic ${topic}, partition ${partition}, offsets ${from} to ${to}`);
  if (holes.length > HOLES_SHOWN_MAX)
    lines.push(`  lost: ${holes.length - HOLES_SHOWN_MAX} more; see --json`);
  if (discarded > 0) lines.push(`  ${discarded} records were there but not intact, and were left out`);
  lines.push(`  the damaged file is kept as ${keptAs}`);
  return lines.join('\n');
}
