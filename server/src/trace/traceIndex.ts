import type { DatabaseSync } from 'node:sqlite';
import { decodeFrame } from '@millrace/shared/trace/frame.ts';
import type { TraceRecord, TraceSummary } from '@millrace/shared/trace/record.ts';
import { mergeSummary } from '@millrace/shared/trace/summary.ts';
import { nodeMark, type TraceCounts } from './traceSchema.ts';

/** Traces whose lines are remembered between steps, so that most are written without being read. */
const REMEMBERED_TRACES_MAX = 50_000;
/** A trace that is in more chunks than this keeps its first ones and its last; its counts stay exact. */
const CHUNKS_PER_TRACE_MAX = 512;

type TraceEntry = { id: number; isNew: boolean; summary: TraceSummary; nodes: string; chunks: number[] };
type Step = {
  records: Map<string, TraceRecord[]>;
  chunks: Map<string, number[]>;
  frames: number[];
  endSeq: number;
};

/**
 * The list of traces, made from the kept chunks. It follows behind them in steps: the longer a step, the more records of
 * a trace it finds together, and the less it costs. Changes `counts`; runs inside a transaction of its caller, and has to
 * `forget` when that fails.
 */
export interface TraceIndex {
  /** Takes in about `recordsMax` records from `counts.indexedSeq` on. */
  step(counts: TraceCounts, recordsMax: number): void;
  /** Drops the traces that have no records but those of this chunk or older ones. */
  expire(counts: TraceCounts, firstSeq: number): void;
  forget(): void;
}

export function createTraceIndex(database: DatabaseSync): TraceIndex {
  const sql = prepareStatements(database);
  let remembered = new Map<string, TraceEntry>();
  let marks = new Map<string, string>();
  let types = new Set<string>();
  let nextTraceId = 1;

  const forget = (): void => {
    remembered = new Map();
    marks = new Map(sql.nodes.all().map((row) => [row.node_id as string, nodeMark(row.code as number)]));
    types = new Set();
    nextTraceId = Number(sql.lastTraceId.get()?.id) + 1;
  };
  forget();

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
    return { id: nextTraceId++, isNew: true, summary: mergeSummary(undefined, []), nodes: '', chunks: [] };
  };

  const touch = (correlationId: string, records: TraceRecord[], chunks: number[]): TraceEntry => {
    const entry = entryOf(correlationId);
    entry.summary = mergeSummary(entry.isNew ? undefined : entry.summary, records);
    let lastNode = '';
    for (const { nodeId } of records) {
      if (nodeId === lastNode) continue;
      lastNode = nodeId;
      const mark = markOf(nodeId);
      if (!entry.nodes.includes(mark)) entry.nodes += mark;
    }
    for (const chunk of chunks) {
      if (entry.chunks.length < CHUNKS_PER_TRACE_MAX) entry.chunks.push(chunk);
      else entry.chunks[CHUNKS_PER_TRACE_MAX - 1] = chunk;
    }
    remembered.set(correlationId, entry);
    return entry;
  };

  const save = (entry: TraceEntry, counts: TraceCounts): void => {
    const { id, summary, nodes, chunks } = entry;
    const { rootType, status } = summary;
    if (!types.has(rootType)) sql.addType.run(rootType);
    types.add(rootType);
    const trouble = status === 'ok' || status === 'running' ? null : status;
    const numbers = [summary.startedMs, summary.lastMs, summary.records, summary.messages, summary.failures];
    const open = [summary.open, summary.unresolved];
    const last = chunks.at(-1) as number;
    const where = bytesOf(Float64Array.from(chunks));
    const values = [
      rootType,
      summary.rootNodeId,
      summary.key,
      ...numbers,
      ...open,
      status,
      trouble,
      nodes,
      last,
      where,
    ];
    if (entry.isNew) {
      sql.addTrace.run(id, summary.correlationId, ...values);
      counts.traces++;
      entry.isNew = false;
    } else sql.updateTrace.run(...values, id);
  };

  return {
    forget,
    step(counts, recordsMax) {
      const step = readStep(sql.chunksFrom.iterate(counts.indexedSeq), recordsMax);
      const idsOfChunk = new Map<number, number[]>(step.frames.map((firstSeq) => [firstSeq, []]));
      for (const [correlationId, records] of step.records) {
        const chunks = step.chunks.get(correlationId) as number[];
        const entry = touch(correlationId, records, chunks);
        save(entry, counts);
        for (const chunk of chunks) idsOfChunk.get(chunk)?.push(entry.id);
      }
      for (const [firstSeq, ids] of idsOfChunk)
        sql.addChunkTraces.run(firstSeq, bytesOf(Uint32Array.from(ids)));
      counts.indexedSeq = step.frames.length === 0 ? counts.nextSeq : step.endSeq;
      forgetOldest(remembered);
    },
    expire(counts, firstSeq) {
      const row = sql.chunkTraces.get(firstSeq);
      if (!row) return;
      for (const id of u32Of(row.traceIds as Uint8Array)) {
        const gone = sql.expireTrace.get(id, firstSeq);
        if (!gone) continue;
        counts.traces--;
        remembered.delete(gone.correlationId as string);
      }
      sql.deleteChunkTraces.run(firstSeq);
    },
  };
}

/** Records of the next chunks, by trace, and where they were. */
function readStep(rows: Iterable<Record<string, unknown>>, recordsMax: number): Step {
  const step: Step = { records: new Map(), chunks: new Map(), frames: [], endSeq: 0 };
  let taken = 0;
  for (const row of rows) {
    const { firstSeq, records } = decodeFrame(row.frame as Uint8Array);
    for (const record of records) {
      const { correlationId } = record;
      const own = step.records.get(correlationId);
      if (own === undefined) {
        step.records.set(correlationId, [record]);
        step.chunks.set(correlationId, [firstSeq]);
        continue;
      }
      own.push(record);
      const chunks = step.chunks.get(correlationId) as number[];
      if (chunks.at(-1) !== firstSeq) chunks.push(firstSeq);
    }
    step.frames.push(firstSeq);
    step.endSeq = firstSeq + records.length;
    taken += records.length;
    if (taken >= recordsMax) break;
  }
  return step;
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
    chunksFrom: database.prepare('SELECT frame FROM chunks WHERE first_seq >= ? ORDER BY first_seq'),
    lastTraceId: database.prepare('SELECT coalesce(max(id), 0) AS id FROM traces'),
    nodes: database.prepare('SELECT code, node_id FROM nodes'),
    addNode: database.prepare('INSERT INTO nodes VALUES (?, ?)'),
    addType: database.prepare('INSERT OR IGNORE INTO root_types VALUES (?)'),
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
    addChunkTraces: database.prepare('INSERT OR REPLACE INTO chunk_traces VALUES (?, ?)'),
    chunkTraces: database.prepare('SELECT trace_ids AS traceIds FROM chunk_traces WHERE first_seq = ?'),
    deleteChunkTraces: database.prepare('DELETE FROM chunk_traces WHERE first_seq = ?'),
    expireTrace: database.prepare(
      'DELETE FROM traces WHERE id = ? AND last_chunk <= ? RETURNING correlation_id AS correlationId',
    ),
  };
}
