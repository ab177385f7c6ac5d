/** What a tier's run came to. `problem`: why it counts as failed although no test says so. */
export type Tally = { passed: number; failed: number; skipped: number; problem?: string };

type VitestReport = {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: { name: string; status: string; assertionResults: { status: string }[] }[];
};

type PlaywrightReport = {
  stats: { expected: number; unexpected: number; flaky: number; skipped: number };
  errors: { message?: string }[];
};

/** A file that could not be loaded has no failed test to show for it and counts as one. */
const brokenFiles = (report: VitestReport): number =>
  report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;

export const tallyVitest = (report: VitestReport): Tally => ({
  passed: report.numPassedTests,
  failed: report.numFailedTests + brokenFiles(report),
  skipped: report.numPendingTests + report.numTodoTests,
});

export const tallyPlaywright = (report: PlaywrightReport): Tally => ({
  passed: report.stats.expected,
  // A test that passed only when repeated has failed once; there are no retries, so this stays 0.
  failed: report.stats.unexpected + report.stats.flaky + report.errors.length,
  skipped: report.stats.skipped,
});

/**
 * Looks for runs that look good and are not: a crashed runner, a missing report, a tier in which nothing ran. Each adds
 * one failure, so that the sum never says "0 failed" when the exit code says otherwise.
 */
export const judge = (
  tally: Tally | undefined,
  run: { tier: string; exitCode: number; isFiltered: boolean },
): Tally => {
  const counted = tally ?? { passed: 0, failed: 0, skipped: 0 };
  const fail = (problem: string): Tally => ({ ...counted, failed: counted.failed + 1, problem });
  const ran = counted.passed + counted.failed + counted.skipped;
  if (tally === undefined) return fail(`${run.tier}: exit code ${run.exitCode} and no report`);
  if (ran === 0 && !run.isFiltered) return fail(`${run.tier}: no test ran`);
  if (ran > 0 && run.exitCode !== 0 && counted.failed === 0)
    return fail(`${run.tier}: exit code ${run.exitCode} although no test failed`);
  return counted;
};

export const sum = (tallies: readonly Tally[]): Tally =>
  tallies.reduce(
    (total, tally) => ({
      passed: total.passed + tally.passed,
      failed: total.failed + tally.failed,
      skipped: total.skipped + tally.skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  );

export const summaryLine = ({ passed, failed, skipped }: Tally): string =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`;
