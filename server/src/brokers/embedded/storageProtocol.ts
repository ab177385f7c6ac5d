import type { ErrorData } from '@millrace/shared/errors/workbenchError.ts';
import type { TopicSpec } from '../broker.ts';
import type { Durability } from './logSchema.ts';

/** What the broker and its storage thread say to each other. Answers come in the order of the requests. */

export type StorageSetup = { folder: string; durability: Durability };

/** Numbers that describe a row to be appended, in the order below, `ROW_NUMBERS` for each. */
export const ROW_NUMBERS = 4;
export const ROW_PARTITION_ID = 0;
export const ROW_COUNT = 1;
export const ROW_APPENDED_MS = 2;
/** Where the row's bytes end in `bytes`; they start where those of the row before end. */
export const ROW_END = 3;

/** A row of a group as its numbers say; its bytes are those from `start` to `end`. */
export type GroupRow = {
  partitionId: number;
  count: number;
  appendedMs: number;
  start: number;
  end: number;
};

export function rowsOf({ rows }: Pick<WriteGroup, 'rows'>): GroupRow[] {
  return Array.from({ length: rows.length / ROW_NUMBERS }, (_, index) => {
    const at = index * ROW_NUMBERS;
    return {
      partitionId: rows[at + ROW_PARTITION_ID] as number,
      count: rows[at + ROW_COUNT] as number,
      appendedMs: rows[at + ROW_APPENDED_MS] as number,
      start: index === 0 ? 0 : (rows[at - ROW_NUMBERS + ROW_END] as number),
      end: rows[at + ROW_END] as number,
    };
  });
}

/** All writes that are committed in one transaction. Lists are flat: this crosses a thread boundary on the hot path. */
export type WriteGroup = {
  type: 'group';
  /** Counts failures: a group of an earlier epoch was formed before its writer knew that a group before it had failed. */
  epoch: number;
  rows: Float64Array<ArrayBuffer>;
  bytes: Uint8Array<ArrayBuffer>;
  /** group, topic, partition, offset, … */
  commits: (string | number)[];
  /** store, key, value (null deletes), … */
  state: (string | null)[];
};

export type ToStorage =
  | { type: 'open'; topics: TopicSpec[] }
  | WriteGroup
  | { type: 'maintain'; nowMs: number }
  | { type: 'close' };

/** `revision` counts the changes that retention and compaction made to a partition. */
export type StoredPartition = {
  id: number;
  topic: string;
  partition: number;
  start: number;
  end: number;
  revision: number;
};

export type SizedPartition = StoredPartition & { messages: number; bytes: number };

/** What a slice of maintenance left of a partition, how many messages went, and below which offset it changed. */
export type MaintainedPartition = Omit<SizedPartition, 'end'> & {
  expired: number;
  compacted: number;
  below: number;
};

export type FromStorage =
  | { type: 'started' }
  | { type: 'opened'; partitions: SizedPartition[] }
  /** First offset of each row of the group. */
  | { type: 'committed'; bases: Float64Array<ArrayBuffer> }
  | { type: 'maintained'; changed: MaintainedPartition[]; more: boolean }
  | { type: 'failed'; error: ErrorData }
  | { type: 'closed' };
