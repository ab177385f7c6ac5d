import type { Message, StoredMessage } from '@millrace/shared/message/message.ts';

/**
 * The port between the engine's driver and whatever stores the messages.
 *
 * For the implementer: topics are created by `open`. `write` resolves only when what it wrote survives the loss of the
 * process and, with durability `fsync`, of power (rule TP3); several writes may be in flight and are applied in the
 * order of the calls, normally as one group. Partitioning, ids, retries, ordering and back-pressure are the engine's job,
 * not the adapter's. Every method rejects with a WorkbenchError: BROKER_CLOSED after `close`, STORAGE_FULL (retryable),
 * STORAGE_CORRUPT, STORAGE_FAILED, OFFSET_OUT_OF_RANGE, TOPIC_NOT_FOUND.
 */
export interface Broker {
  readonly capabilities: BrokerCapabilities;
  /**
   * Creates missing topics, grows partition counts, and reads what was committed. Never shrinks or deletes by itself. What
   * a topic keeps is what the last `open` that named it said; `maintain` acts on it.
   */
  open(topics: TopicSpec[]): Promise<void>;
  /** First and next offset of each partition of a topic, and about what it holds. */
  offsets(topic: string): Promise<PartitionSize[]>;
  /** Offset of the first message whose append time is at or after `timeMs`; the end offset when there is none. */
  offsetAtTime(topic: string, partition: number, timeMs: number): Promise<number>;
  /** All committed offsets of all groups. */
  commits(): Promise<CommittedOffset[]>;
  /** All durable state entries. */
  state(): Promise<StateEntry[]>;
  write(batch: WriteBatch): Promise<WriteResult>;
  /**
   * Messages from the first one at or after `fromOffset` on, in order, at most `messagesMax` and about `bytesMax` (at least
   * one message when there is one). Each carries its own offset: compaction leaves gaps. Resolves at once; an empty list
   * means that `fromOffset` is the end. Below the start of the partition: OFFSET_OUT_OF_RANGE with `start` and `end`.
   */
  read(request: ReadRequest): Promise<ReadResult>;
  /**
   * Applies retention and compaction (rule TP4) with `nowMs` as the time. One call does one bounded slice of the work, so
   * that writes are hardly held up; `more` asks for another call, soon but not at once: a slice takes storage some
   * milliseconds that writes would have had. What it answers is on disk, and gone for readers.
   */
  maintain(nowMs: number): Promise<MaintainResult>;
  /** Finishes or rejects what is under way and frees everything. Idempotent. */
  close(): Promise<void>;
}

export type BrokerCapabilities = {
  name: 'embedded' | 'memory' | 'kafka' | 'nats';
  /** True when a whole WriteBatch becomes durable and visible in one step (exactly-once can be offered). */
  atomicWrites: boolean;
  /** False for the in-memory log. */
  survivesRestart: boolean;
};

/** What a topic may hold before its oldest messages go; 0 is no limit. */
export type Retention = { ageMs: number; bytes: number; messages: number };

export type TopicSpec = {
  topic: string;
  partitions: number;
  /** Per partition, as Kafka has it. Left out: nothing ever goes. */
  retention?: Retention;
  /** `compact` keeps the newest message of each key. Limits of `retention` hold beside it. Left out: `delete`. */
  cleanup?: 'delete' | 'compact';
  /** How long a tombstone, a null payload with a key, is still there to be seen by readers. Left out: 24 hours. */
  tombstoneMs?: number;
};

export type PartitionOffsets = { start: number; end: number };
/** `bytes` is about what the messages take on disk; `messages` is exact. */
export type PartitionSize = PartitionOffsets & { bytes: number; messages: number };

export type MaintainResult = {
  /** Partitions that lost messages, with their offsets afterwards and how many went to retention and to compaction. */
  changed: {
    topic: string;
    partition: number;
    start: number;
    end: number;
    expired: number;
    compacted: number;
  }[];
  more: boolean;
};

export type CommittedOffset = { group: string; topic: string; partition: number; offset: number };
export type StateEntry = { store: string; key: string; value: string };

export type WriteBatch = {
  appends: { topic: string; partition: number; messages: Message[] }[];
  commits: CommittedOffset[];
  /** A null value deletes. */
  state: { store: string; key: string; value: string | null }[];
  /** Stamped on the appended messages as `appendedAtMs`. */
  nowMs: number;
};
/** First offset given to each append, in order. */
export type WriteResult = { bases: number[] };

export type ReadRequest = {
  topic: string;
  partition: number;
  fromOffset: number;
  messagesMax: number;
  bytesMax: number;
};
export type ReadResult = { messages: StoredMessage[]; end: number };
