import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { Message, StoredMessage } from '@millrace/shared/message/message.ts';
import type {
  CommittedOffset,
  PartitionOffsets,
  ReadRequest,
  ReadResult,
  StateEntry,
  TopicSpec,
  WriteBatch,
  WriteResult,
} from '../broker.ts';
import { checkPartition, checkReadOffset, messageBytes } from '../readRules.ts';

/**
 * The whole of a broker without time, threads or promises: topics as arrays, commits and state as maps.
 * The simulator drives it directly; `memoryBroker.ts` puts the port in front of it.
 */
export interface MemoryLog {
  open(topics: TopicSpec[]): void;
  topics(): TopicSpec[];
  offsets(topic: string): PartitionOffsets[];
  offsetAtTime(topic: string, partition: number, timeMs: number): number;
  commits(): CommittedOffset[];
  state(): StateEntry[];
  /** All or nothing: whatever is wrong with the batch is found before any of it is kept. */
  write(batch: WriteBatch): WriteResult;
  read(request: ReadRequest): ReadResult;
}

export function createMemoryLog(): MemoryLog {
  const topics = new Map<string, StoredMessage[][]>();
  const commits = new Map<string, CommittedOffset>();
  const state = new Map<string, StateEntry>();

  const partitionsOf = (topic: string): StoredMessage[][] => {
    const partitions = topics.get(topic);
    if (partitions) return partitions;
    throw new WorkbenchError('TOPIC_NOT_FOUND', `There is no topic ${topic}.`, { details: { topic } });
  };
  const partitionOf = (topic: string, partition: number): StoredMessage[] => {
    const partitions = partitionsOf(topic);
    checkPartition(topic, partition, partitions.length);
    return partitions[partition] as StoredMessage[];
  };
  const append = (stored: StoredMessage[], messages: Message[], appendedAtMs: number): number => {
    const base = stored.length;
    for (const message of messages) stored.push({ message, offset: stored.length, appendedAtMs });
    return base;
  };

  return {
    open(specs) {
      for (const { topic, partitions } of specs) {
        const existing = topics.get(topic) ?? [];
        while (existing.length < partitions) existing.push([]);
        topics.set(topic, existing);
      }
    },
    topics: () => [...topics].map(([topic, partitions]) => ({ topic, partitions: partitions.length })),
    offsets: (topic) => partitionsOf(topic).map((stored) => ({ start: 0, end: stored.length })),
    offsetAtTime(topic, partition, timeMs) {
      const stored = partitionOf(topic, partition);
      return stored.find(({ appendedAtMs }) => appendedAtMs >= timeMs)?.offset ?? stored.length;
    },
    commits: () => [...commits.values()],
    state: () => [...state.values()],
    write(batch) {
      const targets = batch.appends.map(({ topic, partition }) => partitionOf(topic, partition));
      const bases = batch.appends.map(({ messages }, index) =>
        append(targets[index] as StoredMessage[], messages, batch.nowMs),
      );
      for (const commit of batch.commits) {
        commits.set(JSON.stringify([commit.group, commit.topic, commit.partition]), { ...commit });
      }
      for (const { store, key, value } of batch.state) {
        const id = JSON.stringify([store, key]);
        if (value === null) state.delete(id);
        else state.set(id, { store, key, value });
      }
      return { bases };
    },
    read(request) {
      const stored = partitionOf(request.topic, request.partition);
      checkReadOffset(request, { start: 0, end: stored.length });
      const messages: StoredMessage[] = [];
      let bytes = 0;
      for (let offset = request.fromOffset; offset < stored.length; offset++) {
        const entry = stored[offset] as StoredMessage;
        bytes += messageBytes(entry.message);
        if (messages.length > 0 && (messages.length >= request.messagesMax || bytes > request.bytesMax))
          break;
        messages.push(entry);
      }
      return { messages, end: stored.length };
    },
  };
}
