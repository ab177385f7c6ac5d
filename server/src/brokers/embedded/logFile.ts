import type { DatabaseSync } from 'node:sqlite';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { StoredMessage } from '@millrace/shared/message/message.ts';
import type { CommittedOffset, ReadRequest, StateEntry, TopicSpec } from '../broker.ts';
import { messageBytes } from '../readRules.ts';
import { openBatch } from './batchCodec.ts';
import { rowChecksum } from './batchRow.ts';
import { logError } from './logSchema.ts';
import type { StoredPartition } from './storageProtocol.ts';

/** Rows are kept, checked and unpacked, for readers that take a large one in several bites. */
const OPENED_ROWS_MAX = 64;

export type OpenedRow = {
  partitionId: number;
  base: number;
  count: number;
  appendedMs: number;
  bytes: number;
  /** Messages at indexes from … to of this row. */
  messages(from: number, to: number): StoredMessage[];
};

/** Every question that is asked of a log, over a connection that somebody else opened. */
export interface LogFile {
  /** Partitions of one topic by number. */
  partitions(topic: string): StoredPartition[];
  topics(): TopicSpec[];
  commits(): CommittedOffset[];
  state(): StateEntry[];
  read(partition: StoredPartition, request: ReadRequest): StoredMessage[];
  offsetAtTime(partition: StoredPartition, timeMs: number): number;
  /** The row that holds `offset`, or null at the end. */
  rowAt(partition: StoredPartition, offset: number): OpenedRow | null;
  /** Append time of the last row below `offset`. */
  timeBefore(partition: StoredPartition, offset: number): number | null;
}

const PARTITIONS = `SELECT id, topic, partition, first_offset AS start, coalesce((
    SELECT base_offset + count FROM batches WHERE partition_id = partitions.id ORDER BY base_offset DESC LIMIT 1
  ), first_offset) AS end FROM partitions`;

/** Every partition there is. */
export function readPartitions(database: DatabaseSync): StoredPartition[] {
  // The columns are those of the type; the same holds for the casts below.
  return database.prepare(`${PARTITIONS} ORDER BY topic, partition`).all() as unknown as StoredPartition[];
}

type Row = { base: number; count: number; appendedMs: number; crc: number; data: Uint8Array };

const ROW = 'base_offset AS base, count, appended_ms AS appendedMs, crc32 AS crc, data';

export function createLogFile(database: DatabaseSync): LogFile {
  const sql = {
    rowAt: database.prepare(
      `SELECT ${ROW} FROM batches WHERE partition_id = ? AND base_offset <= ? ORDER BY base_offset DESC LIMIT 1`,
    ),
    timeBefore: database.prepare(
      `SELECT appended_ms AS appendedMs FROM batches WHERE partition_id = ? AND base_offset < ?
       ORDER BY base_offset DESC LIMIT 1`,
    ),
    atTime: database.prepare(
      `SELECT base_offset AS base FROM batches WHERE partition_id = ? AND appended_ms >= ? ORDER BY base_offset LIMIT 1`,
    ),
    partitions: database.prepare(`${PARTITIONS} WHERE topic = ? ORDER BY partition`),
    topics: database.prepare(
      'SELECT topic, count(*) AS partitions FROM partitions GROUP BY topic ORDER BY topic',
    ),
    commits: database.prepare(
      'SELECT consumer_group AS "group", topic, partition, next_offset AS offset FROM commits',
    ),
    state: database.prepare('SELECT store, key, value FROM state'),
  };
  const opened = new Map<string, OpenedRow>();

  const rowAt = ({ id, topic, partition }: StoredPartition, offset: number): OpenedRow | null => {
    const row = sql.rowAt.get(id, offset) as Row | undefined;
    if (row === undefined || offset >= row.base + row.count) return null;
    const damaged = (cause?: unknown): WorkbenchError =>
      new WorkbenchError(
        'STORAGE_CORRUPT',
        `The message log is damaged in topic ${topic}, partition ${partition}, at offsets ${row.base} to ${row.base + row.count - 1}. The disk or another program changed it; what is below is readable.`,
        { cause, details: { topic, partition, offset: row.base, count: row.count } },
      );
    if (rowChecksum(id, row.base, row.count, row.data) !== row.crc) throw damaged();
    return { ...unpack(row, damaged), partitionId: id };
  };

  /** Remembers the row that each partition is being read from: the next bite is usually of the same. */
  const rowForReading = (partition: StoredPartition, offset: number): OpenedRow | null => {
    const key = String(partition.id);
    const known = opened.get(key);
    if (known && offset >= known.base && offset < known.base + known.count) return known;
    const row = rowAt(partition, offset);
    opened.delete(key);
    if (row === null) return null;
    opened.set(key, row);
    const [oldest] = opened.keys();
    if (opened.size > OPENED_ROWS_MAX && oldest !== undefined) opened.delete(oldest);
    return row;
  };

  return guarded({
    partitions: (topic) => sql.partitions.all(topic) as unknown as StoredPartition[],
    topics: () => sql.topics.all() as unknown as TopicSpec[],
    commits: () => sql.commits.all() as unknown as CommittedOffset[],
    state: () => sql.state.all() as unknown as StateEntry[],
    offsetAtTime: ({ id, end }, timeMs) =>
      (sql.atTime.get(id, timeMs) as { base: number } | undefined)?.base ?? end,
    timeBefore: ({ id }, offset) =>
      (sql.timeBefore.get(id, offset) as { appendedMs: number } | undefined)?.appendedMs ?? null,
    rowAt,
    read(partition, { fromOffset, messagesMax, bytesMax }) {
      const messages: StoredMessage[] = [];
      let bytes = 0;
      for (let offset = fromOffset; offset < partition.end; ) {
        const row = rowForReading(partition, offset);
        if (row === null) throw hole(partition, offset);
        // The mean size of a row's messages says about how many of them fit; they are counted exactly below.
        const fitting = Math.ceil((bytesMax - bytes) / Math.max(1, row.bytes / row.count));
        const index = offset - row.base;
        const wanted = Math.max(1, Math.min(messagesMax - messages.length, fitting, partition.end - offset));
        for (const stored of row.messages(index, Math.min(row.count, index + wanted))) {
          bytes += messageBytes(stored.message);
          if (messages.length > 0 && (messages.length >= messagesMax || bytes > bytesMax)) return messages;
          messages.push(stored);
        }
        offset = fromOffset + messages.length;
        if (messages.length >= messagesMax || bytes >= bytesMax) break;
      }
      return messages;
    },
  });
}

function unpack(row: Row, damaged: (cause: unknown) => WorkbenchError): Omit<OpenedRow, 'partitionId'> {
  const { base, count, appendedMs, data } = row;
  try {
    const batch = openBatch(data);
    if (batch.count !== count) throw new Error(`the row has ${count} messages, its bytes ${batch.count}`);
    return {
      base,
      count,
      appendedMs,
      bytes: data.length,
      messages: (from, to) =>
        batch.messages(from, to).map((message, index) => ({
          message,
          offset: base + from + index,
          appendedAtMs: appendedMs,
        })),
    };
  } catch (thrown) {
    throw damaged(thrown);
  }
}

function hole({ topic, partition, end }: StoredPartition, offset: number): WorkbenchError {
  return new WorkbenchError(
    'STORAGE_CORRUPT',
    `The message log is damaged: topic ${topic}, partition ${partition} has no message at offset ${offset}, though it ends at ${end}.`,
    { details: { topic, partition, offset } },
  );
}

/** Puts every question behind the translation of SQLite's errors. */
function guarded(file: LogFile): LogFile {
  const guard =
    <Args extends unknown[], Value>(ask: (...args: Args) => Value) =>
    (...args: Args): Value => {
      try {
        return ask(...args);
      } catch (thrown) {
        throw logError(thrown);
      }
    };
  return {
    partitions: guard(file.partitions),
    topics: guard(file.topics),
    commits: guard(file.commits),
    state: guard(file.state),
    read: guard(file.read),
    offsetAtTime: guard(file.offsetAtTime),
    rowAt: guard(file.rowAt),
    timeBefore: guard(file.timeBefore),
  };
}
