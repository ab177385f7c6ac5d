import type { TraceKind, TraceRecord } from '@millrace/shared/trace/record.ts';
import { traceRecord } from '@millrace/shared/trace/testing/traceRecord.ts';
import { describe, expect, it } from 'vitest';
import { LIVE_TRACES_MAX, TRACE_RECORDS_MAX } from './limits.ts';
import { TraceTail } from './traceTail.ts';

function record(kind: TraceKind, correlationId: string, extra: Partial<TraceRecord> = {}): TraceRecord {
  return traceRecord({
    kind,
    timeMs: 1_000,
    messageId: correlationId,
    topic: 'node:t',
    partition: 0,
    offset: 0,
    ...extra,
  });
}

describe('TraceTail', () => {
  it('[TR5] takes only what is new from a frame that overlaps', () => {
    const tail = new TraceTail();
    tail.startAt(10);
    tail.add({ firstSeq: 10, records: [record('produced', 'a'), record('appended', 'a')] }, 0);
    tail.add(
      { firstSeq: 11, records: [record('appended', 'a'), record('delivered', 'a', { attempt: 1 })] },
      0,
    );
    expect(tail.records.next).toBe(3);
    expect(tail.lastSeq).toBe(12);
    expect(tail.traces.get('a')?.summary).toMatchObject({ records: 3, messages: 1, status: 'running' });
  });

  it('[TR3] counts what was skipped and what is gone', () => {
    const tail = new TraceTail();
    tail.add({ firstSeq: 50, records: [record('produced', 'a')] }, 7);
    tail.addGap(5);
    tail.addUnreadableFrame();
    expect([tail.skipped, tail.gap, tail.unreadableFrames]).toEqual([7, 5, 1]);
  });

  it('keeps the newest records and traces, and counts the traces it let go', () => {
    const tail = new TraceTail();
    const records = Array.from({ length: TRACE_RECORDS_MAX + 5 }, (_, index) =>
      record('produced', `t${index}`),
    );
    tail.add({ firstSeq: 0, records }, 0);
    expect(tail.records.length).toBe(TRACE_RECORDS_MAX);
    expect(tail.records.first).toBe(5);
    expect(tail.traces.size).toBe(LIVE_TRACES_MAX);
    expect(tail.traces.forgotten).toBe(records.length - LIVE_TRACES_MAX);
    expect(tail.traces.get(`t${records.length - 1}`)).toBeDefined();
  });
});
