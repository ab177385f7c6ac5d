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
  /** Creates missing topics, grows partition counts, and reads what was committed. Never shrinks or deletes. */
  open(topics: TopicSpec[]): Promise<void>;
  /** First and next offset of each partition of a topic. */
  offsets(topic: string): Promise<PartitionOffsets[]>;
  /** First offset whose append time is at or after `timeMs`; the end offset when there is none. */
  offsetAtTime(topic: string, partition: number, timeMs: number): Promise<number>;
  /** All committed offsets of all groups. */
  commits(): Promise<CommittedOffset[]>;
  /** All durable state entries. */
  state(): Promise<StateEntry[]>;
  write(batch: WriteBatch): Promise<WriteResult>;
  /**
   * Messages from `fromOffset` on, in order, at most `messagesMax` and about `bytesMax` (at least one message when there
   * is one). Resolves at once; an empty list means that `fromOffset` is the end. Below the first offset: OFFSET_OUT_OF_RANGE.
   */
  read(request: ReadRequest): Promise<ReadResult>;
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

export type TopicSpec = { topic: string; partitions: number };
export type PartitionOffsets = { start: number; end: number };
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
