import type { CrashReport } from './crashTest.ts';

const LABEL_WIDTH = 24;

/** What a person reads at the end. */
export function reportText(report: CrashReport): string {
  const row = (label: string, value: string | number): string =>
    `  ${label.padEnd(LABEL_WIDTH)}${typeof value === 'number' ? value.toLocaleString('en') : value}`;
  const counts = (numbers: Record<string, number>): string =>
    Object.entries(numbers)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  const kills = Object.values(report.byPhase).reduce((sum, count) => sum + count, 0);
  return [
    `${kills} kills in ${(report.durationMs / 1000).toFixed(0)} s, seed ${report.seed}`,
    row('kills by phase', counts(report.byPhase)),
    row('kills by victim', counts(report.byVictim)),
    row('acknowledged over HTTP', report.acknowledged),
    row('found in the log', report.found),
    row('generated', report.generated),
    row('posts sent again', `${report.resent}, of which the log holds twice ${report.storedAgain}`),
    row(
      'duplicates absorbed',
      `${report.absorbed} by the handler; ${report.rows} rows in the database, one a message`,
    ),
    row('dead letters', `${report.deadLetters}, sent back ${report.sentBack}`),
    row('compacted away', report.compacted),
    row('sink lines repeated', report.repeatedLines),
    row('counters exact', report.countersExact ? 'yes' : 'no'),
    report.faults.length === 0
      ? '  nothing lost'
      : `  FAULTS\n${report.faults.map((fault) => `    ${fault}`).join('\n')}`,
  ].join('\n');
}
