import type { FrameView } from '@millrace/shared/trace/frameView.ts';
import type { TraceRecord, TraceSummary } from '@millrace/shared/trace/record.ts';
import { addToSummary, emptySummary } from '@millrace/shared/trace/summary.ts';
import { LIVE_TRACES_MAX, TRACE_MESSAGE_IDS_MAX } from './limits.ts';
import { Ring } from './ring.ts';

export type LiveTrace = {
  /** A new object whenever it says something new, so that rows notice. */
  summary: TraceSummary;
  /** Where its messages have been, for the filter by node. */
  nodeIds: Set<string>;
  /** The first messages of the trace, so that it can be found by one of them. */
  messageIds: Set<string>;
  types: Set<string>;
  keys: Set<string>;
  errorCodes: Set<string>;
};

/**
 * The traces that passed while this tab watched, each with the sum of its records. The map keeps the order in which
 * traces were first seen; at the limit the oldest goes, which the trace list then reads from the server.
 */
export class LiveTraces {
  readonly #traces = new Map<string, LiveTrace>();
  readonly #order = new Ring<string>(LIVE_TRACES_MAX);
  #forgotten = 0;

  get size(): number {
    return this.#traces.size;
  }

  get forgotten(): number {
    return this.#forgotten;
  }

  get(correlationId: string): LiveTrace | undefined {
    return this.#traces.get(correlationId);
  }

  all(): IterableIterator<LiveTrace> {
    return this.#traces.values();
  }

  /** Some records of one frame, in the order in which they were observed. */
  add(view: FrameView, from: number, to: number): void {
    const touched = new Map<number, LiveTrace>();
    for (let index = from; index < to; index++) {
      const code = view.correlations[index] as number;
      const correlationId = view.neededIdOf(code);
      // Rebalances and the like belong to no message.
      if (correlationId === '') continue;
      let trace = touched.get(code);
      if (trace === undefined) {
        trace = this.#touch(correlationId, view.timesMs[index] as number);
        touched.set(code, trace);
      }
      take(trace, view.recordAt(index));
    }
  }

  #touch(correlationId: string, timeMs: number): LiveTrace {
    const known = this.#traces.get(correlationId);
    if (known === undefined) return this.#open(correlationId, timeMs);
    known.summary = { ...known.summary };
    return known;
  }

  #open(correlationId: string, timeMs: number): LiveTrace {
    const trace: LiveTrace = {
      summary: emptySummary(correlationId, timeMs),
      nodeIds: new Set(),
      messageIds: new Set(),
      types: new Set(),
      keys: new Set(),
      errorCodes: new Set(),
    };
    // The ring remembers who is oldest: the first key of a map that loses its first key all the time is slow to find.
    const oldest = this.#order.length === LIVE_TRACES_MAX ? this.#order.at(this.#order.first) : undefined;
    if (oldest !== undefined) {
      this.#traces.delete(oldest);
      this.#forgotten++;
    }
    this.#order.push(correlationId);
    this.#traces.set(correlationId, trace);
    return trace;
  }
}

function take(trace: LiveTrace, record: TraceRecord): void {
  addToSummary(trace.summary, record);
  trace.nodeIds.add(record.nodeId);
  if (record.messageType !== '') trace.types.add(record.messageType);
  if (record.key !== null) trace.keys.add(record.key);
  if (record.errorCode !== null) trace.errorCodes.add(record.errorCode);
  if (trace.messageIds.size < TRACE_MESSAGE_IDS_MAX) trace.messageIds.add(record.messageId);
}
