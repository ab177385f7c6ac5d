import type { DatabaseSync } from 'node:sqlite';
import type { LogLine } from '@millrace/shared/protocol/entities.ts';
import { decodeFrame } from '@millrace/shared/trace/frame.ts';
import type { TraceRecord, TraceSummary } from '@millrace/shared/trace/record.ts';
import { mergeSummary } from '@millrace/shared/trace/summary.ts';
import { assert } from '@millrace/shared/util/assert.ts';
import type { TraceLimits } from './traceProtocol.ts';
import { nodeMark, readCounts, type TraceCounts } from './traceSchema.ts';

/** Traces whose lines are remembered between transactions, so that most are written without being read. */
const REMEMBERED_TRACES_MAX = 50_000;
/** A trace that is in more chunks than this keeps its first ones; its counts stay exact. */
const CHUNKS_PER_TRACE_MAX = 512;

type TraceEntry = { id: number; isNew: boolean; summary: TraceSummary; nodes: string; chunks: number[] };

/** What arrived since the last transaction; `endSeq` is the sequence number after all of it, lost records included. */
export type TraceArrivals = { frames: Uint8Array[]; lost: number; endSeq: number; lines: LogLine[] };

/** Keeps what arrives, all of it or, when it throws, nothing. Synchronous; it lives on a thread of its own. */
export interface TraceWriter {
  counts(): TraceCounts;
  keep(arrivals: TraceArrivals): void;
}

export function createTraceWriter(database: DatabaseSync, limits: TraceLimits): TraceWriter {
  const sql = prepareStatements(database);
  let counts = readCounts(database);
  let nextTraceId = (sql.lastTraceId.get()?.id as number) + 1;
  let remembered = new Map<string, TraceEntry>();
  const marks = new Map<string, string>();
  for (const row of sql.nodes.all()) marks.set(row.node_id as string, nodeMark(row.code as number));

  const markOf = (nodeId: string): string => {
    const known = marks.get(nodeId);
    if (known !== undefined) return known;
    const code = marks.size + 1;
    sql.addNode.run(code, nodeId);
    marks.set(nodeId, nodeMark(code));
    return nodeMark(code);
  };

  const entryOf = (correlationId: string): TraceEntry => {
    const known = remembered.get(correlationId) ?? readEntry(sql.trace.get(correlationId));
    if (known) return known;
    const summary = mergeSummary(undefined, []);
    return { id: nextTraceId++, isNew: true, summary, nodes: '', chunks: [] };
  };

  const touch = (correlationId: string, records: TraceRecord[], chunk: number): TraceEntry => {
    const entry = entryOf(correlationId);
    entry.summary = mergeSummary(entry.summary.records === 0 ? undefined : entry.summary, records);
    for (const { nodeId } of records) {
      const mark = markOf(nodeId);
      if (!entry.nodes.includes(mark)) entry.nodes += mark;
    }
    if (entry.chunks.length < CHUNKS_PER_TRACE_MAX) entry.chunks.push(chunk);
    else entry.chunks[CHUNKS_PER_TRACE_MAX - 1] = chunk;
    remembered.set(correlationId, entry);
    return entry;
  };

  const keepFrame = (frame: Uint8Array, dirty: Set<TraceEntry>): void => {
    const { firstSeq, records } = decodeFrame(frame);
    if (firstSeq < counts.nextSeq) {
      // Only when the store could not be read as the run began, so that its numbers were not known.
      counts.lost += records.length;
      return;
    }
    const traceIds = new Uint32Array(records.length);
    let traces = 0;
    for (const [correlationId, own] of byTrace(records)) {
      const entry = touch(correlationId, own, firstSeq);
      traceIds[traces++] = entry.id;
      dirty.add(entry);
    }
    sql.addChunk.run(firstSeq, records.length, bytesOf(traceIds.subarray(0, traces)), frame);
    counts.kept += records.length;
    counts.nextSeq = Math.max(counts.nextSeq, firstSeq + records.length);
  };

  const save = (entry: TraceEntry): void => {
    const { id, summary, nodes, chunks } = entry;
    const { records, messages, failures, open, unresolved, status } = summary;
    const values = [
      summary.rootType,
      summary.rootNodeId,
      summary.key,
      summary.startedMs,
      summary.lastMs,
      records,
      messages,
      failures,
      open,
      unresolved,
      status,
      status === 'ok' || status === 'running' ? null : status,
      nodes,
      chunks.at(-1) as number,
      bytesOf(Float64Array.from(chunks)),
    ];
    if (entry.isNew) {
      sql.addTrace.run(id, summary.correlationId, ...values);
      counts.traces++;
      entry.isNew = false;
    } else sql.updateTrace.run(...values, id);
  };

  const expireChunks = (): void => {
    while (counts.kept > limits.recordsMax) {
      const oldest = sql.oldestChunk.get();
      assert(oldest, `${counts.kept} trace records are counted, but there is no chunk`);
      const firstSeq = oldest.firstSeq as number;
      const count = oldest.count as number;
      for (const id of u32Of(oldest.traceIds as Uint8Array)) {
        const gone = sql.expireTrace.get(id, firstSeq);
        if (!gone) continue;
        counts.traces--;
        remembered.delete(gone.correlationId as string);
      }
      sql.deleteChunk.run(firstSeq);
      counts.kept -= count;
      counts.expired += count;
    }
  };

  const keepLines = (lines: LogLine[]): void => {
    for (const { seq, timeMs, level, nodeId, message, messageId, correlationId } of lines) {
      sql.addLine.run(seq, timeMs, level, nodeId, message, messageId, correlationId);
    }
    const last = lines.at(-1);
    if (last) sql.expireLines.run(last.seq - limits.logLinesMax);
  };

  const keepAll = ({ frames, lost, endSeq, lines }: TraceArrivals): void => {
    const dirty = new Set<TraceEntry>();
    for (const frame of frames) keepFrame(frame, dirty);
    for (const entry of dirty) save(entry);
    expireChunks();
    keepLines(lines);
    counts.lost += lost;
    counts.nextSeq = Math.max(counts.nextSeq, endSeq);
    sql.saveCounts.run(counts.nextSeq, counts.kept, counts.expired, counts.lost, counts.traces);
  };

  return {
    counts: () => ({ ...counts }),
    keep(arrivals) {
      const before = { ...counts };
      try {
        database.exec('BEGIN IMMEDIATE');
        keepAll(arrivals);
        database.exec('COMMIT');
      } catch (thrown) {
        if (database.isTransaction) database.exec('ROLLBACK');
        // What is remembered now holds what was rolled back.
        counts = before;
        remembered = new Map();
        marks.clear();
        for (const row of sql.nodes.all()) marks.set(row.node_id as string, nodeMark(row.code as number));
        nextTraceId = (sql.lastTraceId.get()?.id as number) + 1;
        throw thrown;
      }
      forgetOldest(remembered);
    },
  };
}

function byTrace(records: TraceRecord[]): Map<string, TraceRecord[]> {
  const traces = new Map<string, TraceRecord[]>();
  for (const record of records) {
    const own = traces.get(record.correlationId);
    if (own) own.push(record);
    else traces.set(record.correlationId, [record]);
  }
  return traces;
}

function forgetOldest(remembered: Map<string, TraceEntry>): void {
  if (remembered.size <= REMEMBERED_TRACES_MAX) return;
  let surplus = remembered.size - REMEMBERED_TRACES_MAX / 2;
  for (const correlationId of remembered.keys()) {
    if (surplus-- <= 0) break;
    remembered.delete(correlationId);
  }
}

function readEntry(row: Record<string, unknown> | undefined): TraceEntry | null {
  if (!row) return null;
  const { id, nodes, chunks, ...summary } = row;
  return {
    id: id as number,
    isNew: false,
    nodes: nodes as string,
    chunks: [...f64Of(chunks as Uint8Array)],
    // The statement names the columns after the fields.
    summary: summary as unknown as TraceSummary,
  };
}

function bytesOf(array: Uint32Array | Float64Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function u32Of(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(new Uint8Array(bytes).buffer);
}

export function f64Of(bytes: Uint8Array): Float64Array {
  return new Float64Array(new Uint8Array(bytes).buffer);
}

export const SUMMARY_COLUMNS = `correlation_id AS correlationId, root_type AS rootType, root_node AS rootNodeId, key,
  started_ms AS startedMs, last_ms AS lastMs, records, messages, failures, open, unresolved, status`;

function prepareStatements(database: DatabaseSync) {
  return {
    lastTraceId: database.prepare('SELECT coalesce(max(id), 0) AS id FROM traces'),
    nodes: database.prepare('SELECT code, node_id FROM nodes'),
    addNode: database.prepare('INSERT INTO nodes VALUES (?, ?)'),
    trace: database.prepare(
      `SELECT id, nodes, chunks, ${SUMMARY_COLUMNS} FROM traces WHERE correlation_id = ?`,
    ),
    addTrace: database.prepare(
      'INSERT INTO traces VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    updateTrace: database.prepare(
      `UPDATE traces SET root_type = ?, root_node = ?, key = ?, started_ms = ?, last_ms = ?, records = ?, messages = ?,
       failures = ?, open = ?, unresolved = ?, status = ?, trouble = ?, nodes = ?, last_chunk = ?, chunks = ? WHERE id = ?`,
    ),
    expireTrace: database.prepare(
      'DELETE FROM traces WHERE id = ? AND last_chunk <= ? RETURNING correlation_id AS correlationId',
    ),
    addChunk: database.prepare('INSERT INTO chunks VALUES (?, ?, ?, ?)'),
    oldestChunk: database.prepare(
      'SELECT first_seq AS firstSeq, count, trace_ids AS traceIds FROM chunks ORDER BY first_seq LIMIT 1',
    ),
    deleteChunk: database.prepare('DELETE FROM chunks WHERE first_seq = ?'),
    addLine: database.prepare('INSERT OR IGNORE INTO log_lines VALUES (?, ?, ?, ?, ?, ?, ?)'),
    expireLines: database.prepare('DELETE FROM log_lines WHERE seq <= ?'),
    saveCounts: database.prepare(
      'UPDATE counts SET next_seq = ?, kept = ?, expired = ?, lost = ?, traces = ? WHERE id = 1',
    ),
  };
}
