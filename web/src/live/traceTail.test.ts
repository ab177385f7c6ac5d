import { encodeFrame } from '@millrace/shared/trace/frame.ts';
import type { TraceKind, TraceRecord } from '@millrace/shared/trace/record.ts';
import { traceRecord } from '@millrace/shared/trace/testing/traceRecord.ts';
import { describe, expect, it, vi } from 'vitest';
import { LIVE_TRACES_MAX, QUEUED_FRAMES_MAX, SLICE_RECORDS } from './limits.ts';
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

/** A tail whose animation frames come when they are told to. */
function setUp() {
  const waiting: (() => void)[] = [];
  const tail = new TraceTail((work) => waiting.push(work));
  const acknowledged: number[] = [];
  return {
    tail,
    acknowledged,
    take: (firstSeq: number, records: TraceRecord[], skipped = 0) =>
      void tail.take(encodeFrame({ firstSeq, records }), skipped).then(() => acknowledged.push(firstSeq)),
    /** False when nothing waits for one. */
    frame: (): boolean => {
      const work = waiting.shift();
      work?.();
      return work !== undefined;
    },
    frames: (): number => {
      let count = 0;
      for (let work = waiting.shift(); work; work = waiting.shift()) {
        work();
        count++;
      }
      return count;
    },
  };
}

describe('TraceTail', () => {
  it('[TR5] takes only what is new from a frame that overlaps', () => {
    const { tail, take, frames } = setUp();
    tail.startAt(10);
    take(10, [record('produced', 'a'), record('appended', 'a')]);
    take(11, [record('appended', 'a'), record('delivered', 'a', { attempt: 1 })]);
    expect(tail.lastSeq).toBe(12);
    frames();
    expect(tail.taken).toBe(3);
    expect(tail.traces.get('a')?.summary).toMatchObject({ records: 3, messages: 1, status: 'running' });
  });

  it('[TR3] counts what was skipped, what is gone and what cannot be read, and acknowledges it all', async () => {
    const { tail, take, frames, acknowledged } = setUp();
    const log = vi.spyOn(console, 'error').mockImplementation(() => {});
    take(50, [record('produced', 'a')], 7);
    tail.addGap(5);
    await tail.take(Uint8Array.of(1, 2, 3), 0);
    frames();
    await vi.waitFor(() => expect(acknowledged).toEqual([50]));
    expect([tail.skipped, tail.gap, tail.unreadableFrames]).toEqual([7, 5, 1]);
    log.mockRestore();
  });

  it('keeps the newest traces, and counts those it let go', () => {
    const { tail, take, frames } = setUp();
    const records = Array.from({ length: LIVE_TRACES_MAX + 5 }, (_, index) =>
      record('produced', `t${index}`),
    );
    take(0, records);
    frames();
    expect(tail.traces.size).toBe(LIVE_TRACES_MAX);
    expect(tail.traces.forgotten).toBe(5);
    expect(tail.traces.get(`t${records.length - 1}`)).toBeDefined();
  });

  it('takes in a bounded part per animation frame, and acknowledges a frame when all of it is in', async () => {
    const { tail, take, frame, frames, acknowledged } = setUp();
    // A clock that moves on whenever it is looked at: each slice has time for its first few records only.
    let nowMs = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => {
      nowMs += 100;
      return nowMs;
    });
    take(
      0,
      Array.from({ length: SLICE_RECORDS * 4 }, (_, index) => record('produced', `t${index}`)),
    );
    frame();
    expect(tail.taken).toBe(SLICE_RECORDS);
    expect(frames()).toBe(3);
    clock.mockRestore();
    expect(tail.taken).toBe(SLICE_RECORDS * 4);
    await vi.waitFor(() => expect(acknowledged).toEqual([0]));
  });

  it('[TR3] lets a bounded number of frames wait and counts what is more', () => {
    const { tail, take, frames } = setUp();
    for (let i = 0; i < QUEUED_FRAMES_MAX + 3; i++)
      take(i * 2, [record('produced', `a${i}`), record('appended', `a${i}`)]);
    expect(tail.skipped).toBe(6);
    expect(tail.lastSeq).toBe((QUEUED_FRAMES_MAX + 3) * 2 - 1);
    frames();
    expect(tail.taken).toBe(QUEUED_FRAMES_MAX * 2);
  });

  it('gives a trace a new summary when it changes, and lets go of all when it is closed', async () => {
    const { tail, take, frame, frames, acknowledged } = setUp();
    take(0, [record('produced', 'a')]);
    frames();
    const before = tail.traces.get('a')?.summary;
    take(1, [record('appended', 'a')]);
    frames();
    expect(tail.traces.get('a')?.summary).not.toBe(before);
    expect(before?.records).toBe(1);
    take(2, [record('delivered', 'a')]);
    tail.close();
    await vi.waitFor(() => expect(acknowledged).toEqual([0, 1, 2]));
    frame();
    expect(tail.taken).toBe(2);
  });

  it('uses animation frames of its own, or a timer where there are none', async () => {
    const tail = new TraceTail();
    await tail.take(encodeFrame({ firstSeq: 0, records: [record('produced', 'a')] }), 0);
    expect(tail.traces.size).toBe(1);
  });
});
