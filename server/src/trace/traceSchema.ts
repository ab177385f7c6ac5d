import { existsSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { fromSqliteError } from '../sqlite/sqliteErrors.ts';

const TRACE_FORMAT = 1;
/** Pages of write-ahead log before SQLite moves them into the file: 16 MiB, so that the disk is asked to sync rarely. */
const CHECKPOINT_PAGES = 4096;

/**
 * `chunks` are encoded frames by their first sequence number, written at once and unread. `chunk_traces` are the traces
 * found in one (u32), so that those can go with it; together with the rest it follows a little later, up to
 * `indexed_seq`. `traces` are the lines of the trace list; ids grow in order of first appearance. `nodes` holds
 * a character for each node that a trace came through (see `nodeMark`), `chunks` where its records are (f64 first
 * sequence numbers). `trouble` is set where something failed, so that a small index finds the few among the many.
 */
const SCHEMA = `
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

export type TraceCounts = {
  /** Sequence number of the next record. */
  nextSeq: number;
  kept: number;
  /** Removed by retention. */
  expired: number;
  /** Numbered, but never kept: a crash, a full disk, or more than could be written in time. */
  lost: number;
  traces: number;
  /** Records below are in the list of traces. */
  indexedSeq: number;
};

/** What stands in `traces.nodes` for the node with this code: one character, so that a trace's nodes make a short text. */
export function nodeMark(code: number): string {
  return String.fromCharCode(0xff + code);
}

export function openTracesForWriting(folder: string): DatabaseSync {
  return opening(folder, false, (database) => {
    database.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
       PRAGMA journal_size_limit = 0;`,
    );
    if (readFormat(database) === TRACE_FORMAT) return;
    database.exec(`BEGIN IMMEDIATE; ${SCHEMA} PRAGMA user_version = ${TRACE_FORMAT}; COMMIT;`);
  });
}

/** Null while the writer has not made the file. */
export function openTracesForReading(folder: string): DatabaseSync | null {
  if (!existsSync(tracePath(folder))) return null;
  let format = 0;
  const database = opening(folder, true, (opened) => {
    opened.exec('PRAGMA busy_timeout = 1000');
    format = readFormat(opened);
  });
  if (format > 0) return database;
  database.close();
  return null;
}

export function readCounts(database: DatabaseSync): TraceCounts {
  const row = database
    .prepare('SELECT next_seq AS nextSeq, kept, expired, lost, traces, indexed_seq AS indexedSeq FROM counts')
    .get();
  // The columns are those of the type.
  return { ...row } as unknown as TraceCounts;
}

export function noCounts(nextSeq: number): TraceCounts {
  return { nextSeq, kept: 0, expired: 0, lost: 0, traces: 0, indexedSeq: nextSeq };
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
