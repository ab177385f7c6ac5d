import { existsSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { fromSqliteError } from '../sqlite/sqliteErrors.ts';
import { noSampledCounts, type SampledCounts } from './sampledCounts.ts';

const TRACE_FORMAT = 3;
/** Pages of write-ahead log before SQLite moves them into the file: 16 MiB, so that the disk is asked to sync rarely. */
const CHECKPOINT_PAGES = 4096;

/**
 * `chunks` are encoded frames by their first sequence number, written at once and unread. `chunk_traces` are the traces
 * found in one (u32), so that those can go with it; together with the rest it follows a little later, up to
 * `indexed_seq`. `traces` are the lines of the trace list; ids grow in order of first appearance. `nodes` holds
 * a character for each node that a trace came through (see `nameMark`), `types` and `errors` the same for the types of its
 * messages and the codes of its errors, `chunks` where its records are (f64 first sequence numbers). `trouble` is set where
 * something failed, so that a small index finds the few among the many. `missing` counts the records of its beginning that
 * sampling had left out before the trace turned out worth keeping.
 */
const FORMAT_1 = `
  CREATE TABLE IF NOT EXISTS chunks (
    first_seq INTEGER PRIMARY KEY,
    count INTEGER NOT NULL,
    frame BLOB NOT NULL
  );
  CREATE TABLE IF NOT EXISTS chunk_traces (first_seq INTEGER PRIMARY KEY, trace_ids BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS traces (
    id INTEGER PRIMARY KEY,
    correlation_id TEXT NOT NULL UNIQUE,
    root_type TEXT NOT NULL,
    root_node TEXT NOT NULL,
    key TEXT,
    started_ms REAL NOT NULL,
    last_ms REAL NOT NULL,
    records INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    open INTEGER NOT NULL,
    unresolved INTEGER NOT NULL,
    status TEXT NOT NULL,
    trouble TEXT,
    nodes TEXT NOT NULL,
    last_chunk INTEGER NOT NULL,
    chunks BLOB NOT NULL
  );
  CREATE INDEX IF NOT EXISTS traces_in_trouble ON traces (trouble) WHERE trouble IS NOT NULL;
  CREATE INDEX IF NOT EXISTS traces_by_key ON traces (key) WHERE key IS NOT NULL;
  CREATE TABLE IF NOT EXISTS root_types (name TEXT PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS nodes (code INTEGER PRIMARY KEY, node_id TEXT NOT NULL UNIQUE);
  CREATE TABLE IF NOT EXISTS log_lines (
    seq INTEGER PRIMARY KEY,
    time_ms REAL NOT NULL,
    level TEXT NOT NULL,
    node_id TEXT NOT NULL,
    message TEXT NOT NULL,
    message_id TEXT,
    correlation_id TEXT
  );
  CREATE TABLE IF NOT EXISTS counts (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    next_seq INTEGER NOT NULL,
    kept INTEGER NOT NULL,
    expired INTEGER NOT NULL,
    lost INTEGER NOT NULL,
    traces INTEGER NOT NULL,
    indexed_seq INTEGER NOT NULL
  );
  INSERT OR IGNORE INTO counts VALUES (1, 0, 0, 0, 0, 0, 0);
`;

/** What format 2 adds. Traces that were listed before have neither types nor errors, and are found by all else. */
const FORMAT_2 = `
  ALTER TABLE traces ADD COLUMN types TEXT NOT NULL DEFAULT '';
  ALTER TABLE traces ADD COLUMN errors TEXT NOT NULL DEFAULT '';
  ALTER TABLE traces ADD COLUMN missing INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE names (kind TEXT NOT NULL, code INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (kind, code)) WITHOUT ROWID;
  INSERT INTO names SELECT 'node', code, node_id FROM nodes;
  DROP TABLE nodes;
  ALTER TABLE counts ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
  UPDATE counts SET bytes = (SELECT coalesce(sum(length(frame)), 0) FROM chunks);
  ALTER TABLE counts ADD COLUMN traces_begun INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE counts ADD COLUMN traces_out INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE counts ADD COLUMN records_out INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE counts ADD COLUMN promoted INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE counts ADD COLUMN incomplete INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE counts ADD COLUMN left_out INTEGER NOT NULL DEFAULT 0;
  UPDATE counts SET traces_begun = traces;
`;

/** What format 3 adds. How often faults were injected is not known of traces that were listed before. */
const FORMAT_3 = `
  ALTER TABLE traces ADD COLUMN faults INTEGER NOT NULL DEFAULT 0;
`;

export type TraceCounts = {
  /** Sequence number of the next record. */
  nextSeq: number;
  kept: number;
  /** Removed by retention. */
  expired: number;
  /** Numbered, but never kept: a crash, a full disk, or more than could be written in time. */
  lost: number;
  traces: number;
  /** Bytes of the frames kept. */
  bytes: number;
  sampled: SampledCounts;
  /** Records below are in the list of traces. */
  indexedSeq: number;
};

export type NameKind = 'node' | 'type' | 'error';

/** What stands in `traces` for the name with this code: one character, so that a trace's nodes make a short text. */
export function nameMark(code: number): string {
  return String.fromCharCode(0xff + code);
}

export function openTracesForWriting(folder: string): DatabaseSync {
  return opening(folder, false, (database) => {
    database.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
       PRAGMA journal_size_limit = 0;`,
    );
    bringUpToDate(database);
  });
}

function bringUpToDate(database: DatabaseSync): void {
  if (readFormat(database) === TRACE_FORMAT) return;
  // Asked again inside: a reader and a writer may both find an old format.
  database.exec('PRAGMA busy_timeout = 1000; BEGIN IMMEDIATE');
  const format = readFormat(database);
  if (format < 1) database.exec(FORMAT_1);
  if (format < 2) database.exec(FORMAT_2);
  if (format < 3) database.exec(FORMAT_3);
  database.exec(`PRAGMA user_version = ${TRACE_FORMAT}; COMMIT`);
}

/** Null while the writer has not made the file. */
export function openTracesForReading(folder: string): DatabaseSync | null {
  if (!existsSync(tracePath(folder))) return null;
  let format = 0;
  const open = (): DatabaseSync =>
    opening(folder, true, (opened) => {
      opened.exec('PRAGMA busy_timeout = 1000');
      format = readFormat(opened);
    });
  const database = open();
  if (format === TRACE_FORMAT) return database;
  database.close();
  if (format === 0) return null;
  // A run that ended under an older program: nobody writes it any more, so it is brought up to date here.
  openTracesForWriting(folder).close();
  return open();
}

export function readCounts(database: DatabaseSync): TraceCounts {
  const row = database
    .prepare(
      `SELECT next_seq AS nextSeq, kept, expired, lost, traces, bytes, indexed_seq AS indexedSeq,
       traces_begun AS tracesBegun, traces_out AS tracesOut, records_out AS recordsOut, promoted, incomplete,
       left_out AS leftOut FROM counts`,
    )
    .get();
  // The columns are those of the types.
  const { tracesBegun, tracesOut, recordsOut, promoted, incomplete, leftOut, ...counts } =
    row as unknown as TraceCounts & SampledCounts;
  return { ...counts, sampled: { tracesBegun, tracesOut, recordsOut, promoted, incomplete, leftOut } };
}

export function saveCounts(database: DatabaseSync): (counts: TraceCounts) => void {
  const save = database.prepare(
    `UPDATE counts SET next_seq = ?, kept = ?, expired = ?, lost = ?, traces = ?, bytes = ?, indexed_seq = ?,
     traces_begun = ?, traces_out = ?, records_out = ?, promoted = ?, incomplete = ?, left_out = ? WHERE id = 1`,
  );
  return ({ nextSeq, kept, expired, lost, traces, bytes, indexedSeq, sampled }) => {
    const { tracesBegun, tracesOut, recordsOut, promoted, incomplete, leftOut } = sampled;
    const ofSampling = [tracesBegun, tracesOut, recordsOut, promoted, incomplete, leftOut];
    save.run(nextSeq, kept, expired, lost, traces, bytes, indexedSeq, ...ofSampling);
  };
}

export function noCounts(nextSeq: number): TraceCounts {
  return {
    nextSeq,
    kept: 0,
    expired: 0,
    lost: 0,
    traces: 0,
    bytes: 0,
    sampled: noSampledCounts(),
    indexedSeq: nextSeq,
  };
}

export function traceError(thrown: unknown): WorkbenchError {
  return fromSqliteError(thrown, 'the traces of this run');
}

function tracePath(folder: string): string {
  return path.join(folder, 'trace.db');
}

function opening(folder: string, readOnly: boolean, prepare: (database: DatabaseSync) => void): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(tracePath(folder), { readOnly });
    prepare(database);
    return database;
  } catch (thrown) {
    if (database?.isOpen) database.close();
    throw traceError(thrown);
  }
}

function readFormat(database: DatabaseSync): number {
  const format = Number(database.prepare('PRAGMA user_version').get()?.user_version);
  if (format <= TRACE_FORMAT) return format;
  throw new WorkbenchError(
    'STORAGE_FAILED',
    `The traces of this run have format ${format}; this program reads up to ${TRACE_FORMAT}. Use a newer Millrace.`,
  );
}
