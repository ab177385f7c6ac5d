import { Buffer } from 'node:buffer';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { RequestOf, ResponseOf } from '@millrace/shared/protocol/catalog.ts';
import type { TraceSummary } from '@millrace/shared/trace/record.ts';
import { openFrameOrNull } from './openFrame.ts';
import { f64Of, SUMMARY_COLUMNS } from './traceEntries.ts';
import { type NameKind, nameMark, readCounts } from './traceSchema.ts';

/** One step of a search looks at this many traces, and steps follow each other for this long at most. */
const SCAN_STEP_TRACES = 5000;
const SCAN_MS_MAX = 40;
/** Chunks looked through for a message id: around the time that its bits tell, and the newest. */
const NEAR_CHUNKS_MAX = 200;
const NEWEST_CHUNKS_MAX = 400;

type Query = Omit<RequestOf<'trace.list'>, 'runId'>;
type Listed = ResponseOf<'trace.list'>;
/** What a line has to fulfil. `isIndexed`: an index or the order of the list leads there without looking at others. */
type Filter = { sql: string; values: SQLInputValue[]; isIndexed: boolean };

/**
 * A text is taken for the first of these that exists: a correlation id, a key, a part of a type, the id of a message.
 */
export function listTraces(database: DatabaseSync, query: Query): Listed {
  const { traces: total, sampled } = readCounts(database);
  const ofAll = { total, begun: sampled.tracesBegun, sampledOut: sampled.tracesOut };
  const filter = filterOf(database, query);
  if (filter === null) return { traces: [], next: null, ...ofAll };
  const text = query.text?.trim() ?? '';
  const listed = text === '' ? filter : textFilter(database, filter, text);
  if (listed !== null) {
    const { traces, next } = scan(database, listed, query.limit, beforeOf(query));
    return { traces, next: next === null ? null : String(next), ...ofAll };
  }
  const correlationId = traceHolding(database, text);
  const only = correlationId === null ? null : byCorrelation(filter, correlationId);
  const traces = only === null ? [] : scan(database, only, 1, beforeOf(query)).traces;
  return { traces, next: null, ...ofAll };
}

function beforeOf({ before }: Query): number {
  if (before === undefined) return Number.MAX_SAFE_INTEGER;
  const id = Number(before);
  if (Number.isSafeInteger(id) && id >= 0) return id;
  throw new WorkbenchError('REQUEST_INVALID', 'This is no place in the list of traces; start from its top.');
}

/** All that is asked for besides the text; null when nothing can fulfil it. */
function filterOf(database: DatabaseSync, query: Query): Filter | null {
  const { status, nodeId, key, type, errorCode, durationMsMin } = query;
  let filter: Filter | null = { sql: '', values: [], isIndexed: true };
  if (status === 'ok' || status === 'running') filter = and(filter, 'status = ?', status, false);
  else if (status !== undefined) filter = and(filter, 'trouble = ?', status, true);
  if (key !== undefined) filter = and(filter, 'key = ?', key, true);
  if (durationMsMin !== undefined) filter = and(filter, 'last_ms - started_ms >= ?', durationMsMin, false);
  if (nodeId !== undefined) filter = withName(database, filter, 'nodes', 'node', nodeId);
  if (errorCode !== undefined && filter) filter = withName(database, filter, 'errors', 'error', errorCode);
  if (type !== undefined && filter) filter = typeFilter(database, filter, type);
  return filter;
}

function withName(
  database: DatabaseSync,
  filter: Filter,
  column: 'nodes' | 'errors',
  kind: NameKind,
  name: string,
): Filter | null {
  const code = database.prepare('SELECT code FROM names WHERE kind = ? AND name = ?').get(kind, name)?.code;
  return code === undefined ? null : and(filter, `instr(${column}, ?) > 0`, nameMark(code as number), false);
}

/** Narrows the filter to traces with a message of a type that contains this; null when no type does. */
function typeFilter(database: DatabaseSync, filter: Filter, part: string): Filter | null {
  const wanted = part.toLowerCase();
  const codes = database
    .prepare("SELECT code, name FROM names WHERE kind = 'type'")
    .all()
    .filter(({ name }) => (name as string).toLowerCase().includes(wanted))
    .map(({ code }) => code as number);
  const roots = database.prepare('SELECT name FROM root_types').all();
  const rootTypes = roots.filter(({ name }) => (name as string).toLowerCase().includes(wanted));
  if (codes.length + rootTypes.length === 0) return null;
  // Not an index: the few types of a flow are everywhere, so a walk finds them soon.
  const marks = codes.map(nameMark);
  return and(
    filter,
    `(EXISTS (SELECT 1 FROM json_each(?) WHERE instr(types, value) > 0) OR
      (types = '' AND root_type IN (SELECT value FROM json_each(?))))`,
    [JSON.stringify(marks), JSON.stringify(rootTypes.map(({ name }) => name))],
    false,
  );
}

/** Narrows the filter to a correlation id, a key or types, whichever the text is; null when it is none of them. */
function textFilter(database: DatabaseSync, filter: Filter, text: string): Filter | null {
  if (database.prepare('SELECT 1 FROM traces WHERE correlation_id = ?').get(text))
    return byCorrelation(filter, text);
  if (database.prepare('SELECT 1 FROM traces WHERE key = ? LIMIT 1').get(text))
    return and(filter, 'key = ?', text, true);
  return typeFilter(database, filter, text);
}

function byCorrelation(filter: Filter, correlationId: string): Filter {
  return { ...and(filter, 'correlation_id = ?', correlationId, true), isIndexed: true };
}

function and(
  filter: Filter,
  part: string,
  value: SQLInputValue | SQLInputValue[],
  isIndexed: boolean,
): Filter {
  return {
    sql: `${filter.sql} AND ${part}`,
    values: [...filter.values, ...(Array.isArray(value) ? value : [value])],
    isIndexed: filter.isIndexed && isIndexed,
  };
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

/** The trace that holds a message with this id, as far as a bounded look finds it. */
function traceHolding(database: DatabaseSync, id: string): string | null {
  const near = nearTimeOf(database, id);
  const chunks = database.prepare('SELECT frame FROM chunks WHERE first_seq >= ? ORDER BY first_seq LIMIT ?');
  const newest = database.prepare('SELECT frame FROM chunks ORDER BY first_seq DESC LIMIT ?');
  const endMs = performance.now() + SCAN_MS_MAX;
  return (
    (near === null ? null : traceOfMessage(chunks.iterate(near, NEAR_CHUNKS_MAX), id, endMs)) ??
    traceOfMessage(newest.iterate(NEWEST_CHUNKS_MAX), id, endMs)
  );
}

/** Frames hold ids as bytes, so most chunks are ruled out without being opened. A damaged one is passed over. */
function traceOfMessage(rows: Iterable<Record<string, unknown>>, id: string, endMs: number): string | null {
  const needle = needleOf(id);
  for (const row of rows) {
    const frame = row.frame as Uint8Array;
    const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
    const correlationId = bytes.includes(needle) ? traceOfMessageIn(frame, id) : null;
    if (correlationId !== null) return correlationId;
    if (performance.now() > endMs) break;
  }
  return null;
}

function traceOfMessageIn(frame: Uint8Array, id: string): string | null {
  const view = openFrameOrNull(frame);
  const index = view === null ? -1 : view.messages.indexOf(view.codeOfId(id));
  return view === null || index < 0 ? null : view.idOf(view.correlations[index]);
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
