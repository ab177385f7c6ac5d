import type { DatabaseSync } from 'node:sqlite';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { RequestOf, ResponseOf } from '@millrace/shared/protocol/catalog.ts';
import type { LogLine } from '@millrace/shared/protocol/entities.ts';
import { encodeFrame } from '@millrace/shared/trace/frame.ts';
import type { TraceRecord } from '@millrace/shared/trace/record.ts';
import { openFrameOrNull } from './openFrame.ts';
import { f64Of } from './traceEntries.ts';
import { listTraces } from './traceList.ts';
import { openTracesForReading, readCounts, traceError } from './traceSchema.ts';

/** What one request about one trace may cost: a trace can be as long as its run. */
const TRACE_RECORDS_MAX = 10_000;
const TRACE_CHUNKS_MAX = 128;

/** Read access to the traces and logs of a run, live or over. Opened by the server on the run's folder; never blocks the run. */
export interface TraceReader {
  /**
   * Newest first. The work of one call is bounded: `next` may be set though fewer than `limit` were found, and then
   * leads on. `total` counts all traces kept, whatever is asked for.
   */
  list(query: Omit<RequestOf<'trace.list'>, 'runId'>): ResponseOf<'trace.list'>;
  /**
   * Records in the order of their numbers; `truncated` counts those that expired or are too many, `missing` those that
   * sampling had left out before the trace turned out worth keeping.
   */
  get(correlationId: string): ResponseOf<'trace.get'>;
  /**
   * Frames after `afterSeq`, oldest first, for a client that resumes. `gap` counts the records after `afterSeq` that are
   * gone before the first frame; holes between frames show in their numbers. `nextSeq` is the end of what is kept.
   */
  tail(afterSeq: number, recordsMax: number): TraceTail;
  /** The newest log lines of the run, oldest first. */
  logs(linesMax: number): LogLine[];
  /** Idempotent. */
  close(): void;
}

const NO_TRACES: ResponseOf<'trace.list'> = { traces: [], next: null, total: 0, begun: 0, sampledOut: 0 };
const NO_TRACE: ResponseOf<'trace.get'> = { records: [], truncated: 0, missing: 0 };

export type TraceTail = {
  frames: { firstSeq: number; count: number; frame: Uint8Array }[];
  gap: number;
  nextSeq: number;
};

/** Opens a run's traces for reading; while there are none yet they read as empty. */
export function openTraceReader(folder: string): TraceReader {
  let database: DatabaseSync | null = null;
  let closed = false;
  const withTraces = <Value>(ask: (database: DatabaseSync) => Value, otherwise: Value): Value => {
    if (closed) throw new WorkbenchError('STORAGE_FAILED', 'This view of the traces is closed.');
    try {
      database ??= openTracesForReading(folder);
      return database === null ? otherwise : ask(database);
    } catch (thrown) {
      throw traceError(thrown);
    }
  };
  return {
    list: (query) => withTraces((opened) => listTraces(opened, query), NO_TRACES),
    get: (correlationId) => withTraces((opened) => readTrace(opened, correlationId), NO_TRACE),
    tail: (afterSeq, recordsMax) =>
      withTraces((opened) => readTail(opened, afterSeq, recordsMax), { frames: [], gap: 0, nextSeq: 0 }),
    logs: (linesMax) => withTraces((opened) => readLogs(opened, linesMax), []),
    close() {
      closed = true;
      if (database?.isOpen) database.close();
    },
  };
}

function readTrace(database: DatabaseSync, correlationId: string): ResponseOf<'trace.get'> {
  const trace = database
    .prepare('SELECT records, missing, chunks FROM traces WHERE correlation_id = ?')
    .get(correlationId);
  if (!trace) return NO_TRACE;
  const frameAt = database.prepare('SELECT frame FROM chunks WHERE first_seq = ?');
  const records: TraceRecord[] = [];
  for (const firstSeq of f64Of(trace.chunks as Uint8Array).subarray(0, TRACE_CHUNKS_MAX)) {
    const chunk = frameAt.get(firstSeq);
    const view = chunk ? openFrameOrNull(chunk.frame as Uint8Array) : null;
    const code = view?.codeOfId(correlationId) ?? 0;
    for (let i = 0; view && i < view.count && records.length < TRACE_RECORDS_MAX; i++)
      if (view.correlations[i] === code) records.push(view.recordAt(i));
  }
  const truncated = Math.max(0, (trace.records as number) - records.length);
  return { records, truncated, missing: trace.missing as number };
}

function readTail(database: DatabaseSync, afterSeq: number, recordsMax: number): TraceTail {
  const { nextSeq } = readCounts(database);
  const wantedSeq = afterSeq + 1;
  const frames: TraceTail['frames'] = [];
  if (wantedSeq >= nextSeq) return { frames, gap: 0, nextSeq };
  let records = 0;
  for (const row of chunksFrom(database, wantedSeq)) {
    const frame = frameFrom(row, wantedSeq);
    if (frame === null) continue;
    frames.push(frame);
    records += frame.count;
    if (records >= recordsMax) break;
  }
  const gap = (frames[0]?.firstSeq ?? nextSeq) - wantedSeq;
  return { frames, gap, nextSeq };
}

/** The chunk that may hold `seq`, and those after it. */
function chunksFrom(database: DatabaseSync, seq: number): Iterable<Record<string, unknown>> {
  return database
    .prepare(
      `SELECT first_seq AS firstSeq, count, frame FROM chunks WHERE first_seq >= coalesce(
         (SELECT max(first_seq) FROM chunks WHERE first_seq <= ?), 0) ORDER BY first_seq`,
    )
    .iterate(seq);
}

/** The part of a chunk from `wantedSeq` on; null when all of it is older. */
function frameFrom(row: Record<string, unknown>, wantedSeq: number): TraceTail['frames'][number] | null {
  const firstSeq = row.firstSeq as number;
  const count = row.count as number;
  const frame = row.frame as Uint8Array;
  if (firstSeq >= wantedSeq) return { firstSeq, count, frame };
  if (firstSeq + count <= wantedSeq) return null;
  const view = openFrameOrNull(frame);
  if (view === null) return null;
  const records: TraceRecord[] = [];
  for (let i = wantedSeq - firstSeq; i < view.count; i++) records.push(view.recordAt(i));
  return { firstSeq: wantedSeq, count: records.length, frame: encodeFrame({ firstSeq: wantedSeq, records }) };
}

function readLogs(database: DatabaseSync, linesMax: number): LogLine[] {
  const rows = database
    .prepare(
      `SELECT seq, time_ms AS timeMs, level, node_id AS nodeId, message, message_id AS messageId,
       correlation_id AS correlationId FROM log_lines ORDER BY seq DESC LIMIT ?`,
    )
    .all(linesMax);
  // The statement names the columns after the fields.
  return rows.reverse().map((row) => ({ ...row }) as unknown as LogLine);
}
