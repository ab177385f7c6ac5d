import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { walDamage } from '../../sqlite/walCheck.ts';
import { checkPartitions, checkSchema, checkStructure, readSchemaText } from './logCheck.ts';
import { corruptLog, logError, logPath, repairedPath, walPath } from './logErrors.ts';
import { commitChecksum, partitionChecksum, stateChecksum } from './rowChecksums.ts';

/** `fsync`: acknowledged means on disk (TP3). `relaxed`: it survives the process, but not a loss of power. */
export type Durability = 'fsync' | 'relaxed';

export const LOG_FORMAT = 2;

/**
 * One row per appended batch, as Kafka's log keeps them: SQLite then costs per batch, not per message. Rows are added
 * at the end of the table whatever their partition, and a small index finds them; it holds all that bookkeeping asks
 * for, so that neither the end of a partition nor its size needs a look at a payload.
 *
 * A new log takes the same steps as an old one, so that there is one schema, and its text can be compared.
 */
const FORMAT_1 = `
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

/**
 * Gaps, retention, and a checksum on every row that had none. New columns have constants as defaults: a large log is
 * upgraded without its payloads being touched. `sealed_end` is at least the end of what the checkpointed file holds, see
 * `storage.worker.ts`. See ADR 0013.
 */
const FORMAT_2 = `
  ALTER TABLE batches ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE batches ADD COLUMN offsets BLOB;
  DROP INDEX batches_by_offset;
  CREATE UNIQUE INDEX batches_by_offset
    ON batches (partition_id, base_offset, count, removed, appended_ms, length(data));
  ALTER TABLE partitions ADD COLUMN sealed_end INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE partitions ADD COLUMN cleaned_to INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE partitions ADD COLUMN tombstone_due_ms REAL;
  ALTER TABLE partitions ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE partitions ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE commits ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE state ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
`;

/** Gives the rows that were there before format 2 their checksums, and partitions that were just added. */
const GUARD_PARTITIONS = `UPDATE partitions SET checksum = partition_checksum(
    id, topic, partition, first_offset, sealed_end, cleaned_to, tombstone_due_ms, revision) WHERE checksum = 0`;
const GUARD_REST = `
  UPDATE commits SET checksum = commit_checksum(consumer_group, topic, partition, next_offset);
  UPDATE state SET checksum = state_checksum(store, key, value);
`;

/** Opens the log for its one writer, makes or upgrades what is missing, and looks for damage. */
export function openLogForWriting(folder: string, durability: Durability): DatabaseSync {
  const file = logPath(folder);
  if (!existsSync(file)) {
    if (existsSync(walPath(folder)) || existsSync(repairedPath(folder)))
      throw corruptLog(folder, 'the file is gone, though files that belong to it are there');
    makeLog(folder, file);
  }
  return preparing(folder, { readOnly: false }, (database) => {
    const synchronous = durability === 'fsync' ? 'FULL' : 'NORMAL';
    database.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}; PRAGMA wal_autocheckpoint = 0;`,
    );
    provideChecksums(database);
    checkStructure(database, folder);
    upgrade(database, folder);
    checkSchema(database, folder, schemaText());
  });
}

/**
 * Opens the log for reading only; null while its writer has not made it. `isOpenHere`: this process has it open already, so
 * that the files beside it were looked at, and must not be again. Closing a file gives up every lock that the process
 * holds on it, SQLite's own included; the next process to come then takes itself for the first, cuts the map off under
 * those who have it mapped, and they die of SIGBUS.
 */
export function openLogForReading(
  folder: string,
  { isOpenHere }: { isOpenHere: boolean } = { isOpenHere: false },
): DatabaseSync | null {
  if (!existsSync(logPath(folder))) return null;
  let format = LOG_FORMAT;
  const prepare = (database: DatabaseSync): void => {
    database.exec('PRAGMA busy_timeout = 1000');
    format = readFormat(database, folder);
    if (format < LOG_FORMAT) return;
    checkSchema(database, folder, schemaText());
    checkPartitions(database, folder);
  };
  const database = preparing(folder, { readOnly: true }, prepare, isOpenHere);
  if (format === LOG_FORMAT) return database;
  database.close();
  // A run that was over before this version came: nobody else will bring its log up to date.
  preparing(folder, { readOnly: false }, (old) => {
    old.exec('PRAGMA busy_timeout = 1000');
    provideChecksums(old);
    upgrade(old, folder);
  }).close();
  return preparing(folder, { readOnly: true }, prepare);
}

/**
 * Makes an empty log under another name first: a `log.db` that is there but holds no tables has therefore lost them, and
 * is not taken for a new one.
 */
export function makeLog(folder: string, file: string): void {
  const unfinished = `${file}.making`;
  try {
    rmSync(unfinished, { force: true });
    const database = new DatabaseSync(unfinished);
    try {
      database.exec(`BEGIN; ${FORMAT_1} ${FORMAT_2} PRAGMA user_version = ${LOG_FORMAT}; COMMIT;`);
    } finally {
      database.close();
    }
    renameSync(unfinished, file);
    syncFolder(folder);
  } catch (thrown) {
    throw logError(thrown, folder);
  }
}

/** Partitions that `open` has added get their checksum; inside of a transaction of the caller. */
export function guardPartitions(database: DatabaseSync): void {
  database.exec(GUARD_PARTITIONS);
}

function provideChecksums(database: DatabaseSync): void {
  database.function('partition_checksum', { deterministic: true, varargs: true }, (...columns) =>
    partitionChecksum(columns),
  );
  database.function('commit_checksum', { deterministic: true, varargs: true }, (...columns) =>
    commitChecksum(...(columns as [string, string, number, number])),
  );
  database.function('state_checksum', { deterministic: true, varargs: true }, (...columns) =>
    stateChecksum(...(columns as [string, string, string])),
  );
}

function upgrade(database: DatabaseSync, folder: string): void {
  if (readFormat(database, folder) === LOG_FORMAT) return;
  database.exec('BEGIN IMMEDIATE');
  try {
    // Another process may have been quicker.
    if (readFormat(database, folder) < 2) database.exec(`${FORMAT_2} ${GUARD_PARTITIONS}; ${GUARD_REST}`);
    database.exec(`PRAGMA user_version = ${LOG_FORMAT}; COMMIT`);
  } catch (thrown) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw thrown;
  }
}

function preparing(
  folder: string,
  options: { readOnly: boolean },
  prepare: (database: DatabaseSync) => void,
  isOpenHere = false,
): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    const damage = isOpenHere ? null : walDamage(logPath(folder));
    if (damage !== null) throw corruptLog(folder, damage, { file: walPath(folder) });
    database = new DatabaseSync(logPath(folder), options);
    prepare(database);
    return database;
  } catch (thrown) {
    if (database?.isOpen) database.close();
    throw logError(thrown, folder);
  }
}

function readFormat(database: DatabaseSync, folder: string): number {
  const format = Number(database.prepare('PRAGMA user_version').get()?.user_version);
  if (format < 1) throw corruptLog(folder, 'the file holds no message log any more');
  if (format <= LOG_FORMAT) return format;
  // A format that is really newer has other tables.
  if (readSchemaText(database) === schemaText()) throw corruptLog(folder, 'its format number has changed');
  throw new WorkbenchError(
    'STORAGE_FAILED',
    `The message log of this run has format ${format}; this program reads up to ${LOG_FORMAT}. Use a newer Millrace.`,
  );
}

let knownSchema: string | null = null;

/** What SQLite says of the tables of a log that is as this program makes it. */
function schemaText(): string {
  if (knownSchema !== null) return knownSchema;
  const database = new DatabaseSync(':memory:');
  database.exec(`${FORMAT_1} ${FORMAT_2}`);
  knownSchema = readSchemaText(database);
  database.close();
  return knownSchema;
}

/** A new name is on disk only with its folder. */
export function syncFolder(folder: string): void {
  // Windows has no such thing, and does not need it.
  if (process.platform === 'win32') return;
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
