import type { TraceBatch, TraceRecord } from '@millrace/shared/trace/record.ts';
import { TRACE_RECORDS_MAX } from './limits.ts';
import { LiveTraces } from './liveTraces.ts';
import { Ring } from './ring.ts';
import { Signal } from './signal.ts';

/**
 * The newest trace records of a run as they stream in, and what is missing from them: records that the server left out
 * because this tab was slow (`skipped`) and records that were gone when it came back (`gap`). Rules TR3 and TR5.
 */
export class TraceTail {
  readonly changed = new Signal();
  readonly records = new Ring<TraceRecord>(TRACE_RECORDS_MAX);
  readonly traces = new LiveTraces();
  #lastSeq = -1;
  #skipped = 0;
  #gap = 0;
  #unreadableFrames = 0;

  /** Sequence number of the newest record received; -1 before the first. A reconnecting client resumes after it. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  get skipped(): number {
    return this.#skipped;
  }

  get gap(): number {
    return this.#gap;
  }

  /** Records before `nextSeq` happened before this tab watched; the trace list reads them from the server. */
  startAt(nextSeq: number): void {
    if (this.#lastSeq < 0) this.#lastSeq = nextSeq - 1;
  }

  /** Frames that could not be decoded; how many records they held is not known. */
  get unreadableFrames(): number {
    return this.#unreadableFrames;
  }

  addUnreadableFrame(): void {
    this.#unreadableFrames++;
    this.changed.bump();
  }

  addGap(records: number): void {
    this.#gap += records;
    if (records > 0) this.changed.bump();
  }

  add(batch: TraceBatch, skipped: number): void {
    this.#skipped += skipped;
    // A frame that overlaps what is here already (the resume came while a frame was on its way) is taken from where it is new.
    const known = Math.max(0, this.#lastSeq + 1 - batch.firstSeq);
    const fresh = known === 0 ? batch.records : batch.records.slice(known);
    for (const record of fresh) this.records.push(record);
    this.traces.add(fresh);
    this.#lastSeq = Math.max(this.#lastSeq, batch.firstSeq + batch.records.length - 1);
    this.changed.bump();
  }
}
