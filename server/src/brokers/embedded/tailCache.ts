import type { Message, StoredMessage } from '@millrace/shared/message/message.ts';
import type { ReadRequest } from '../broker.ts';
import { createReadRoom } from '../readRules.ts';
import { openBatch } from './batchCodec.ts';
import { createByteRing, SEGMENT_BYTES } from './byteRing.ts';
import { type CachedRows, createCachedRows } from './cachedRows.ts';
import { createLivingMessages } from './livingMessages.ts';
import { type GroupRow, rowsOf, type WriteGroup } from './storageProtocol.ts';

/** A row whose bytes are in the cache; nobody can read it before it is committed and has its offset. */
export type HeldRow = GroupRow & { place: number; messages: Message[] | null };

/**
 * The newest rows of all partitions as they are stored, so that a consumer that lags a little is served without a look at
 * the disk. They are kept as bytes off the heap and decoded when they are read, unless their objects are alive anyway:
 * kept as objects they would make up most of what the garbage collector has to look through. The oldest row goes first, whatever its partition.
 */
export interface TailCache {
  /**
   * Copies a group before its bytes leave for the storage thread. What is never added afterwards was for nothing.
   * `messages` are those of each row, where their objects are still at hand.
   */
  hold(group: WriteGroup, messages: Message[][]): HeldRow[];
  /** The row is committed: rows of a partition come in the order of their offsets, which is that of their `hold`. */
  add(row: HeldRow, base: number): void;
  /** Forgets rows that begin below `offset`: retention or compaction has changed them. */
  dropBelow(partitionId: number, offset: number): void;
  /** Null when `fromOffset` is older than what is kept. */
  read(partitionId: number, request: ReadRequest): StoredMessage[] | null;
  /** What is allocated for messages. */
  memoryBytes(): number;
}

export function createTailCache(bytesMax: number, segmentBytes = SEGMENT_BYTES): TailCache {
  const ring = createByteRing(bytesMax, segmentBytes);
  const living = createLivingMessages();
  const partitions = new Map<number, CachedRows>();
  let sweptTo = 0;

  /** Rows are only looked for after those that were written over are forgotten. */
  const forgetLost = (partitionId: number, rows: CachedRows): void => {
    rows.dropBelow({ place: ring.oldest() });
    if (rows.count() === 0) partitions.delete(partitionId);
  };
  /** Partitions that are neither written nor read have to forget, too; now and then is enough. */
  const sweep = (): void => {
    if (ring.oldest() < sweptTo + segmentBytes) return;
    sweptTo = ring.oldest();
    for (const [partitionId, rows] of partitions) forgetLost(partitionId, rows);
  };

  return {
    hold(group, messages) {
      const held = rowsOf(group).map((row, index) => ({
        ...row,
        messages: messages[index] ?? null,
        place: ring.append(group.bytes.subarray(row.start, row.end)),
      }));
      sweep();
      return held;
    },
    add({ partitionId, count, appendedMs, place, start, end, messages }, base) {
      if (place < ring.oldest()) return;
      const rows = partitions.get(partitionId) ?? createCachedRows();
      partitions.set(partitionId, rows);
      rows.add({ base, count, appendedMs, place, bytes: end - start, living: living.add(messages) });
    },
    dropBelow(partitionId, offset) {
      const rows = partitions.get(partitionId);
      rows?.dropBelow({ base: offset });
      if (rows?.count() === 0) partitions.delete(partitionId);
    },
    read(partitionId, request) {
      const { fromOffset } = request;
      const rows = partitions.get(partitionId);
      if (!rows) return null;
      forgetLost(partitionId, rows);
      const first = rows.find(fromOffset);
      if (first < 0) return null;
      const room = createReadRoom(request);
      const result: StoredMessage[] = [];
      for (let at = first; at < rows.count() && !room.isFull(); at++) {
        const row = rows.at(at);
        const { base, count, appendedMs, place, bytes } = row;
        const batch = living.find(row.living) ?? openBatch(ring.bytesAt(place, bytes));
        const from = Math.max(0, fromOffset - base);
        const to = room.take(batch, from, count);
        for (const message of batch.messages(from, to)) {
          result.push({ message, offset: fromOffset + result.length, appendedAtMs: appendedMs });
        }
        if (to < count) break;
      }
      return result;
    },
    memoryBytes: () => ring.memoryBytes(),
  };
}
