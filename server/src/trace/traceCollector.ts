import { encodeFrame } from '@millrace/shared/trace/frame.ts';
import type { TraceRecord } from '@millrace/shared/trace/record.ts';

/** A frame goes out with this many records, or when this much time has passed: up to 16 a second at 65,000 records a second. */
export const FRAME_RECORDS = 4000;
const FRAME_MS = 60;
/** Records with long texts make more frames, so that what a slow page holds up is known in bytes. */
const FRAME_BYTES_MAX = 1024 * 1024;
/** Records waiting to be encoded. More come only when this thread is busy for long; they are counted, not kept. */
export const WAITING_RECORDS_MAX = 200_000;

export type CollectorOptions = {
  /** Number of the first record. */
  nextSeq: number;
  onFrame(firstSeq: number, count: number, frame: Uint8Array): void;
  /** Records that were numbered but left out; `endSeq` is the number after them. */
  onLost(records: number, endSeq: number): void;
  /** Before the frames of a flush. */
  onFlush(): void;
};

/** Numbers the run's trace records and packs them into frames. `push` only takes note; encoding happens later, in batches. */
export interface TraceCollector {
  push(records: TraceRecord[]): void;
  /** Sees to it that a flush comes, also when nothing was pushed. */
  schedule(): void;
  /** Number of the next record. */
  nextSeq(): number;
  /** Encodes and hands out what waits. */
  flush(): void;
}

export function createTraceCollector({
  nextSeq: firstSeq,
  onFrame,
  onLost,
  onFlush,
}: CollectorOptions): TraceCollector {
  let nextSeq = firstSeq;
  let waiting: TraceRecord[][] = [];
  let waitingRecords = 0;
  /** Left out since the last flush; their numbers follow those of what waits. */
  let lostRecords = 0;
  let timer: NodeJS.Timeout | null = null;
  let immediate: NodeJS.Immediate | null = null;

  const handOut = (firstSeq: number, records: TraceRecord[]): void => {
    const frame = encodeFrame({ firstSeq, records });
    if (frame.length <= FRAME_BYTES_MAX || records.length === 1)
      return onFrame(firstSeq, records.length, frame);
    const half = Math.ceil(records.length / 2);
    handOut(firstSeq, records.slice(0, half));
    handOut(firstSeq + half, records.slice(half));
  };
  const flush = (): void => {
    if (timer) clearTimeout(timer);
    if (immediate) clearImmediate(immediate);
    timer = null;
    immediate = null;
    onFlush();
    const records = waiting.length === 1 ? (waiting[0] as TraceRecord[]) : waiting.flat();
    const seq = nextSeq - lostRecords - waitingRecords;
    waiting = [];
    waitingRecords = 0;
    for (let from = 0; from < records.length; from += FRAME_RECORDS) {
      const chunk = records.length <= FRAME_RECORDS ? records : records.slice(from, from + FRAME_RECORDS);
      handOut(seq + from, chunk);
    }
    if (lostRecords > 0) onLost(lostRecords, nextSeq);
    lostRecords = 0;
  };

  return {
    nextSeq: () => nextSeq,
    push(records) {
      if (records.length === 0) return;
      nextSeq += records.length;
      if (lostRecords > 0 || waitingRecords + records.length > WAITING_RECORDS_MAX) {
        lostRecords += records.length;
      } else {
        waiting.push(records);
        waitingRecords += records.length;
      }
      if (waitingRecords >= FRAME_RECORDS || lostRecords > 0) immediate ??= setImmediate(flush);
      else timer ??= setTimeout(flush, FRAME_MS);
    },
    schedule() {
      timer ??= setTimeout(flush, FRAME_MS);
    },
    flush,
  };
}
