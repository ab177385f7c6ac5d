import { describe, expect, it } from 'vitest';
import { judge, sum, summaryLine, tallyPlaywright, tallyVitest } from './testResults.ts';

const run = { tier: 'unit', exitCode: 0, isFiltered: false };
const good = { passed: 3, failed: 0, skipped: 1 };

describe('test results', () => {
  it('counts a file that could not be loaded as a failure', () => {
    const file = (status: string, ...tests: string[]) => ({
      name: 'a.test.ts',
      status,
      assertionResults: tests.map((test) => ({ status: test })),
    });
    const counts = { numPassedTests: 2, numFailedTests: 1, numPendingTests: 1, numTodoTests: 1 };
    const testResults = [file('failed'), file('failed', 'failed', 'passed'), file('passed', 'passed')];
    expect(tallyVitest({ ...counts, testResults })).toEqual({ passed: 2, failed: 2, skipped: 2 });
  });

  it('counts errors outside of any browser test', () => {
    const stats = { expected: 4, unexpected: 1, flaky: 0, skipped: 2 };
    expect(tallyPlaywright({ stats, errors: [{ message: 'no such file' }] })).toEqual({
      passed: 4,
      failed: 2,
      skipped: 2,
    });
  });

  it('believes a run whose report and exit code agree', () => {
    expect(judge(good, run)).toEqual(good);
    const failing = { passed: 1, failed: 2, skipped: 0 };
    expect(judge(failing, { ...run, exitCode: 1 })).toEqual(failing);
  });

  it('counts a run that only looks good as failed', () => {
    expect(judge(undefined, { ...run, exitCode: 134 }).failed).toBe(1);
    expect(judge(good, { ...run, exitCode: 1 })).toMatchObject({ passed: 3, failed: 1 });
    expect(judge({ passed: 0, failed: 0, skipped: 0 }, run).failed).toBe(1);
  });

  it('lets a filter leave a tier empty', () => {
    expect(
      judge({ passed: 0, failed: 0, skipped: 0 }, { ...run, exitCode: 1, isFiltered: true }).failed,
    ).toBe(0);
  });

  it('sums to one line', () => {
    expect(summaryLine(sum([good, good]))).toBe('6 passed, 0 failed, 2 skipped');
  });
});
