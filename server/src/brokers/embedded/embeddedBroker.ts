import { mkdirSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { lockFolder } from '../../sqlite/folderLock.ts';
import type { Broker, ReadRequest, ReadResult } from '../broker.ts';
import { brokerClosed, checkPartition, checkReadOffset } from '../readRules.ts';
import { createLogFile, type LogFile } from './logFile.ts';
import { type Durability, logError, openLogForReading } from './logSchema.ts';
import type { StoredPartition } from './storageProtocol.ts';
import { startStorageThread } from './storageThread.ts';
import { createTailCache } from './tailCache.ts';

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
    const topics = new Map<string, StoredPartition[]>();
    const byId = new Map<number, StoredPartition>();
    const cache = createTailCache(TAIL_CACHE_BYTES_MAX);
    const thread = await startStorageThread({ folder, durability }, (append, base) => {
      if (append.messages.length === 0) return;
      const partition = byId.get(append.partitionId) as StoredPartition;
      partition.end = base + append.messages.length;
      cache.add(append.partitionId, base, append.messages, append.appendedMs);
    });
    const database = openLogForReading(folder);
    if (database === null)
      throw new WorkbenchError('STORAGE_FAILED', 'The message log vanished while it was opened.');
    const file = createLogFile(database);
    return brokerOver({ thread, database, file, cache, topics, byId, release: () => lock.release() });
  } catch (thrown) {
    lock.release();
    throw logError(thrown);
  }
}

type Parts = {
  thread: Awaited<ReturnType<typeof startStorageThread>>;
  database: DatabaseSync;
  file: LogFile;
  cache: ReturnType<typeof createTailCache>;
  /** Partitions by number. */
  topics: Map<string, StoredPartition[]>;
  byId: Map<number, StoredPartition>;
  release(): void;
};

function brokerOver({ thread, database, file, cache, topics, byId, release }: Parts): Broker {
  let closing: Promise<void> | null = null;

  const whileOpen = async <Value>(ask: () => Value | Promise<Value>): Promise<Value> => {
    if (closing !== null) throw brokerClosed();
    return ask();
  };
  const partitionsOf = (topic: string): StoredPartition[] => {
    const partitions = topics.get(topic);
    if (partitions) return partitions;
    throw new WorkbenchError('TOPIC_NOT_FOUND', `There is no topic ${topic}.`, { details: { topic } });
  };
  const partitionOf = (topic: string, partition: number): StoredPartition => {
    const partitions = partitionsOf(topic);
    checkPartition(topic, partition, partitions.length);
    return partitions[partition] as StoredPartition;
  };
  const learn = (partitions: StoredPartition[]): void => {
    for (const found of partitions) {
      // A partition that is known has the newer end: appends may have been acknowledged meanwhile.
      if (byId.has(found.id)) continue;
      byId.set(found.id, found);
      const siblings = topics.get(found.topic) ?? [];
      siblings[found.partition] = found;
      topics.set(found.topic, siblings);
    }
  };
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
        partitionsOf(topic).map(({ start, end }) => ({ start, end, bytes: 0, messages: end - start })),
      ),
    maintain: () => whileOpen(() => ({ changed: [], more: false })),
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
