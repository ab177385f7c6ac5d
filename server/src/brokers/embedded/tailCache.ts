import type { Message, StoredMessage } from '@millrace/shared/message/message.ts';
import type { ReadRequest } from '../broker.ts';
import { messageBytes } from '../readRules.ts';

type CachedBatch = { base: number; messages: Message[]; appendedMs: number; bytes: number };

/**
 * Batches of one partition, oldest first, without gaps; those before `head` are gone. So many of them, `dropped`, went out
 * of their turn, and the list of arrivals still names them.
 */
type CachedPartition = { batches: CachedBatch[]; head: number; dropped: number };

/** Emptied slots at the head of a partition's list are given back when there are this many. */
const HEAD_MAX = 256;

/**
 * The newest batches of all partitions as they were handed in, so that a consumer that keeps up is served without a
 * look at the disk and without decoding. The oldest batch goes first, whatever its partition.
 */
export interface TailCache {
  add(partitionId: number, base: number, messages: Message[], appendedMs: number): void;
  /** Forgets batches that begin below `offset`: retention or compaction has changed them. */
  dropBelow(partitionId: number, offset: number): void;
  /** Null when `fromOffset` is older than what is kept. */
  read(partitionId: number, request: ReadRequest): StoredMessage[] | null;
  bytes(): number;
}

export function createTailCache(bytesMax: number): TailCache {
  const partitions = new Map<number, CachedPartition>();
  /** Partition ids in the order in which their batches came; the oldest at `oldest`. */
  let arrivals: number[] = [];
  let oldest = 0;
  let bytes = 0;

  const evictOldest = (): void => {
    const partition = partitions.get(arrivals[oldest++] as number) as CachedPartition;
    if (partition.dropped > 0) partition.dropped--;
    else bytes -= (partition.batches[partition.head++] as CachedBatch).bytes;
    if (partition.head > HEAD_MAX && partition.head * 2 > partition.batches.length) {
      partition.batches.splice(0, partition.head);
      partition.head = 0;
    }
    if (oldest > HEAD_MAX && oldest * 2 > arrivals.length) {
      arrivals = arrivals.slice(oldest);
      oldest = 0;
    }
  };

  return {
    bytes: () => bytes,
    add(partitionId, base, messages, appendedMs) {
      const partition = partitions.get(partitionId) ?? { batches: [], head: 0, dropped: 0 };
      partitions.set(partitionId, partition);
      let size = 0;
      for (const message of messages) size += messageBytes(message);
      partition.batches.push({ base, messages, appendedMs, bytes: size });
      arrivals.push(partitionId);
      bytes += size;
      while (bytes > bytesMax) evictOldest();
      // Slots of evicted batches must not keep their messages alive.
      if (partition.head === partition.batches.length) {
        partition.batches = [];
        partition.head = 0;
      }
    },
    dropBelow(partitionId, offset) {
      const partition = partitions.get(partitionId);
      if (!partition) return;
      let { head } = partition;
      for (
        let batch = partition.batches[head];
        batch && batch.base < offset;
        batch = partition.batches[head]
      ) {
        bytes -= batch.bytes;
        partition.dropped++;
        head++;
      }
      partition.batches.splice(0, head);
      partition.head = 0;
    },
    read(partitionId, { fromOffset, messagesMax, bytesMax: readBytesMax }) {
      const partition = partitions.get(partitionId);
      if (!partition) return null;
      let at = findBatch(partition, fromOffset);
      if (at < 0) return null;
      const result: StoredMessage[] = [];
      let size = 0;
      for (; at < partition.batches.length; at++) {
        const { base, messages, appendedMs } = partition.batches[at] as CachedBatch;
        for (let index = Math.max(0, fromOffset - base); index < messages.length; index++) {
          const message = messages[index] as Message;
          size += messageBytes(message);
          if (result.length > 0 && (result.length >= messagesMax || size > readBytesMax)) return result;
          result.push({ message, offset: base + index, appendedAtMs: appendedMs });
        }
      }
      return result;
    },
  };
}

/** Index of the batch that holds `offset`; -1 when it is older than all, or newer. */
function findBatch({ batches, head }: CachedPartition, offset: number): number {
  let low = head;
  let high = batches.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const { base, messages } = batches[middle] as CachedBatch;
    if (offset < base) high = middle - 1;
    else if (offset >= base + messages.length) low = middle + 1;
    else return middle;
  }
  return -1;
}
