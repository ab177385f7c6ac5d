import { FrameView } from '@millrace/shared/trace/frameView.ts';
import { type FrameScheduler, nextFrame } from './frameScheduler.ts';
import { QUEUED_FRAMES_MAX, SLICE_MS, SLICE_RECORDS } from './limits.ts';
import { LiveTraces } from './liveTraces.ts';
import { Signal } from './signal.ts';

/** A frame on its way into the page: `at` is the first record that was not taken in yet. */
type Queued = { view: FrameView; at: number; done(): void };

/**
 * The trace records of a run as they stream in, summed up by trace, and what is missing from them: records that the server
 * left out because this tab was slow (`skipped`) and records that were gone when it came back (`gap`). Rules TR3 and TR5.
 *
 * Frames are taken in a slice per animation frame, so that no rate of records makes the page stutter; each is
 * acknowledged when it is in, which holds the server to the pace of the page.
 */
export class TraceTail {
  readonly changed = new Signal();
  readonly traces = new LiveTraces();
  readonly #schedule: FrameScheduler;
  #queue: Queued[] = [];
  #isScheduled = false;
  #isClosed = false;
  #lastSeq = -1;
  #taken = 0;
  #skipped = 0;
  #gap = 0;
  #unreadableFrames = 0;

  constructor(schedule: FrameScheduler = nextFrame) {
    this.#schedule = schedule;
  }

  /** Sequence number of the newest record received; -1 before the first. A reconnecting client resumes after it. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Records taken in since the tab began to watch. */
  get taken(): number {
    return this.#taken;
  }

  get skipped(): number {
    return this.#skipped;
  }

  get gap(): number {
    return this.#gap;
  }

  /** Frames that could not be decoded; how many records they held is not known. */
  get unreadableFrames(): number {
    return this.#unreadableFrames;
  }

  /** Records before `nextSeq` happened before this tab watched; the trace list reads them from the server. */
  startAt(nextSeq: number): void {
    if (this.#lastSeq < 0) this.#lastSeq = nextSeq - 1;
  }

  addGap(records: number): void {
    this.#gap += records;
    if (records > 0) this.changed.bump();
  }

  /** Resolves when the frame is taken in, left out, or found to be no frame; never rejects. */
  take(frame: Uint8Array, skipped: number): Promise<void> {
    this.#skipped += skipped;
    this.changed.bump();
    const view = this.#open(frame);
    if (view === null || this.#isClosed) return Promise.resolve();
    // A frame that overlaps what is here already (the resume came while a frame was on its way) is taken from where it is new.
    const at = Math.max(0, this.#lastSeq + 1 - view.firstSeq);
    this.#lastSeq = Math.max(this.#lastSeq, view.firstSeq + view.count - 1);
    if (this.#queue.length >= QUEUED_FRAMES_MAX) {
      this.#skipped += Math.max(0, view.count - at);
      return Promise.resolve();
    }
    return new Promise((done) => {
      this.#queue.push({ view, at, done });
      this.#wake();
    });
  }

  /** Leaves out what waits. */
  close(): void {
    this.#isClosed = true;
    for (const { done } of this.#queue.splice(0)) done();
  }

  #open(frame: Uint8Array): FrameView | null {
    try {
      return new FrameView(frame);
    } catch (thrown) {
      this.#unreadable(thrown);
      return null;
    }
  }

  #unreadable(thrown: unknown): void {
    this.#unreadableFrames++;
    console.error('A trace frame could not be read.', thrown);
  }

  #wake(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#schedule(() => {
      this.#isScheduled = false;
      this.#takeSlice();
      if (this.#queue.length > 0) this.#wake();
    });
  }

  #takeSlice(): void {
    const endMs = performance.now() + SLICE_MS;
    for (let head = this.#queue[0]; head !== undefined; head = this.#queue[0]) {
      this.#takeFrom(head);
      if (head.at >= head.view.count) {
        this.#queue.shift();
        head.done();
      }
      if (performance.now() >= endMs) break;
    }
    this.changed.bump();
  }

  /** So few records that the time is looked at often enough. */
  #takeFrom(head: Queued): void {
    const to = Math.min(head.view.count, head.at + SLICE_RECORDS);
    try {
      this.traces.add(head.view, head.at, to);
      this.#taken += Math.max(0, to - head.at);
      head.at = to;
    } catch (thrown) {
      // A record that makes no sense; what follows it in this frame is not to be trusted either.
      this.#unreadable(thrown);
      head.at = head.view.count;
    }
  }
}
