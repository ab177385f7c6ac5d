import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { corruptLog, logPath } from './logErrors.ts';
import { partitionChecksum } from './rowChecksums.ts';

/**
 * How damage to `log.db` is noticed. Payloads have checksums that are verified when they are read, and so have all other
 * rows; what remains is that a row is not found. Rows of a partition follow one another without holes, so that a missing
 * one shows, and `sealed_end` says where the last one must be. Whatever is in the write-ahead log still, `sqlite/walCheck.ts`
 * looks after.
 */

/** A file up to this size is checked wholly when it is opened, which takes some tenths of a second at most. */
const WHOLE_CHECK_BYTES_MAX = 64 * 1024 * 1024;
/** Read wholly at every start anyway, and small beside the payloads. */
const SMALL_TABLES = ['partitions', 'commits', 'state'];

/** The structure of the file: wholly when it is small, else of the tables that are read at every start. */
export function checkStructure(database: DatabaseSync, folder: string): void {
  const isSmall = statSync(logPath(folder)).size <= WHOLE_CHECK_BYTES_MAX;
  for (const check of isSmall ? [''] : SMALL_TABLES.map((table) => `('${table}')`))
    checkIntegrity(database, folder, check);
}

/** What a reader relies on beside the batches. */
export function checkPartitions(database: DatabaseSync, folder: string): void {
  checkIntegrity(database, folder, "('partitions')");
}

function checkIntegrity(database: DatabaseSync, folder: string, what: string): void {
  const found = database.prepare(`PRAGMA integrity_check${what}`).all();
  const messages = found.map((row) => String(Object.values(row)[0])).filter((message) => message !== 'ok');
  const [first] = messages;
  if (first === undefined) return;
  throw corruptLog(folder, `its structure does not hold together (${first.replaceAll('\n', ' ')})`);
}

export function checkSchema(database: DatabaseSync, folder: string, expected: string): void {
  if (readSchemaText(database) !== expected)
    throw corruptLog(folder, 'its tables are not those of a message log');
}

export function readSchemaText(database: DatabaseSync): string {
  const rows = database.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name').all();
  return rows.map((row) => Object.values(row).join('\t')).join('\n');
}

export type PartitionRow = {
  id: number;
  topic: string;
  partition: number;
  start: number;
  sealedEnd: number;
  cleanedTo: number;
  tombstoneDueMs: number | null;
  revision: number;
  checksum: number;
  /** Where the last row of its batches ends. */
  end: number;
};

/** One statement, so that start and end are of the same moment. */
export const SELECT_PARTITIONS = `SELECT id, topic, partition, first_offset AS start, sealed_end AS sealedEnd,
    cleaned_to AS cleanedTo, tombstone_due_ms AS tombstoneDueMs, revision, checksum, coalesce((
      SELECT base_offset + count + removed FROM batches
      WHERE partition_id = partitions.id ORDER BY base_offset DESC LIMIT 1
    ), first_offset) AS end FROM partitions`;

export function checkPartitionRow(row: PartitionRow, folder: string): void {
  const { checksum, end, ...columns } = row;
  if (partitionChecksum(Object.values(columns)) !== checksum)
    throw corruptLog(folder, `the entry of topic ${row.topic}, partition ${row.partition} has changed`);
  if (end >= row.sealedEnd) return;
  throw corruptLog(
    folder,
    `topic ${row.topic}, partition ${row.partition} ends at offset ${end}, though it held messages up to ${row.sealedEnd}`,
    { details: { topic: row.topic, partition: row.partition, offset: end } },
  );
}
