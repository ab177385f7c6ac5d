import type { DatabaseSync } from 'node:sqlite';
import type { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { StoredMessage } from '@millrace/shared/message/message.ts';
import type { CommittedOffset, PartitionSize, ReadRequest, StateEntry, TopicSpec } from '../broker.ts';
import { checkReadOffset, createReadRoom } from '../readRules.ts';
import { type BatchRow, isIntact, type OpenedRow, openRow, ROW_COLUMNS, rowEnd } from './batchRow.ts';
import { checkPartitionRow, type PartitionRow, SELECT_PARTITIONS } from './logCheck.ts';
import { corruptLog, logError } from './logErrors.ts';
import { commitChecksum, stateChecksum } from './rowChecksums.ts';
import type { StoredPartition } from './storageProtocol.ts';

/** Rows are kept, checked and unpacked, for readers that take a large one in several bites. */
const OPENED_ROWS_MAX = 64;

/** Every question that is asked of a log, over a connection that somebody else opened. */
export interface LogFile {
  /** Partitions of one topic by number. */
  partitions(topic: string): StoredPartition[];
  topics(): TopicSpec[];
  commits(): CommittedOffset[];
  state(): StateEntry[];
  /** The entries of one store. */
  stateOf(store: string): StateEntry[];
  /** What a partition holds; reads about it all that the index says. */
  size(partition: StoredPartition): PartitionSize;
  read(partition: StoredPartition, request: ReadRequest): StoredMessage[];
  offsetAtTime(partition: StoredPartition, timeMs: number): number;
  /** The row that stands for `offset`, or null at the end. */
  rowAt(partition: StoredPartition, offset: number): OpenedRow | null;
  /** Append time of the last row below `offset`. */
  timeBefore(partition: StoredPartition, offset: number): number | null;
}

type ChecksummedEntry = StateEntry & { checksum: number };

export function createLogFile(database: DatabaseSync, folder: string): LogFile {
  const sql = {
    rowAt: database.prepare(
      `SELECT ${ROW_COLUMNS} FROM batches WHERE partition_id = ? AND base_offset <= ? ORDER BY base_offset DESC LIMIT 1`,
    ),
    timeBefore: database.prepare(
      `SELECT appended_ms AS appendedMs FROM batches WHERE partition_id = ? AND base_offset < ?
       ORDER BY base_offset DESC LIMIT 1`,
    ),
    atTime: database.prepare(
      `SELECT base_offset AS base FROM batches WHERE partition_id = ? AND appended_ms >= ? AND count > 0
       ORDER BY base_offset LIMIT 1`,
    ),
    size: database.prepare(
      `SELECT coalesce(sum(count), 0) AS messages, coalesce(sum(length(data)), 0) AS bytes
       FROM batches WHERE partition_id = ?`,
    ),
    partition: database.prepare(`${SELECT_PARTITIONS} WHERE id = ?`),
    partitions: database.prepare(`${SELECT_PARTITIONS} WHERE topic = ? ORDER BY partition`),
    topics: database.prepare(
      'SELECT topic, count(*) AS partitions FROM partitions GROUP BY topic ORDER BY topic',
    ),
    commits: database.prepare(
      'SELECT consumer_group AS "group", topic, partition, next_offset AS offset, checksum FROM commits',
    ),
    state: database.prepare('SELECT store, key, value, checksum FROM state'),
    stateOf: database.prepare('SELECT store, key, value, checksum FROM state WHERE store = ?'),
  };
  const opened = new Map<number, { revision: number; row: OpenedRow }>();

  const storedPartition = (row: PartitionRow): StoredPartition => {
    checkPartitionRow(row, folder);
    const { id, topic, partition, start, end, revision } = row;
    return { id, topic, partition, start, end, revision };
  };

  const rowAt = (partition: StoredPartition, offset: number): OpenedRow | null => {
    const row = sql.rowAt.get(partition.id, offset) as BatchRow | undefined;
    if (row === undefined || offset >= rowEnd(row)) return null;
    if (!isIntact(partition.id, row)) throw damagedRow(folder, partition, row);
    try {
      return openRow(row);
    } catch (thrown) {
      throw damagedRow(folder, partition, row, thrown);
    }
  };

  /** Remembers the row that each partition is being read from: the next bite is usually of the same. */
  const rowForReading = (partition: StoredPartition, offset: number): OpenedRow | null => {
    const { id, revision } = partition;
    const known = opened.get(id);
    if (known?.revision === revision && offset >= known.row.base && offset < known.row.end) return known.row;
    const row = rowAt(partition, offset);
    opened.delete(id);
    if (row === null) return null;
    opened.set(id, { revision, row });
    const [oldest] = opened.keys();
    if (opened.size > OPENED_ROWS_MAX && oldest !== undefined) opened.delete(oldest);
    return row;
  };

  /** Retention may have been quicker than the news of it; otherwise rows follow one another without holes. */
  const missingRow = (partition: StoredPartition, request: ReadRequest, offset: number): WorkbenchError => {
    const row = sql.partition.get(partition.id) as PartitionRow | undefined;
    if (row !== undefined) checkReadOffset(request, storedPartition(row));
    return holeAt(folder, partition, offset);
  };

  const checked = (entries: ChecksummedEntry[]): StateEntry[] =>
    entries.map(({ checksum, ...entry }) => {
      if (stateChecksum(entry.store, entry.key, entry.value) === checksum) return entry;
      throw corruptLog(folder, `an entry of the state ${entry.store} has changed`);
    });

  return guarded(folder, {
    partitions: (topic) => (sql.partitions.all(topic) as unknown as PartitionRow[]).map(storedPartition),
    topics: () => sql.topics.all() as unknown as TopicSpec[],
    commits: () =>
      (sql.commits.all() as unknown as (CommittedOffset & { checksum: number })[]).map(
        ({ checksum, ...commit }) => {
          const { group, topic, partition, offset } = commit;
          if (commitChecksum(group, topic, partition, offset) === checksum) return commit;
          throw corruptLog(folder, `a committed offset of ${group} has changed`);
        },
      ),
    state: () => checked(sql.state.all() as unknown as ChecksummedEntry[]),
    stateOf: (store) => checked(sql.stateOf.all(store) as unknown as ChecksummedEntry[]),
    size: ({ id, start, end }) => ({
      start,
      end,
      ...(sql.size.get(id) as { messages: number; bytes: number }),
    }),
    offsetAtTime(partition, timeMs) {
      const found = sql.atTime.get(partition.id, timeMs) as { base: number } | undefined;
      const row = found === undefined ? null : rowAt(partition, found.base);
      return row === null ? partition.end : (row.messages(0, 1)[0]?.offset ?? row.base);
    },
    timeBefore: ({ id }, offset) =>
      (sql.timeBefore.get(id, offset) as { appendedMs: number } | undefined)?.appendedMs ?? null,
    rowAt,
    read(partition, request) {
      const messages: StoredMessage[] = [];
      const room = createReadRoom(request);
      for (let offset = request.fromOffset; offset < partition.end && !room.isFull(); ) {
        const row = rowForReading(partition, offset);
        if (row === null) {
          if (messages.length > 0) break;
          throw missingRow(partition, request, offset);
        }
        const from = row.indexOf(offset);
        const to = room.take(row, from, row.indexOf(partition.end));
        messages.push(...row.messages(from, to));
        if (to < row.count) break;
        offset = row.end;
      }
      return messages;
    },
  });
}

function damagedRow(
  folder: string,
  { topic, partition }: { topic: string; partition: number },
  row: Pick<BatchRow, 'base' | 'count' | 'removed'>,
  cause?: unknown,
): WorkbenchError {
  const { base, count } = row;
  return corruptLog(
    folder,
    `the messages of topic ${topic}, partition ${partition}, at offsets ${base} to ${rowEnd(row) - 1} have changed`,
    { cause, details: { topic, partition, offset: base, count } },
  );
}

/** Rows follow one another, so an offset below the end that has none has lost it. */
export function holeAt(
  folder: string,
  { topic, partition, end }: StoredPartition,
  offset: number,
): WorkbenchError {
  return corruptLog(
    folder,
    `topic ${topic}, partition ${partition} has nothing at offset ${offset}, though it ends at ${end}`,
    { details: { topic, partition, offset } },
  );
}

/** Puts every question behind the translation of SQLite's errors. */
function guarded(folder: string, file: LogFile): LogFile {
  const guard =
    <Args extends unknown[], Value>(ask: (...args: Args) => Value) =>
    (...args: Args): Value => {
      try {
        return ask(...args);
      } catch (thrown) {
        throw logError(thrown, folder);
      }
    };
  return {
    partitions: guard(file.partitions),
    topics: guard(file.topics),
    commits: guard(file.commits),
    state: guard(file.state),
    stateOf: guard(file.stateOf),
    size: guard(file.size),
    read: guard(file.read),
    offsetAtTime: guard(file.offsetAtTime),
    rowAt: guard(file.rowAt),
    timeBefore: guard(file.timeBefore),
  };
}
