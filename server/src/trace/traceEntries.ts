import type { DatabaseSync } from 'node:sqlite';
import type { TraceSummary } from '@millrace/shared/trace/record.ts';
import { emptySummary } from '@millrace/shared/trace/summary.ts';
import { type NameKind, nameMark } from './traceSchema.ts';

/** A trace that is in more chunks than this keeps its first ones and its last; its counts stay exact. */
const CHUNKS_PER_TRACE_MAX = 512;

/** A line of the list as the index keeps it up. `nodes`, `types` and `errors` hold a mark for each that it came across. */
export type TraceEntry = {
  id: number;
  isSaved: boolean;
  isChanged: boolean;
  summary: TraceSummary;
  nodes: string;
  types: string;
  errors: string;
  /** Records of its beginning that sampling left out. */
  missing: number;
  chunks: number[];
};

export const SUMMARY_COLUMNS = `correlation_id AS correlationId, root_type AS rootType, root_node AS rootNodeId, key,
  started_ms AS startedMs, last_ms AS lastMs, records, messages, failures, faults, open, unresolved,
  status`;

export function newEntry(id: number, correlationId: string, startedMs: number): TraceEntry {
  const summary = emptySummary(correlationId, startedMs);
  return {
    id,
    isSaved: false,
    isChanged: false,
    summary,
    nodes: '',
    types: '',
    errors: '',
    missing: 0,
    chunks: [],
  };
}

export function addChunk(entry: TraceEntry, firstSeq: number): void {
  if (entry.chunks.length < CHUNKS_PER_TRACE_MAX) entry.chunks.push(firstSeq);
  else entry.chunks[CHUNKS_PER_TRACE_MAX - 1] = firstSeq;
}

/** The lines of the list in the database. */
export function createTraceTable(database: DatabaseSync) {
  const select = database.prepare(
    `SELECT id, nodes, types, errors, missing, chunks, ${SUMMARY_COLUMNS} FROM traces WHERE correlation_id = ?`,
  );
  const columns = `root_type, root_node, key, started_ms, last_ms, records, messages, failures, faults, open, unresolved,
    status, trouble, nodes, last_chunk, chunks, types, errors, missing`;
  const marks = columns.replaceAll(/\w+/g, '?');
  const insert = database.prepare(
    `INSERT OR IGNORE INTO traces (id, correlation_id, ${columns}) VALUES (?, ?, ${marks})`,
  );
  const update = database.prepare(
    `UPDATE traces SET ${columns.replaceAll(/\w+/g, (column) => `${column} = ?`)} WHERE id = ?`,
  );
  const lastId = database.prepare('SELECT coalesce(max(id), 0) AS id FROM traces');
  const expire = database.prepare(
    'DELETE FROM traces WHERE id = ? AND last_chunk <= ? RETURNING correlation_id AS correlationId',
  );
  return {
    lastId: () => Number(lastId.get()?.id),
    read(correlationId: string): TraceEntry | null {
      const row = select.get(correlationId);
      if (!row) return null;
      const { id, nodes, types, errors, missing, chunks, ...summary } = row;
      return {
        id: id as number,
        isSaved: true,
        isChanged: false,
        nodes: nodes as string,
        types: types as string,
        errors: errors as string,
        missing: missing as number,
        chunks: [...f64Of(chunks as Uint8Array)],
        // The statement names the columns after the fields.
        summary: summary as unknown as TraceSummary,
      };
    },
    /** False when the entry was taken for a new one, and its trace turns out to be listed already. */
    save(entry: TraceEntry): boolean {
      const { id, summary: s, nodes, types, errors, missing, chunks } = entry;
      const trouble = s.status === 'ok' || s.status === 'running' ? null : s.status;
      const values = [
        ...[s.rootType, s.rootNodeId, s.key, s.startedMs, s.lastMs, s.records, s.messages, s.failures],
        ...[s.faults, s.open, s.unresolved, s.status, trouble, nodes, chunks.at(-1) as number],
        ...[bytesOf(Float64Array.from(chunks)), types, errors, missing],
      ];
      if (entry.isSaved) update.run(...values, id);
      else if (insert.run(id, s.correlationId, ...values).changes === 0) return false;
      entry.isSaved = true;
      return true;
    },
    /** Removes the trace unless it has records after this chunk; its correlation id when it is gone. */
    expire: (id: number, firstSeq: number): string | null =>
      (expire.get(id, firstSeq)?.correlationId as string | undefined) ?? null,
  };
}

/** Marks for the names of nodes, types and errors, given out as names turn up. */
export function createNames(database: DatabaseSync) {
  const all = database.prepare('SELECT kind, code, name FROM names');
  const add = database.prepare('INSERT INTO names VALUES (?, ?, ?)');
  let known: Record<NameKind, Map<string, string>>;
  const load = (): void => {
    known = { node: new Map(), type: new Map(), error: new Map() };
    for (const { kind, code, name } of all.all())
      known[kind as NameKind].set(name as string, nameMark(code as number));
  };
  load();
  return {
    load,
    markOf(kind: NameKind, name: string): string {
      const marks = known[kind];
      const mark = marks.get(name);
      if (mark !== undefined) return mark;
      // What comes after the last mark is not listed: thousands of types in one flow are no types.
      if (marks.size >= NAMES_MAX) return '';
      const code = marks.size + 1;
      add.run(kind, code, name);
      marks.set(name, nameMark(code));
      return nameMark(code);
    },
  };
}

/** Marks are characters before the surrogates. */
const NAMES_MAX = 0xd800 - 0x100;

export function bytesOf(array: Uint32Array | Float64Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

export function u32Of(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(new Uint8Array(bytes).buffer);
}

export function f64Of(bytes: Uint8Array): Float64Array {
  return new Float64Array(new Uint8Array(bytes).buffer);
}
