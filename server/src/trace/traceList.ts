import { Buffer } from 'node:buffer';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { RequestOf, ResponseOf } from '@millrace/shared/protocol/catalog.ts';
import { decodeFrame } from '@millrace/shared/trace/frame.ts';
import type { TraceSummary } from '@millrace/shared/trace/record.ts';
import { nodeMark, readCounts } from './traceSchema.ts';
import { f64Of, SUMMARY_COLUMNS } from './traceWriter.ts';

/** One step of a search looks at this many traces, and steps follow each other for this long at most. */
const SCAN_STEP_TRACES = 10_000;
const SCAN_MS_MAX = 40;
/** Chunks looked through for a message id: around the time that its bits tell, and the newest. */
const NEAR_CHUNKS_MAX = 200;
const NEWEST_CHUNKS_MAX = 400;

type Query = Omit<RequestOf<'trace.list'>, 'runId'>;
type Listed = ResponseOf<'trace.list'>;
type Filter = { sql: string; values: SQLInputValue[]; isIndexed: boolean };

export function listTraces(database: DatabaseSync, query: Query): Listed {
  const total = readCounts(database).traces;
  const text = query.text?.trim() ?? '';
  const filter = filterOf(database, query, text);
  if (text !== '' && query.before === undefined) {
    const exact = tracesNamed(database, text, filter.exact);
    if (exact.length > 0) return { traces: exact.slice(0, query.limit), next: null, total };
  }
  const { traces, next } = scan(database, filter.listed, query.limit, beforeOf(query));
  return { traces, next: next === null ? null : String(next), total };
}

function beforeOf({ before }: Query): number {
  if (before === undefined) return Number.MAX_SAFE_INTEGER;
  const id = Number(before);
  if (Number.isSafeInteger(id) && id >= 0) return id;
  throw new WorkbenchError('REQUEST_INVALID', 'This is no place in the list of traces; start from its top.');
}

/** `exact` goes with a text that is an id, `listed` with one to look for in keys and types. */
function filterOf(
  database: DatabaseSync,
  { status, nodeId }: Query,
  text: string,
): { exact: Filter; listed: Filter } {
  const parts: string[] = [];
  const values: SQLInputValue[] = [];
  if (status === 'ok' || status === 'running') {
    parts.push('status = ?');
    values.push(status);
  } else if (status !== undefined) {
    parts.push('trouble = ?');
    values.push(status);
  }
  if (nodeId !== undefined) {
    const code = database.prepare('SELECT code FROM nodes WHERE node_id = ?').get(nodeId)?.code as
      | number
      | undefined;
    parts.push('instr(nodes, ?) > 0');
    values.push(code === undefined ? 'never' : nodeMark(code));
  }
  const isIndexed = parts.length === 0 || (parts.length === 1 && parts[0] === 'trouble = ?');
  const exact = { sql: parts.map((part) => ` AND ${part}`).join(''), values, isIndexed };
  if (text === '') return { exact, listed: exact };
  const like = `%${text.replace(/[\\%_]/g, '\\$&')}%`;
  const listed = {
    sql: `${exact.sql} AND (key = ? OR root_type LIKE ? ESCAPE '\\')`,
    values: [...values, text, like],
    isIndexed: false,
  };
  return { exact, listed };
}

/** Walks from newer to older traces, in steps, until enough are found or time is up. */
function scan(
  database: DatabaseSync,
  { sql, values, isIndexed }: Filter,
  limit: number,
  before: number,
): { traces: TraceSummary[]; next: number | null } {
  const newest = database.prepare('SELECT max(id) AS id FROM traces').get()?.id as number | null;
  const oldest = database.prepare('SELECT min(id) AS id FROM traces').get()?.id as number | null;
  if (newest === null || oldest === null) return { traces: [], next: null };
  const select = database.prepare(
    `SELECT id, ${SUMMARY_COLUMNS} FROM traces WHERE id < ? AND id >= ?${sql} ORDER BY id DESC LIMIT ?`,
  );
  const endMs = performance.now() + SCAN_MS_MAX;
  const found: { id: number; summary: TraceSummary }[] = [];
  let from = Math.min(before, newest + 1);
  while (from > oldest) {
    const to = isIndexed ? oldest : Math.max(oldest, from - SCAN_STEP_TRACES);
    for (const row of select.all(from, to, ...values, limit + 1 - found.length)) found.push(summaryOf(row));
    if (found.length > limit) {
      const page = found.slice(0, limit);
      return { traces: page.map(({ summary }) => summary), next: page.at(-1)?.id ?? null };
    }
    from = to;
    if (performance.now() > endMs) break;
  }
  return { traces: found.map(({ summary }) => summary), next: from > oldest ? from : null };
}

function summaryOf(row: Record<string, unknown>): { id: number; summary: TraceSummary } {
  const { id, ...summary } = row;
  // The statement names the columns after the fields.
  return { id: id as number, summary: summary as unknown as TraceSummary };
}

/** Traces whose correlation id is this text, or that hold a message with this id. */
function tracesNamed(database: DatabaseSync, id: string, filter: Filter): TraceSummary[] {
  const select = database.prepare(
    `SELECT id, ${SUMMARY_COLUMNS} FROM traces WHERE correlation_id = ?${filter.sql}`,
  );
  const summariesOf = (correlationId: string): TraceSummary[] =>
    select.all(correlationId, ...filter.values).map((row) => summaryOf(row).summary);
  const own = summariesOf(id);
  if (own.length > 0) return own;
  const near = nearTimeOf(database, id);
  const chunks = database.prepare('SELECT frame FROM chunks WHERE first_seq >= ? ORDER BY first_seq LIMIT ?');
  const newest = database.prepare('SELECT frame FROM chunks ORDER BY first_seq DESC LIMIT ?');
  const endMs = performance.now() + SCAN_MS_MAX;
  const found =
    (near === null ? null : traceOfMessage(chunks.iterate(near, NEAR_CHUNKS_MAX), id, endMs)) ??
    traceOfMessage(newest.iterate(NEWEST_CHUNKS_MAX), id, endMs);
  return found === null ? [] : summariesOf(found);
}

/** Frames hold ids as bytes, so most chunks are ruled out without being decoded. */
function traceOfMessage(rows: Iterable<Record<string, unknown>>, id: string, endMs: number): string | null {
  const needle = needleOf(id);
  for (const row of rows) {
    const frame = row.frame as Uint8Array;
    const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
    if (bytes.includes(needle)) {
      const record = decodeFrame(frame).records.find(({ messageId }) => messageId === id);
      if (record) return record.correlationId;
    }
    if (performance.now() > endMs) break;
  }
  return null;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-([0-9a-f])[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** An id as the frame codec writes it. */
function needleOf(id: string): Buffer {
  if (UUID.test(id)) return Buffer.from(id.replaceAll('-', ''), 'hex');
  const isNarrow = [...id].every((character) => character.charCodeAt(0) <= 0xff);
  return Buffer.from(id, isNarrow ? 'latin1' : 'utf16le');
}

/** First chunk that can speak of a message whose id carries its time (MS2); null when it does not. */
function nearTimeOf(database: DatabaseSync, id: string): number | null {
  const version = UUID.exec(id)?.[1];
  if (version !== '7' && version !== '8') return null;
  const timeMs = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
  const range = database.prepare('SELECT min(id) AS low, max(id) AS high FROM traces').get();
  let low = Number(range?.low ?? 0);
  let high = Number(range?.high ?? 0);
  // Traces are numbered as they appear, so their times all but grow with their ids.
  const at = database.prepare(
    'SELECT id, started_ms AS startedMs, chunks FROM traces WHERE id >= ? ORDER BY id LIMIT 1',
  );
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((at.get(middle)?.startedMs as number) < timeMs) low = middle + 1;
    else high = middle;
  }
  const trace = at.get(low);
  return trace ? (f64Of(trace.chunks as Uint8Array)[0] ?? null) : null;
}
