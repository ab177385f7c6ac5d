import type { DatabaseSync } from 'node:sqlite';
import { type CleanupPolicy, hasLimits, isExpired } from '../cleanup.ts';
import type { PartitionBook } from './partitionBook.ts';

/** One slice removes at most so many batches, and bytes of them. */
const SLICE_ROWS_MAX = 256;
const SLICE_BYTES_MAX = 8 * 1024 * 1024;

type Row = { base: number; end: number; messages: number; bytes: number; appendedMs: number };

/** The batches that go from the front of a partition: everything below `start`. */
export type Expiry = {
  start: number;
  messages: number;
  bytes: number;
  cleanMessages: number;
  /** True when the slice was full before the limit was met. */
  more: boolean;
};

export interface RetentionKeeper {
  /** What would go; null when nothing is due. */
  find(book: PartitionBook, policy: CleanupPolicy, nowMs: number): Expiry | null;
  /** Removes it; inside of a transaction of the caller, who keeps the book. */
  remove(book: PartitionBook, expiry: Expiry): void;
}

/** Deletes whole batches, as Kafka deletes segments: from the front, without a look at who has read them (TP4). */
export function createRetention(database: DatabaseSync): RetentionKeeper {
  const rowsFrom = database.prepare(
    `SELECT base_offset AS base, base_offset + count + removed AS end, count AS messages, length(data) AS bytes,
       appended_ms AS appendedMs FROM batches WHERE partition_id = ? AND base_offset >= ? ORDER BY base_offset LIMIT ?`,
  );
  const remove = database.prepare('DELETE FROM batches WHERE partition_id = ? AND base_offset < ?');
  /** The oldest batch of partitions with an age limit, so that looking at the clock asks nothing of the file. */
  const oldest = new Map<number, { start: number; revision: number; appendedMs: number }>();

  /** Cheap, because it is asked of every partition before every slice. */
  const mayBeDue = (book: PartitionBook, { retention }: CleanupPolicy, nowMs: number): boolean => {
    if (book.start === book.end) return false;
    const { ageMs, bytes, messages } = retention;
    if (messages > 0 && book.messages > messages) return true;
    if (bytes > 0 && book.bytes > bytes) return true;
    if (ageMs === 0) return false;
    let known = oldest.get(book.id);
    if (known?.start !== book.start || known.revision !== book.revision) {
      const row = rowsFrom.get(book.id, book.start, 1) as Row | undefined;
      if (row === undefined) return false;
      known = { start: book.start, revision: book.revision, appendedMs: row.appendedMs };
      oldest.set(book.id, known);
    }
    return known.appendedMs + ageMs <= nowMs;
  };

  return {
    find(book, policy, nowMs) {
      if (!hasLimits(policy.retention) || !mayBeDue(book, policy, nowMs)) return null;
      const expiry: Expiry = { start: book.start, messages: 0, bytes: 0, cleanMessages: 0, more: false };
      const rows = rowsFrom.all(book.id, book.start, SLICE_ROWS_MAX) as unknown as Row[];
      for (const row of rows) {
        const left = { messages: book.messages - expiry.messages, bytes: book.bytes - expiry.bytes };
        if (!isExpired(row, left, policy.retention, nowMs)) break;
        expiry.more = true;
        if (expiry.messages > 0 && expiry.bytes + row.bytes > SLICE_BYTES_MAX) break;
        expiry.start = row.end;
        expiry.messages += row.messages;
        expiry.bytes += row.bytes;
        if (row.base < book.cleanedTo) expiry.cleanMessages += row.messages;
        expiry.more = row === rows.at(-1) && rows.length === SLICE_ROWS_MAX;
      }
      return expiry.start === book.start ? null : expiry;
    },
    remove: (book, expiry) => void remove.run(book.id, expiry.start),
  };
}
