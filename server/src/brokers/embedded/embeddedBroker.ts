import { mkdirSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { lockFolder } from '../../sqlite/folderLock.ts';
import type { Broker, MaintainResult, ReadRequest, ReadResult } from '../broker.ts';
import { brokerClosed, checkPartition, checkReadOffset } from '../readRules.ts';
import { logError } from './logErrors.ts';
import { createLogFile, type LogFile } from './logFile.ts';
import { type Durability, openLogForReading } from './logSchema.ts';
import type { SizedPartition } from './storageProtocol.ts';
import { type MaintainedSlice, startStorageThread } from './storageThread.ts';
import { createTailCache, type HeldRow, type TailCache } from './tailCache.ts';

const TAIL_CACHE_BYTES_MAX = 64 * 1024 * 1024;

export type EmbeddedBrokerOptions = { folder: string; durability: Durability };

/**
 * The durable broker that needs no other program: `log.db` in a folder, written by a thread of its own (see
 * `storage.worker.ts`) and read over a connection of its own, so that neither waits for the other.
 */
export async function createEmbeddedBroker({ folder, durability }: EmbeddedBrokerOptions): Promise<Broker> {
  mkdirSync(folder, { recursive: true });
  const lock = lockFolder(folder);
  try {
    const topics = new Map<string, SizedPartition[]>();
    const byId = new Map<number, SizedPartition>();
    const cache = createTailCache(TAIL_CACHE_BYTES_MAX);
    const onCommitted = (row: HeldRow, base: number): void => {
      if (row.count === 0) return;
      const partition = byId.get(row.partitionId) as SizedPartition;
      partition.end = base + row.count;
      partition.messages += row.count;
      partition.bytes += row.end - row.start;
      cache.add(row, base);
    };
    const thread = await startStorageThread({ folder, durability }, { hold: cache.hold, onCommitted });
    const database = openLogForReading(folder, { isOpenHere: true });
    if (database === null)
      throw new WorkbenchError('STORAGE_FAILED', 'The message log vanished while it was opened.');
    const file = createLogFile(database, folder);
    return brokerOver({ thread, database, file, cache, topics, byId, release: () => lock.release() });
  } catch (thrown) {
    lock.release();
    throw logError(thrown, folder);
  }
}

type Parts = {
  thread: Awaited<ReturnType<typeof startStorageThread>>;
  database: DatabaseSync;
  file: LogFile;
  cache: TailCache;
  /** Partitions by number. */
  topics: Map<string, SizedPartition[]>;
  byId: Map<number, SizedPartition>;
  release(): void;
};

function brokerOver({ thread, database, file, cache, topics, byId, release }: Parts): Broker {
  let closing: Promise<void> | null = null;

  const whileOpen = async <Value>(ask: () => Value | Promise<Value>): Promise<Value> => {
    if (closing !== null) throw brokerClosed();
    return ask();
  };
  const partitionsOf = (topic: string): SizedPartition[] => {
    const partitions = topics.get(topic);
    if (partitions) return partitions;
    throw new WorkbenchError('TOPIC_NOT_FOUND', `There is no topic ${topic}.`, { details: { topic } });
  };
  const partitionOf = (topic: string, partition: number): SizedPartition => {
    const partitions = partitionsOf(topic);
    checkPartition(topic, partition, partitions.length);
    return partitions[partition] as SizedPartition;
  };
  const learn = (partitions: SizedPartition[]): void => {
    for (const found of partitions) {
      // A partition that is known has the newer end: appends may have been acknowledged meanwhile.
      if (byId.has(found.id)) continue;
      byId.set(found.id, found);
      const siblings = topics.get(found.topic) ?? [];
      siblings[found.partition] = found;
      topics.set(found.topic, siblings);
    }
  };
  const learnChanges = ({ changed, more }: MaintainedSlice): MaintainResult => ({
    changed: changed.map(({ id, expired, compacted, below, ...left }) => {
      const partition = byId.get(id) as SizedPartition;
      Object.assign(partition, left);
      cache.dropBelow(id, below);
      const { topic, start, end } = partition;
      return { topic, partition: partition.partition, start, end, expired, compacted };
    }),
    more,
  });
  const read = (request: ReadRequest): ReadResult => {
    const partition = partitionOf(request.topic, request.partition);
    checkReadOffset(request, partition);
    const { end } = partition;
    if (request.fromOffset === end) return { messages: [], end };
    return { messages: cache.read(partition.id, request) ?? file.read(partition, request), end };
  };

  return {
    capabilities: { name: 'embedded', atomicWrites: true, survivesRestart: true },
    open: (specs) => whileOpen(async () => learn(await thread.open(specs))),
    offsets: (topic) =>
      whileOpen(() =>
        partitionsOf(topic).map(({ start, end, bytes, messages }) => ({ start, end, bytes, messages })),
      ),
    maintain: (nowMs) => whileOpen(async () => learnChanges(await thread.maintain(nowMs))),
    offsetAtTime: (topic, partition, timeMs) =>
      whileOpen(() => file.offsetAtTime(partitionOf(topic, partition), timeMs)),
    commits: () => whileOpen(() => file.commits()),
    state: () => whileOpen(() => file.state()),
    write: (batch) =>
      whileOpen(() => {
        const partitionIds = batch.appends.map(({ topic, partition }) => partitionOf(topic, partition).id);
        return thread.write(batch, partitionIds);
      }),
    read: (request) => whileOpen(() => read(request)),
    close() {
      if (closing === null) {
        // First, because the last connection to close moves the write-ahead log into the file, which a reader cannot.
        database.close();
        closing = thread.close().finally(release);
      }
      return closing;
    },
  };
}
