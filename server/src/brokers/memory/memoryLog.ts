import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type {
  CommittedOffset,
  MaintainResult,
  PartitionSize,
  ReadRequest,
  ReadResult,
  StateEntry,
  TopicSpec,
  WriteBatch,
  WriteResult,
} from '../broker.ts';
import { type CleanupPolicy, policyOf } from '../cleanup.ts';
import { checkPartition, checkReadOffset } from '../readRules.ts';
import { MemoryPartition } from './memoryPartition.ts';

/**
 * The whole of a broker without time, threads or promises: topics as arrays, commits and state as maps.
 * The simulator drives it directly; `memoryBroker.ts` puts the port in front of it.
 */
export interface MemoryLog {
  open(topics: TopicSpec[]): void;
  topics(): TopicSpec[];
  offsets(topic: string): PartitionSize[];
  offsetAtTime(topic: string, partition: number, timeMs: number): number;
  commits(): CommittedOffset[];
  state(): StateEntry[];
  /** All or nothing: whatever is wrong with the batch is found before any of it is kept. */
  write(batch: WriteBatch): WriteResult;
  read(request: ReadRequest): ReadResult;
  /** All that is due at `nowMs`, at once. */
  maintain(nowMs: number): MaintainResult;
}

type MemoryTopic = { partitions: MemoryPartition[]; policy: CleanupPolicy };

export function createMemoryLog(): MemoryLog {
  const topics = new Map<string, MemoryTopic>();
  const commits = new Map<string, CommittedOffset>();
  /** Entries by store and key. */
  const stores = new Map<string, Map<string, StateEntry>>();

  const partitionsOf = (topic: string): MemoryPartition[] => {
    const found = topics.get(topic);
    if (found) return found.partitions;
    throw new WorkbenchError('TOPIC_NOT_FOUND', `There is no topic ${topic}.`, { details: { topic } });
  };
  const partitionOf = (topic: string, partition: number): MemoryPartition => {
    const partitions = partitionsOf(topic);
    checkPartition(topic, partition, partitions.length);
    return partitions[partition] as MemoryPartition;
  };
  const storeOf = (name: string): Map<string, StateEntry> => {
    const known = stores.get(name);
    if (known) return known;
    const store = new Map<string, StateEntry>();
    stores.set(name, store);
    return store;
  };

  return {
    open(specs) {
      for (const spec of specs) {
        const partitions = topics.get(spec.topic)?.partitions ?? [];
        while (partitions.length < spec.partitions) partitions.push(new MemoryPartition());
        topics.set(spec.topic, { partitions, policy: policyOf(spec) });
      }
    },
    topics: () => [...topics].map(([topic, { partitions }]) => ({ topic, partitions: partitions.length })),
    offsets: (topic) => partitionsOf(topic).map((partition) => partition.size()),
    offsetAtTime: (topic, partition, timeMs) => partitionOf(topic, partition).offsetAtTime(timeMs),
    commits: () => [...commits.values()],
    state: () => [...stores.values()].flatMap((store) => [...store.values()]),
    write({ appends, commits: committed, state, nowMs }) {
      const targets = appends.map(({ topic, partition }) => partitionOf(topic, partition));
      const bases = appends.map(({ messages }, index) =>
        (targets[index] as MemoryPartition).append(messages, nowMs),
      );
      for (const commit of committed)
        commits.set(`${commit.group}\n${commit.topic}\n${commit.partition}`, { ...commit });
      for (const { store, key, value } of state) {
        if (value === null) storeOf(store).delete(key);
        else storeOf(store).set(key, { store, key, value });
      }
      return { bases };
    },
    read(request) {
      const partition = partitionOf(request.topic, request.partition);
      checkReadOffset(request, partition.range());
      return { messages: partition.read(request), end: partition.range().end };
    },
    maintain(nowMs) {
      const changed: MaintainResult['changed'] = [];
      for (const [topic, { partitions, policy }] of topics) {
        for (const [index, partition] of partitions.entries()) {
          const { start } = partition.range();
          const expired = partition.expire(policy, nowMs);
          const compacted = partition.compact(policy, nowMs);
          if (compacted > 0 || partition.range().start !== start)
            changed.push({ topic, partition: index, ...partition.range(), expired, compacted });
        }
      }
      return { changed, more: false };
    },
  };
}
