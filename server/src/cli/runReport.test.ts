import { emptyDocument } from '@millrace/shared/flow/document.ts';
import { zeroTraceFigures } from '@millrace/shared/trace/metrics.ts';
import { metricsSnapshot } from '@millrace/shared/trace/testing/metricsSnapshot.ts';
import { describe, expect, it } from 'vitest';
import { flow } from '../simulator/testing/flowBuilder.ts';
import { lineOf } from './progress.ts';
import { type RunOutcome, reportOf, reportText } from './runReport.ts';

const document = flow('Small')
  .node('http', 'hook')
  .node('topic', 'in')
  .node('log', 'end')
  .edges('hook > in', 'in > end')
  .document();

function outcome(trace = zeroTraceFigures()): RunOutcome {
  return {
    status: 'completed',
    error: null,
    metrics: { ...metricsSnapshot(), trace },
    durationMs: 1500,
    restarts: 0,
    files: [],
  };
}

const sampled = {
  ...zeroTraceFigures(),
  kept: 700,
  lost: 4,
  sampling: {
    share: 0.0625,
    tracesBegun: 12_000,
    tracesOut: 11_880,
    recordsOut: 99_000,
    promoted: 90,
    incomplete: 0,
    leftOut: 3,
  },
};

describe('the report of a run', () => {
  it('[TR2] says which share of the traces is kept, and how many were left out', () => {
    const report = reportOf(document, outcome(sampled));
    expect(report.traces).toEqual({
      share: 0.0625,
      begun: 12_000,
      kept: 120,
      sampledOut: 11_880,
      promoted: 90,
      leftOut: 3,
    });
    expect(report.traceRecords).toEqual({ kept: 700, expired: 0, lost: 4, sampledOut: 99_000 });
    const text = reportText(report);
    expect(text).toContain('traces: 120 of 12,000 kept (1 %), 11,880 left out');
    expect(text).toContain('3 failed or slow traces came too fast');
    expect(text).toContain('4 trace records were lost');
  });

  it('has no line for traces that are all kept', () => {
    const sampling = { ...zeroTraceFigures().sampling, tracesBegun: 5 };
    const text = reportText(reportOf(document, outcome({ ...zeroTraceFigures(), sampling })));
    expect(text).not.toContain('trace');
  });

  it('[TR2] has the share of the moment in the line of a run that goes on', () => {
    const { metrics } = outcome(sampled);
    if (!metrics) throw new Error('no metrics');
    expect(lineOf(emptyDocument('flow:x', 'x'), metrics, 0)).toContain('6.3 % of new traces kept');
  });
});
