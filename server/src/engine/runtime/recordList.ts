import type { Message } from '@millrace/shared/message/message.ts';
import type { TraceKind, TraceRecord } from '@millrace/shared/trace/record.ts';
import type { RecordRun, TraceEntry } from '@millrace/shared/trace/recordRun.ts';

/** Where a message stands; -1 and null where it stands nowhere. */
export type Place = { topic: string | null; partition: number; offset: number };

/**
 * Runs that may still grow. Handling a batch says in turn of each message that it was handled and of what it emitted that it was
 * emitted; with fewer open runs than that every record would begin a new one.
 */
const OPEN_RUNS_MAX = 4;

/**
 * Trace records in the order in which they were observed, gathered into runs. A record may go into a run that was begun before
 * others of the same moment, so those of one message keep their order only because a single record closes all runs, and a
 * message is not both emitted and handled in one list.
 */
export class RecordList {
  readonly entries: TraceEntry[] = [];
  /** Records, those in runs counted one by one. */
  length = 0;
  #open: RecordRun[] = [];
  #last: TraceRecord | Message | null = null;

  push(record: TraceRecord): void {
    this.entries.push(record);
    this.length++;
    this.#last = record;
    if (this.#open.length > 0) this.#open = [];
  }

  /** A record without an error or a detail. */
  add(
    kind: TraceKind,
    timeMs: number,
    nodeId: string,
    message: Message,
    place: Place,
    attempt: number,
    durationUs: number,
  ): void {
    const run =
      this.#openRun(kind, timeMs, nodeId, place, attempt, durationUs) ??
      this.#begin(kind, timeMs, nodeId, place, attempt, durationUs);
    run.messages.push(message);
    run.offsets.push(place.offset);
    this.length++;
    this.#last = message;
  }

  /** Appends what another list holds; that one is used up. */
  take({ entries, length }: RecordList): void {
    for (const entry of entries) this.entries.push(entry);
    this.length += length;
    this.#open = [];
  }

  /** Which message the newest record is about; null when there is none. */
  lastAbout(): { messageId: string; correlationId: string } | null {
    if (this.#last === null) return null;
    const { correlationId } = this.#last;
    return { messageId: 'messageId' in this.#last ? this.#last.messageId : this.#last.id, correlationId };
  }

  #openRun(
    kind: TraceKind,
    timeMs: number,
    nodeId: string,
    { topic, partition }: Place,
    attempt: number,
    durationUs: number,
  ): RecordRun | undefined {
    for (let i = this.#open.length - 1; i >= 0; i--) {
      const run = this.#open[i] as RecordRun;
      if (
        run.kind === kind &&
        run.nodeId === nodeId &&
        run.topic === topic &&
        run.partition === partition &&
        run.durationUs === durationUs &&
        run.attempt === attempt &&
        run.timeMs === timeMs
      )
        return run;
    }
    return undefined;
  }

  #begin(
    kind: TraceKind,
    timeMs: number,
    nodeId: string,
    { topic, partition }: Place,
    attempt: number,
    durationUs: number,
  ): RecordRun {
    const run: RecordRun = {
      kind,
      timeMs,
      nodeId,
      topic,
      partition,
      attempt,
      durationUs,
      messages: [],
      offsets: [],
    };
    this.entries.push(run);
    if (this.#open.length === OPEN_RUNS_MAX) this.#open.shift();
    this.#open.push(run);
    return run;
  }
}
