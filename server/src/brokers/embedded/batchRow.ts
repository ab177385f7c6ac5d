import { crc32 } from 'node:zlib';
import type { StoredMessage } from '@millrace/shared/message/message.ts';
import { assert } from '@millrace/shared/util/assert.ts';
import { type OpenedBatch, openBatch } from './batchCodec.ts';

/**
 * A row of the log. It stands for the offsets from `base` up to the base of the next row, without holes between rows; the
 * messages of some of them may have been removed by compaction, or all of them.
 */
export type BatchRow = {
  base: number;
  /** Messages that are there. */
  count: number;
  /** Offsets whose messages are gone. */
  removed: number;
  appendedMs: number;
  crc: number;
  /** Offset of each message less `base`, as u32; null when they follow one another from `base` on. */
  offsets: Uint8Array | null;
  /** The batch as `batchCodec` writes it; empty without messages. */
  data: Uint8Array;
};

/** The columns of `batches` that make a row. */
export const ROW_COLUMNS =
  'base_offset AS base, count, removed, appended_ms AS appendedMs, crc32 AS crc, offsets, data';

export const rowEnd = ({ base, count, removed }: Pick<BatchRow, 'base' | 'count' | 'removed'>): number =>
  base + count + removed;

/** What guards a row: its bytes and where they belong, so that a row that moved is noticed as well as one that changed. */
export function rowChecksum(partitionId: number, row: Omit<BatchRow, 'crc'>): number {
  const { base, count, removed, appendedMs, offsets, data } = row;
  const place = `${partitionId}:${base}:${count}:${appendedMs}`;
  const guarded = crc32(data, crc32(removed === 0 ? place : `${place}:${removed}`));
  return offsets === null ? guarded : crc32(offsets, guarded);
}

/** Rows written in format 1 of the log do not guard their time. */
function checksumOfFormat1(partitionId: number, { base, count, data }: BatchRow): number {
  return crc32(data, crc32(`${partitionId}:${base}:${count}`));
}

export function isIntact(partitionId: number, row: BatchRow): boolean {
  // SQLite gives what the file says, whatever the schema says of types.
  const { data, offsets } = row as { data: unknown; offsets: unknown };
  if (!(data instanceof Uint8Array && (offsets === null || offsets instanceof Uint8Array))) return false;
  if (rowChecksum(partitionId, row) === row.crc) return true;
  return row.removed === 0 && row.offsets === null && checksumOfFormat1(partitionId, row) === row.crc;
}

/** An intact row, of which any range of messages can be decoded by itself. */
export type OpenedRow = {
  base: number;
  /** The offset after the last that the row stands for. */
  end: number;
  count: number;
  appendedMs: number;
  bytes: number;
  /** What `messageBytes` says of a message, without decoding it. */
  sizeOf(index: number): number;
  /** Index of the first message at or after `offset`; `count` when there is none. */
  indexOf(offset: number): number;
  offsetOf(index: number): number;
  /** Messages at indexes from … to of this row. */
  messages(from: number, to: number): StoredMessage[];
  /** Keys of all messages of this row. */
  keys(): (string | null)[];
};

const NO_MESSAGES: OpenedBatch = { count: 0, messages: () => [], sizeOf: () => 0, keys: () => [] };

/** Throws when the row's parts do not fit together. */
export function openRow(row: BatchRow): OpenedRow {
  const { base, count, appendedMs, data } = row;
  const end = rowEnd(row);
  const batch = count === 0 ? NO_MESSAGES : openBatch(data);
  assert(batch.count === count, `the row has ${count} messages, its bytes ${batch.count}`);
  const offsets = row.offsets === null ? null : relativeOffsets(row.offsets);
  assert(
    offsets === null ? end >= base + count : offsets.length === count && base + (offsets.at(-1) ?? 0) < end,
    `the offsets of a row fit its ${count} messages`,
  );
  const offsetOf = (index: number): number => base + (offsets === null ? index : (offsets[index] as number));
  return {
    base,
    end,
    count,
    appendedMs,
    bytes: data.length,
    sizeOf: (index) => batch.sizeOf(index),
    indexOf(offset) {
      if (offsets === null) return Math.min(count, Math.max(0, offset - base));
      let low = 0;
      let high = count;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (offsetOf(middle) >= offset) high = middle;
        else low = middle + 1;
      }
      return low;
    },
    offsetOf,
    keys: () => batch.keys(),
    messages: (from, to) =>
      batch.messages(from, to).map((message, index) => ({
        message,
        offset: offsetOf(from + index),
        appendedAtMs: appendedMs,
      })),
  };
}

function relativeOffsets(stored: Uint8Array): Uint32Array {
  // A copy, because typed arrays need their alignment.
  const bytes = new Uint8Array(stored);
  return new Uint32Array(bytes.buffer, 0, bytes.length >> 2);
}

/** The `offsets` column for messages at these offsets. */
export function storedOffsets(base: number, messages: readonly StoredMessage[]): Uint8Array | null {
  if (messages.every(({ offset }, index) => offset === base + index)) return null;
  return new Uint8Array(Uint32Array.from(messages, ({ offset }) => offset - base).buffer);
}
