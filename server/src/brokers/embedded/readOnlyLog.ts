import type { DatabaseSync } from 'node:sqlite';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { StoredMessage } from '@millrace/shared/message/message.ts';
import type { PartitionOffsets, PartitionSize, ReadRequest, StateEntry, TopicSpec } from '../broker.ts';
import { checkPartition, checkReadOffset } from '../readRules.ts';
import type { OpenedRow } from './batchRow.ts';
import { logError } from './logErrors.ts';
import { createLogFile, type LogFile } from './logFile.ts';
import { openLogForReading } from './logSchema.ts';
import type { StoredPartition } from './storageProtocol.ts';

/** How many rows, and bytes of them, one look at the newest messages may open: a rare key must not stop the server. */
const NEWEST_ROWS_MAX = 2000;
const NEWEST_BYTES_MAX = 32 * 1024 * 1024;

export type BrowsedEntry = StoredMessage & { partition: number };
export type NewestMessages = {
  /** Newest first. */
  messages: BrowsedEntry[];
  /** False when the search stopped at its limit of work, so that older matches may exist. */
  complete: boolean;
};

export type NewestFilter = { key?: string; partition?: number };

/** Keys for which a node keeps state, and timers it has set. */
export type StateSizes = { keys: Record<string, number>; timers: Record<string, number> };

/**
 * Read access to the log of a run, live or over, without talking to its process. A log that was not written yet reads as
 * one without topics. Errors are those of the broker port.
 */
export interface LogReader {
  topics(): TopicSpec[];
  /** First and next offset of each partition. */
  offsets(topic: string): PartitionOffsets[];
  /** The same, with what each partition holds; dearer than `offsets`. */
  sizes(topic: string): PartitionSize[];
  read(request: ReadRequest): { messages: StoredMessage[]; start: number; end: number };
  readNewest(topic: string, limit: number, filter?: NewestFilter): NewestMessages;
  /** Offset of the first message appended at or after `timeMs`; the end offset when there is none. */
  offsetAtTime(topic: string, partition: number, timeMs: number): number;
  /** All durable state entries, and those of one store. */
  state(): StateEntry[];
  stateOf(store: string): StateEntry[];
  /** How much of it handlers keep, by node. */
  stateSizes(): StateSizes;
  /** Idempotent. */
  close(): void;
}

export function openLogReader(folder: string): LogReader {
  let database: DatabaseSync | null = null;
  let file: LogFile | null = null;
  let closed = false;

  const open = (): LogFile | null => {
    if (closed) throw new WorkbenchError('BROKER_CLOSED', 'This view of the message log is closed.');
    if (file !== null) return file;
    database = openLogForReading(folder);
    try {
      file = database === null ? null : createLogFile(database, folder);
    } catch (thrown) {
      database?.close();
      throw logError(thrown, folder);
    }
    return file;
  };
  const partitionsOf = (log: LogFile | null, topic: string): StoredPartition[] => {
    const partitions = log?.partitions(topic) ?? [];
    if (partitions.length > 0) return partitions;
    throw new WorkbenchError('TOPIC_NOT_FOUND', `The run has no topic ${topic} yet.`, { details: { topic } });
  };

  return {
    topics: () => open()?.topics() ?? [],
    offsets: (topic) => partitionsOf(open(), topic).map(({ start, end }) => ({ start, end })),
    sizes(topic) {
      const log = open();
      return partitionsOf(log, topic).map((partition) => (log as LogFile).size(partition));
    },
    read(request) {
      const log = open();
      const partitions = partitionsOf(log, request.topic);
      checkPartition(request.topic, request.partition, partitions.length);
      const partition = partitions[request.partition] as StoredPartition;
      checkReadOffset(request, partition);
      const { start, end } = partition;
      return { messages: log?.read(partition, request) ?? [], start, end };
    },
    offsetAtTime(topic, partition, timeMs) {
      const log = open();
      const partitions = partitionsOf(log, topic);
      checkPartition(topic, partition, partitions.length);
      const found = partitions[partition] as StoredPartition;
      return log?.offsetAtTime(found, timeMs) ?? found.end;
    },
    state: () => open()?.state() ?? [],
    stateSizes: () =>
      open() === null || database === null ? { keys: {}, timers: {} } : stateSizes(database, folder),
    stateOf: (store) => open()?.stateOf(store) ?? [],
    readNewest(topic, limit, filter = {}) {
      const log = open();
      return log === null
        ? { messages: [], complete: true }
        : readNewest(log, partitionsOf(log, topic), limit, filter);
    },
    close() {
      closed = true;
      if (database?.isOpen) database.close();
      file = null;
    },
  };
}

/** Counted where it is: the entries of a node may be a million. What their keys and values look like, `engine/io.ts` says. */
const KEYS_BY_NODE = `SELECT substr(store, length('state:') + 1) AS node, count(DISTINCT json_extract(key, '$[0]')) AS count
  FROM state WHERE store >= 'state:' AND store < 'state;' GROUP BY store`;
const TIMERS_BY_NODE = `SELECT json_extract(value, '$.node') AS node, count(*) AS count
  FROM state WHERE store = 'timer' GROUP BY node`;

function stateSizes(database: DatabaseSync, folder: string): StateSizes {
  const counts = (sql: string): Record<string, number> => {
    try {
      // The columns are those of the type.
      const rows = database.prepare(sql).all() as { node: string; count: number }[];
      return Object.fromEntries(rows.map(({ node, count }) => [node, count]));
    } catch (thrown) {
      throw logError(thrown, folder);
    }
  };
  return { keys: counts(KEYS_BY_NODE), timers: counts(TIMERS_BY_NODE) };
}

/** Where the walk back through one partition stands: everything from `offset` on has been seen. */
type Walk = { partition: StoredPartition; offset: number; appendedMs: number };

/**
 * Walks all partitions backwards at once, always opening the row that was appended last. All messages of a row share
 * its time, so whole rows come in order.
 */
function readNewest(
  log: LogFile,
  partitions: StoredPartition[],
  limit: number,
  filter: NewestFilter,
): NewestMessages {
  const walks: Walk[] = [];
  for (const partition of partitions) {
    if (filter.partition !== undefined && filter.partition !== partition.partition) continue;
    const appendedMs = log.timeBefore(partition, partition.end);
    if (appendedMs !== null) walks.push({ partition, offset: partition.end, appendedMs });
  }
  walks.sort((a, b) => a.appendedMs - b.appendedMs);

  const messages: BrowsedEntry[] = [];
  let rows = 0;
  let bytes = 0;
  for (let walk = walks.pop(); walk !== undefined; walk = walks.pop()) {
    if (rows >= NEWEST_ROWS_MAX || bytes >= NEWEST_BYTES_MAX) return { messages, complete: false };
    const row = log.rowAt(walk.partition, walk.offset - 1);
    if (row === null) continue;
    rows++;
    bytes += row.bytes;
    takeNewest(row, walk, limit, filter, messages);
    if (messages.length >= limit) return { messages, complete: true };
    const appendedMs = log.timeBefore(walk.partition, row.base);
    if (appendedMs !== null) insertByTime(walks, { partition: walk.partition, offset: row.base, appendedMs });
  }
  return { messages, complete: true };
}

function takeNewest(
  row: OpenedRow,
  walk: Walk,
  limit: number,
  filter: NewestFilter,
  into: BrowsedEntry[],
): void {
  const { partition } = walk.partition;
  const end = row.indexOf(walk.offset);
  // Without a filter only as many are decoded as are wanted.
  const from = filter.key === undefined ? Math.max(0, end - (limit - into.length)) : 0;
  const decoded = row.messages(from, end);
  for (let index = decoded.length - 1; index >= 0 && into.length < limit; index--) {
    const stored = decoded[index] as StoredMessage;
    if (filter.key === undefined || stored.message.key === filter.key) into.push({ ...stored, partition });
  }
}

function insertByTime(walks: Walk[], walk: Walk): void {
  let low = 0;
  let high = walks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((walks[middle] as Walk).appendedMs <= walk.appendedMs) low = middle + 1;
    else high = middle;
  }
  walks.splice(low, 0, walk);
}
