import { Buffer } from 'node:buffer';
import type { DatabaseSync } from 'node:sqlite';
import type { StoredMessage } from '@millrace/shared/message/message.ts';
import { assert } from '@millrace/shared/util/assert.ts';
import { createByteArena } from '../../bytes/byteArena.ts';
import {
  type CleanupPolicy,
  COMPACTION_KEY_CHARACTERS_MAX,
  COMPACTION_KEYS_MAX,
  hasKey,
  isCompactionDue,
  isReplaced,
  isSpentTombstone,
  isTombstone,
  type NewestOffsets,
} from '../cleanup.ts';
import { prepareBatch, writeBatch } from './batchCodec.ts';
import {
  type BatchRow,
  isIntact,
  type OpenedRow,
  openRow,
  ROW_COLUMNS,
  rowChecksum,
  rowEnd,
  storedOffsets,
} from './batchRow.ts';
import type { PartitionBook } from './partitionBook.ts';

/** One slice decodes about this much. */
const SLICE_BYTES_MAX = 512 * 1024;
const SLICE_ROWS_MAX = 128;

type StoredRow = BatchRow & { id: number };
const NO_BYTES = new Uint8Array();

/** A pass over one partition: first it learns the newest offset of every key, then it goes over the batches again. */
type Pass = {
  book: PartitionBook;
  /** The next offset to look at. */
  at: number;
  /** Where learning ends. */
  end: number;
  /** Batches from here on are left alone: the newest one, or those that the pass has not learned. */
  cleanTo: number;
  newest: Map<string, number>;
  keyCharacters: number;
  tombstoneDueMs: number | null;
  /** Once it is, the batches are gone over again, from the front. */
  isLearned: boolean;
};

/** What a slice removed. `cleanMessages` of the messages had been seen by an earlier pass. */
export type Compacted = { messages: number; bytes: number; cleanMessages: number; below: number };

/**
 * Removes messages that newer ones of the same key replace (TP4), batch by batch and in place: a batch keeps its row and
 * the offsets it stands for, and is written again only when it lost something. Going from the front, a tombstone never
 * leaves before what it deletes. A kill between two slices leaves a log that is less compact than it could be, no more.
 *
 * A batch that is damaged stays as it is: what reads it says so.
 */
export interface Compactor {
  /** The partition of the pass that is under way. */
  partition(): PartitionBook | null;
  /** Starts a pass when the partition is worth one. */
  begin(book: PartitionBook, policy: CleanupPolicy, nowMs: number): boolean;
  /** Learns a slice, without writing; false when all is learned. */
  learn(): boolean;
  /** Rewrites a slice, inside of a transaction of the caller, and keeps `book`, a draft of the partition's. */
  rewrite(book: PartitionBook, policy: CleanupPolicy, nowMs: number): Compacted;
  /** Forgets the pass that is under way. */
  abandon(): void;
}

export function createCompactor(database: DatabaseSync): Compactor {
  const rowsFrom = database.prepare(
    `SELECT id, ${ROW_COLUMNS} FROM batches WHERE partition_id = ? AND base_offset >= ? AND base_offset < ?
     ORDER BY base_offset LIMIT ${SLICE_ROWS_MAX}`,
  );
  const oldestDirty = database.prepare(
    `SELECT appended_ms AS appendedMs FROM batches WHERE partition_id = ? AND base_offset >= ? AND base_offset < ?
     ORDER BY base_offset LIMIT 1`,
  );
  const messagesBelow = database.prepare(
    'SELECT coalesce(sum(count), 0) AS messages FROM batches WHERE partition_id = ? AND base_offset < ?',
  );
  const writer = createRowWriter(database);
  let pass: Pass | null = null;

  const takeRows = ({ id }: PartitionBook, from: number, to: number): StoredRow[] => {
    const rows: StoredRow[] = [];
    let bytes = 0;
    for (const row of rowsFrom.iterate(id, from, to) as Iterable<unknown> as Iterable<StoredRow>) {
      rows.push(row);
      bytes += row.data.length;
      if (bytes >= SLICE_BYTES_MAX) break;
    }
    return rows;
  };

  const isDue = (book: PartitionBook, policy: CleanupPolicy, nowMs: number): boolean => {
    const { id, cleanedTo, start, newestBase, tombstoneDueMs } = book;
    const compactable = book.messages - book.newestMessages;
    const dirty = compactable - book.cleanMessages;
    const first = dirty > 0 ? oldestDirty.get(id, Math.max(cleanedTo, start), newestBase) : undefined;
    const oldestDirtyMs = (first as { appendedMs: number } | undefined)?.appendedMs ?? null;
    return isCompactionDue({ compactable, dirty, oldestDirtyMs, tombstoneDueMs }, policy.tombstoneMs, nowMs);
  };

  /** Writes a batch again without what does not survive. */
  const rewriteRow = (book: PartitionBook, row: StoredRow, survivors: StoredMessage[]): number => {
    if (survivors.length > 0) return writer.replace(book.id, row, survivors);
    writer.empty(book.id, row);
    return row.data.length;
  };

  return {
    partition: () => pass?.book ?? null,
    begin(book, policy, nowMs) {
      if (!policy.compact || !isDue(book, policy, nowMs)) return false;
      pass = {
        book,
        at: Math.max(book.cleanedTo, book.start),
        end: book.end,
        cleanTo: book.newestBase,
        newest: new Map(),
        keyCharacters: 0,
        tombstoneDueMs: null,
        isLearned: false,
      };
      return true;
    },
    learn() {
      if (pass === null || pass.isLearned) return false;
      const rows = takeRows(pass.book, pass.at, pass.end);
      for (const row of rows) {
        learnRow(pass, openIntact(pass.book.id, row));
        pass.at = rowEnd(row);
        if (!isMemoryFull(pass)) continue;
        pass.cleanTo = Math.min(pass.cleanTo, pass.at);
        pass.end = pass.at;
        break;
      }
      if (rows.length === 0 || pass.at >= pass.end) {
        pass.isLearned = true;
        pass.at = 0;
      }
      return true;
    },
    rewrite(book, policy, nowMs) {
      assert(pass?.isLearned, 'batches are rewritten once their keys are known');
      const removed: Compacted = { messages: 0, bytes: 0, cleanMessages: 0, below: pass.cleanTo };
      const rows = takeRows(book, Math.max(pass.at, book.start), pass.cleanTo);
      for (const row of rows) {
        pass.at = rowEnd(row);
        const opened = openIntact(book.id, row);
        if (opened === null) continue;
        const survivors = survivorsOf(opened, pass.newest).filter(
          (stored) => !isSpentTombstone(stored, policy.tombstoneMs, nowMs),
        );
        noteTombstones(pass, survivors, policy.tombstoneMs);
        if (survivors.length === row.count && row.count > 0) continue;
        removed.bytes += rewriteRow(book, row, survivors);
        removed.messages += row.count - survivors.length;
        if (row.base < book.cleanedTo) removed.cleanMessages += row.count - survivors.length;
      }
      book.messages -= removed.messages;
      book.bytes -= removed.bytes;
      book.cleanMessages -= removed.cleanMessages;
      if (rows.length === 0 || pass.at >= pass.cleanTo) {
        book.cleanedTo = pass.cleanTo;
        book.tombstoneDueMs = pass.tombstoneDueMs;
        book.cleanMessages = (messagesBelow.get(book.id, pass.cleanTo) as { messages: number }).messages;
        pass = null;
      }
      return removed;
    },
    abandon() {
      pass = null;
    },
  };
}

function learnRow(pass: Pass, row: OpenedRow | null): void {
  for (const [index, key] of row?.keys().entries() ?? []) {
    if (!hasKey(key)) continue;
    if (!pass.newest.has(key)) pass.keyCharacters += key.length;
    pass.newest.set(key, (row as OpenedRow).offsetOf(index));
  }
}

/** Most of a batch that is worth the work is replaced, so keys are looked at first and only the rest is decoded. */
function survivorsOf(row: OpenedRow, newest: NewestOffsets): StoredMessage[] {
  const kept: number[] = [];
  for (const [index, key] of row.keys().entries())
    if (!isReplaced(key, row.offsetOf(index), newest)) kept.push(index);
  if (kept.length === row.count) return row.messages(0, row.count);
  return kept.flatMap((index) => row.messages(index, index + 1));
}

function isMemoryFull({ newest, keyCharacters }: Pass): boolean {
  return newest.size >= COMPACTION_KEYS_MAX || keyCharacters >= COMPACTION_KEY_CHARACTERS_MAX;
}

function noteTombstones(pass: Pass, survivors: readonly StoredMessage[], tombstoneMs: number): void {
  for (const { message, appendedAtMs } of survivors) {
    if (isTombstone(message))
      pass.tombstoneDueMs = Math.min(pass.tombstoneDueMs ?? Infinity, appendedAtMs + tombstoneMs);
  }
}

function openIntact(partitionId: number, row: BatchRow): OpenedRow | null {
  try {
    return isIntact(partitionId, row) ? openRow(row) : null;
  } catch {
    return null;
  }
}

interface RowWriter {
  /** Answers how many bytes the row lost. */
  replace(partitionId: number, row: StoredRow, survivors: StoredMessage[]): number;
  /** Leaves a row that only stands for its offsets; neighbours of that kind become one. */
  empty(partitionId: number, row: StoredRow): void;
}

function createRowWriter(database: DatabaseSync): RowWriter {
  const update = database.prepare(
    'UPDATE batches SET base_offset = ?, count = ?, removed = ?, crc32 = ?, offsets = ?, data = ? WHERE id = ?',
  );
  const emptyBefore = database.prepare(
    `SELECT id, base_offset AS base, count FROM batches WHERE partition_id = ? AND base_offset < ?
     ORDER BY base_offset DESC LIMIT 1`,
  );
  const remove = database.prepare('DELETE FROM batches WHERE id = ?');
  const arena = createByteArena();
  const write = (partitionId: number, id: number, row: Omit<BatchRow, 'crc'>): void => {
    const { base, count, removed, offsets, data } = row;
    update.run(base, count, removed, rowChecksum(partitionId, row), offsets, data, id);
  };

  return {
    replace(partitionId, row, survivors) {
      const { base, appendedMs } = row;
      arena.reset();
      const messages = survivors.map(({ message }) => message);
      const batch = prepareBatch(messages, 0, messages.length, arena);
      const data = Buffer.from(new ArrayBuffer(batch.bytes));
      writeBatch(batch, data, 0);
      const count = survivors.length;
      const removed = rowEnd(row) - base - count;
      write(partitionId, row.id, {
        base,
        count,
        removed,
        appendedMs,
        offsets: storedOffsets(base, survivors),
        data,
      });
      return row.data.length - data.length;
    },
    empty(partitionId, row) {
      const before = emptyBefore.get(partitionId, row.base) as
        | { id: number; base: number; count: number }
        | undefined;
      const joins = before !== undefined && before.count === 0;
      if (joins) remove.run(before.id);
      const base = joins ? before.base : row.base;
      const { appendedMs } = row;
      const place = { base, count: 0, removed: rowEnd(row) - base, appendedMs };
      write(partitionId, row.id, { ...place, offsets: null, data: NO_BYTES });
    },
  };
}
