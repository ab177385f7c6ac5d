import { TRACE_FRAME_CREDIT } from '@millrace/shared/protocol/catalog.ts';
import {
  HELD_BYTES_MAX,
  HELD_FRAMES_MAX,
  RESUME_RECORDS_PER_READ,
  UNACKNOWLEDGED_BYTES_MAX,
  WAITING_FRAMES_MAX,
} from './limits.ts';

export type Frame = { firstSeq: number; count: number; frame: Uint8Array };

export type TraceWatcherOptions = {
  /** Sends one frame; `acknowledge` is called once when the page has taken it. */
  send(skipped: number, frame: Uint8Array, acknowledge: () => void): void;
  /** Stored frames after a sequence number, oldest first; empty at the end. */
  readTail(afterSeq: number, recordsMax: number): Frame[];
  /** Drops the records before `seq` from a frame. */
  cutBefore(frame: Frame, seq: number): Frame;
  onSkipped(records: number): void;
};

/**
 * The trace tail of one run for one page. A page that resumes is first sent what it missed from the store, then live
 * frames. At most `TRACE_FRAME_CREDIT` frames are on their way and `WAITING_FRAMES_MAX` wait; while a page is further behind,
 * the oldest are left out, and the next one says how many records that were (TR3): every record is either sent or counted, since whatever lies
 * between the last sequence number sent and the next is what was left out.
 *
 * A page that stops reading costs at most `HELD_BYTES_MAX` of frames that wait, `UNACKNOWLEDGED_BYTES_MAX` and a frame that are on
 * their way, and one read of the store: 8 MiB, and less where several pages hold the same frames.
 */
export class TraceWatcher {
  readonly #options: TraceWatcherOptions;
  /** Null until the first frame of a page that asked for no history. */
  #nextSeq: number | null;
  #unacknowledged = 0;
  #unacknowledgedBytes = 0;
  #isCatchingUp: boolean;
  #fromStore: Frame[] = [];
  #held: Frame[] = [];
  #heldBytes = 0;
  #isClosed = false;

  constructor(options: TraceWatcherOptions, nextSeq: number | null) {
    this.#options = options;
    this.#nextSeq = nextSeq;
    this.#isCatchingUp = nextSeq !== null;
  }

  /** Begins to send what the page missed. */
  start(): void {
    this.#pump();
  }

  offer(frame: Frame): void {
    if (this.#isClosed) return;
    this.#held.push(frame);
    this.#heldBytes += frame.frame.length;
    if (!this.#isCatchingUp) this.#pump();
    const framesMax = this.#isCatchingUp ? HELD_FRAMES_MAX : WAITING_FRAMES_MAX;
    while (this.#held.length > framesMax || this.#heldBytes > HELD_BYTES_MAX) this.#takeHeld();
  }

  /** Bytes of frames that the page keeps alive here. */
  get bytes(): number {
    const fromStore = this.#fromStore.reduce((sum, { frame }) => sum + frame.length, 0);
    return this.#unacknowledgedBytes + this.#heldBytes + fromStore;
  }

  close(): void {
    this.#isClosed = true;
    this.#held = [];
    this.#heldBytes = 0;
    this.#fromStore = [];
  }

  #pump(): void {
    while (this.#isCatchingUp && this.#hasCredit()) {
      const stored = this.#fromStore.shift();
      if (stored) {
        this.#send(stored);
        continue;
      }
      const afterSeq = (this.#nextSeq ?? 0) - 1;
      this.#fromStore = this.#options
        .readTail(afterSeq, RESUME_RECORDS_PER_READ)
        .filter((frame) => frame.firstSeq + frame.count > afterSeq + 1);
      if (this.#fromStore.length > 0) continue;
      const held = this.#takeHeld();
      if (held) this.#send(held);
      else this.#isCatchingUp = false;
    }
    while (!this.#isCatchingUp && this.#hasCredit()) {
      const waiting = this.#takeHeld();
      if (!waiting) return;
      this.#send(waiting);
    }
  }

  #hasCredit(): boolean {
    return this.#unacknowledged < TRACE_FRAME_CREDIT && this.#unacknowledgedBytes < UNACKNOWLEDGED_BYTES_MAX;
  }

  #takeHeld(): Frame | undefined {
    const frame = this.#held.shift();
    if (frame) this.#heldBytes -= frame.frame.length;
    return frame;
  }

  #send(frame: Frame): void {
    const nextSeq = this.#nextSeq ?? frame.firstSeq;
    if (frame.firstSeq + frame.count <= nextSeq) return;
    const fresh = frame.firstSeq < nextSeq ? this.#options.cutBefore(frame, nextSeq) : frame;
    const skipped = fresh.firstSeq - nextSeq;
    if (skipped > 0) this.#options.onSkipped(skipped);
    this.#nextSeq = fresh.firstSeq + fresh.count;
    const bytes = fresh.frame.length;
    this.#unacknowledged++;
    this.#unacknowledgedBytes += bytes;
    let isAcknowledged = false;
    this.#options.send(skipped, fresh.frame, () => {
      if (isAcknowledged) return;
      isAcknowledged = true;
      this.#unacknowledged--;
      this.#unacknowledgedBytes -= bytes;
      if (!this.#isClosed) this.#pump();
    });
  }
}
