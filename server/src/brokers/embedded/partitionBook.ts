import type { DatabaseSync } from 'node:sqlite';
import { checkPartitionRow, type PartitionRow, SELECT_PARTITIONS } from './logCheck.ts';
import { corruptLog, logError } from './logErrors.ts';
import { partitionChecksum } from './rowChecksums.ts';
import type { SizedPartition } from './storageProtocol.ts';

/** What the storage thread remembers of a partition, so that neither appends nor maintenance have to count. */
export type PartitionBook = SizedPartition & {
  /** Where the last batch begins, and how many messages it has. */
  newestBase: number;
  newestMessages: number;
  /** A pass of compaction has seen everything below; so many messages are there still. */
  cleanedTo: number;
  cleanMessages: number;
  tombstoneDueMs: number | null;
  sealedEnd: number;
};

type Totals = { messages: number; bytes: number; covered: number; base: number; cleanMessages: number };
type Newest = { base: number; count: number };

/** Reads the books from the index of the batches, and finds out whether batches are missing. */
export function readBooks(database: DatabaseSync, folder: string): PartitionBook[] {
  try {
    return booksOf(database, folder);
  } catch (thrown) {
    throw logError(thrown, folder);
  }
}

function booksOf(database: DatabaseSync, folder: string): PartitionBook[] {
  const totalsOf = database.prepare(
    `SELECT coalesce(sum(count), 0) AS messages, coalesce(sum(length(data)), 0) AS bytes,
       coalesce(sum(count + removed), 0) AS covered, min(base_offset) AS base,
       coalesce(sum(CASE WHEN base_offset < ? THEN count END), 0) AS cleanMessages
     FROM batches WHERE partition_id = ?`,
  );
  const newestOf = database.prepare(
    'SELECT base_offset AS base, count FROM batches WHERE partition_id = ? ORDER BY base_offset DESC LIMIT 1',
  );
  const rows = database.prepare(`${SELECT_PARTITIONS} ORDER BY topic, partition`).all();
  return (rows as unknown as PartitionRow[]).map((row) => {
    checkPartitionRow(row, folder);
    const { checksum: _, ...partition } = row;
    const { base, covered, ...totals } = totalsOf.get(row.cleanedTo, row.id) as unknown as Totals;
    checkCovered(row, base ?? row.start, covered, folder);
    const newest = newestOf.get(row.id) as Newest | undefined;
    return {
      ...partition,
      ...totals,
      newestBase: newest?.base ?? row.end,
      newestMessages: newest?.count ?? 0,
    };
  });
}

/** Batches stand for all offsets from the first to the end. */
function checkCovered(
  { topic, partition, start, end }: PartitionRow,
  base: number,
  covered: number,
  folder: string,
): void {
  if (base === start && covered === end - start) return;
  throw corruptLog(
    folder,
    `topic ${topic}, partition ${partition} goes from offset ${start} to ${end}, but its batches begin at ${base} and make up ${covered}`,
    { details: { topic, partition, offset: start } },
  );
}

/** Saves what a book says of its partition; inside of a transaction of the caller. */
export function createBookKeeper(database: DatabaseSync): (book: PartitionBook) => void {
  const save = database.prepare(
    `UPDATE partitions SET first_offset = ?, sealed_end = ?, cleaned_to = ?, tombstone_due_ms = ?, revision = ?,
       checksum = ? WHERE id = ?`,
  );
  return ({ id, topic, partition, start, sealedEnd, cleanedTo, tombstoneDueMs, revision }) => {
    const columns = [id, topic, partition, start, sealedEnd, cleanedTo, tombstoneDueMs, revision];
    save.run(start, sealedEnd, cleanedTo, tombstoneDueMs, revision, partitionChecksum(columns), id);
  };
}
