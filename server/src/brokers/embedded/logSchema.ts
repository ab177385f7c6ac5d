import { existsSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { fromSqliteError } from '../../sqlite/sqliteErrors.ts';

/** `fsync`: acknowledged means on disk (TP3). `relaxed`: it survives the process, but not a loss of power. */
export type Durability = 'fsync' | 'relaxed';

export const LOG_FORMAT = 1;

/**
 * One row per appended batch, as Kafka's log keeps them: SQLite then costs per batch, not per message. Rows are added
 * at the end of the table whatever their partition, and a small index finds them; it holds all that bookkeeping asks
 * for, so that neither the end of a partition nor a time needs a look at a payload.
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS partitions (
    id INTEGER PRIMARY KEY,
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    first_offset INTEGER NOT NULL DEFAULT 0,
    UNIQUE (topic, partition)
  );
  CREATE TABLE IF NOT EXISTS batches (
    id INTEGER PRIMARY KEY,
    partition_id INTEGER NOT NULL,
    base_offset INTEGER NOT NULL,
    count INTEGER NOT NULL,
    appended_ms REAL NOT NULL,
    crc32 INTEGER NOT NULL,
    data BLOB NOT NULL
  );
  CREATE UNIQUE INDEX IF NOT EXISTS batches_by_offset ON batches (partition_id, base_offset, count, appended_ms);
  CREATE TABLE IF NOT EXISTS commits (
    consumer_group TEXT NOT NULL,
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    next_offset INTEGER NOT NULL,
    PRIMARY KEY (consumer_group, topic, partition)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS state (
    store TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (store, key)
  ) WITHOUT ROWID;
`;

export function logPath(folder: string): string {
  return path.join(folder, 'log.db');
}

/** Opens the log for its one writer and makes what is missing. */
export function openLogForWriting(folder: string, durability: Durability): DatabaseSync {
  return preparing(folder, { readOnly: false }, (database) => {
    const synchronous = durability === 'fsync' ? 'FULL' : 'NORMAL';
    database.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}; PRAGMA wal_autocheckpoint = 0;`,
    );
    if (readFormat(database) === LOG_FORMAT) return;
    database.exec(`BEGIN IMMEDIATE; ${SCHEMA} PRAGMA user_version = ${LOG_FORMAT}; COMMIT;`);
  });
}

/** Opens the log for reading only; null while its writer has not made it. */
export function openLogForReading(folder: string): DatabaseSync | null {
  if (!existsSync(logPath(folder))) return null;
  let format = 0;
  const database = preparing(folder, { readOnly: true }, (opened) => {
    opened.exec('PRAGMA busy_timeout = 1000');
    format = readFormat(opened);
  });
  if (format > 0) return database;
  database.close();
  return null;
}

function preparing(
  folder: string,
  options: { readOnly: boolean },
  prepare: (database: DatabaseSync) => void,
): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(logPath(folder), options);
    prepare(database);
    return database;
  } catch (thrown) {
    if (database?.isOpen) database.close();
    throw logError(thrown);
  }
}

function readFormat(database: DatabaseSync): number {
  const format = Number(database.prepare('PRAGMA user_version').get()?.user_version);
  if (format <= LOG_FORMAT) return format;
  throw new WorkbenchError(
    'STORAGE_FAILED',
    `The message log of this run has format ${format}; this program reads up to ${LOG_FORMAT}. Use a newer Millrace.`,
  );
}

/** Whatever SQLite or our own checks threw about the log, as an error of ours. */
export function logError(thrown: unknown): WorkbenchError {
  return fromSqliteError(thrown, 'the message log of this run');
}
