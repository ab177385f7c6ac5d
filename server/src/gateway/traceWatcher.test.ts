import { TRACE_FRAME_CREDIT } from '@millrace/shared/protocol/catalog.ts';
import { describe, expect, it } from 'vitest';
import { HELD_BYTES_MAX, HELD_FRAMES_MAX, UNACKNOWLEDGED_BYTES_MAX, WAITING_FRAMES_MAX } from './limits.ts';
import { type Frame, TraceWatcher } from './traceWatcher.ts';

/** As many frames as the store gives at a time. */
const STORE_FRAMES_PER_READ = 2;

/** A page that takes frames when told to, and a store with the frames it is given. */
function setUp(stored: Frame[], nextSeq: number | null) {
  const sent: { first: number; count: number; skipped: number }[] = [];
  const acknowledgements: (() => void)[] = [];
  let skippedTotal = 0;
  const watcher = new TraceWatcher(
    {
      send: (skipped, frame, acknowledge) => {
        sent.push({ first: frame[0]!, count: frame[1]!, skipped });
        acknowledgements.push(acknowledge);
      },
      readTail: (afterSeq, recordsMax) => {
        const wanted = stored.filter((frame) => frame.firstSeq + frame.count - 1 > afterSeq);
        return wanted.slice(0, Math.min(recordsMax, STORE_FRAMES_PER_READ));
      },
      cutBefore: (frame, seq) => frameOf(seq, frame.firstSeq + frame.count - seq),
      onSkipped: (records) => {
        skippedTotal += records;
      },
    },
    nextSeq,
  );
  return {
    watcher,
    sent,
    acknowledge: () => acknowledgements.shift()?.(),
    acknowledgeAll: () => {
      while (acknowledgements.length > 0) acknowledgements.shift()?.();
    },
    skipped: () => skippedTotal,
  };
}

function frameOf(firstSeq: number, count: number): Frame {
  return { firstSeq, count, frame: Uint8Array.of(firstSeq, count) };
}

const FRAME_BYTES = 700_000;
function bigFrame(seq: number): Frame {
  const frame = new Uint8Array(FRAME_BYTES);
  frame[0] = seq;
  frame[1] = 1;
  return { firstSeq: seq, count: 1, frame };
}

describe('TraceWatcher', () => {
  it('[TR5] sends what was missed from the store, then goes on live without a gap or a repetition', () => {
    const page = setUp([frameOf(0, 5), frameOf(5, 5), frameOf(10, 5)], 7);
    page.watcher.start();
    page.watcher.offer(frameOf(10, 5));
    page.watcher.offer(frameOf(15, 3));
    page.acknowledgeAll();
    page.watcher.offer(frameOf(18, 2));
    expect(page.sent).toEqual([
      { first: 7, count: 3, skipped: 0 },
      { first: 10, count: 5, skipped: 0 },
      { first: 15, count: 3, skipped: 0 },
      { first: 18, count: 2, skipped: 0 },
    ]);
  });

  it('[TR3] lets a page be behind for a moment without leaving anything out', () => {
    const page = setUp([], null);
    const frames = TRACE_FRAME_CREDIT + WAITING_FRAMES_MAX;
    for (let i = 0; i < frames; i++) page.watcher.offer(frameOf(i * 10, 10));
    expect(page.sent).toHaveLength(TRACE_FRAME_CREDIT);
    page.acknowledgeAll();
    expect(page.sent.map(({ first }) => first)).toEqual(Array.from({ length: frames }, (_, i) => i * 10));
    expect(page.skipped()).toBe(0);
  });

  it('[TR3] leaves the oldest frames out while the page is further behind, and says how many records that was', () => {
    const page = setUp([], null);
    const leftOut = 3;
    const frames = TRACE_FRAME_CREDIT + WAITING_FRAMES_MAX + leftOut;
    for (let i = 0; i < frames; i++) page.watcher.offer(frameOf(i * 10, 10));
    expect(page.sent).toHaveLength(TRACE_FRAME_CREDIT);
    page.acknowledge();
    expect(page.sent.at(-1)).toEqual({
      first: (TRACE_FRAME_CREDIT + leftOut) * 10,
      count: 10,
      skipped: leftOut * 10,
    });
    page.acknowledgeAll();
    const seen = page.sent.reduce((sum, frame) => sum + frame.count + frame.skipped, 0);
    expect(seen).toBe(frames * 10);
    expect(page.skipped()).toBe(leftOut * 10);
  });

  it('never has more than the credit on its way while it catches up', () => {
    const page = setUp(
      Array.from({ length: 20 }, (_, i) => frameOf(i, 1)),
      0,
    );
    page.watcher.start();
    expect(page.sent).toHaveLength(TRACE_FRAME_CREDIT);
    page.acknowledge();
    expect(page.sent).toHaveLength(TRACE_FRAME_CREDIT + 1);
    page.acknowledgeAll();
    expect(page.sent.map((frame) => frame.first)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it('[TR3] keeps a bounded number of live frames while it catches up and counts the rest', () => {
    const page = setUp(
      Array.from({ length: TRACE_FRAME_CREDIT }, (_, i) => frameOf(i, 1)),
      0,
    );
    page.watcher.start();
    const live = HELD_FRAMES_MAX + 10;
    for (let i = 0; i < live; i++) page.watcher.offer(frameOf(TRACE_FRAME_CREDIT + i, 1));
    page.acknowledgeAll();
    const seen = page.sent.reduce((sum, frame) => sum + frame.count + frame.skipped, 0);
    expect(seen).toBe(TRACE_FRAME_CREDIT + live);
    expect(page.skipped()).toBe(10);
  });

  it('[TR3] holds a bounded number of bytes for a page that never acknowledges, live and catching up', () => {
    const bytesMax = HELD_BYTES_MAX + UNACKNOWLEDGED_BYTES_MAX + 2 * FRAME_BYTES;
    for (const nextSeq of [null, 0]) {
      const page = setUp(nextSeq === null ? [] : Array.from({ length: 50 }, (_, i) => bigFrame(i)), nextSeq);
      page.watcher.start();
      for (let i = 50; i < 250; i++) {
        page.watcher.offer(bigFrame(i));
        expect(page.watcher.bytes).toBeLessThanOrEqual(bytesMax);
      }
      expect(page.watcher.bytes).toBeGreaterThan(HELD_BYTES_MAX);
      page.acknowledgeAll();
      expect(page.watcher.bytes).toBe(0);
      const seen = page.sent.reduce((sum, frame) => sum + frame.count + frame.skipped, 0);
      expect(seen).toBe(nextSeq === null ? 200 : 250);
    }
  });

  it('takes an acknowledgement once and none after it was closed', () => {
    const page = setUp([], null);
    for (let i = 0; i < TRACE_FRAME_CREDIT; i++) page.watcher.offer(frameOf(i, 1));
    page.watcher.close();
    page.acknowledgeAll();
    page.watcher.offer(frameOf(50, 1));
    expect(page.sent).toHaveLength(TRACE_FRAME_CREDIT);
  });
});
