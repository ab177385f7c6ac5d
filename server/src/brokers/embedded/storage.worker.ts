import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '@millrace/shared/util/assert.ts';
import { rowChecksum } from './batchRow.ts';
import { readPartitions } from './logFile.ts';
import { logError, openLogForWriting } from './logSchema.ts';
import {
  type FromStorage,
  ROW_APPENDED_MS,
  ROW_COUNT,
  ROW_END,
  ROW_NUMBERS,
  ROW_PARTITION_ID,
  type StorageSetup,
  type ToStorage,
  type WriteGroup,
} from './storageProtocol.ts';

/**
 * The storage thread of the embedded broker: the only writer of `log.db`. A group of writes is one transaction and, with
 * durability `fsync`, one fsync; nothing of it is acknowledged before, and when it fails nothing of it is kept.
 */
const CHECKPOINT_AFTER_BYTES = 16 * 1024 * 1024;

assert(parentPort, 'the storage thread is started as a worker');
const port = parentPort;
const setup = workerData as StorageSetup;
const answer = (message: FromStorage, transfer: ArrayBuffer[] = []): void =>
  port.postMessage(message, transfer);

function start(): void {
  const database = openLogForWriting(setup.folder, setup.durability);
  const sql = {
    begin: database.prepare('BEGIN IMMEDIATE'),
    commit: database.prepare('COMMIT'),
    rollback: database.prepare('ROLLBACK'),
    addPartition: database.prepare('INSERT OR IGNORE INTO partitions (topic, partition) VALUES (?, ?)'),
    append: database.prepare(
      'INSERT INTO batches (partition_id, base_offset, count, appended_ms, crc32, data) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    saveCommit: database.prepare('INSERT OR REPLACE INTO commits VALUES (?, ?, ?, ?)'),
    saveState: database.prepare('INSERT OR REPLACE INTO state VALUES (?, ?, ?)'),
    deleteState: database.prepare('DELETE FROM state WHERE store = ? AND key = ?'),
    checkpoint: database.prepare('PRAGMA wal_checkpoint(PASSIVE)'),
  };
  /** Next offset by partition id. */
  const ends: number[] = [];
  let refusedEpoch = -1;
  let bytesSinceCheckpoint = 0;

  const inTransaction = (change: () => void): void => {
    sql.begin.run();
    try {
      change();
      sql.commit.run();
    } catch (thrown) {
      // SQLite itself rolls back after some errors, such as a full disk in the middle of a commit.
      if (database.isTransaction) sql.rollback.run();
      throw thrown;
    }
  };

  const open = (topics: Extract<ToStorage, { type: 'open' }>['topics']): void => {
    inTransaction(() => {
      for (const { topic, partitions } of topics) {
        for (let partition = 0; partition < partitions; partition++) sql.addPartition.run(topic, partition);
      }
    });
    const partitions = readPartitions(database);
    for (const { id, end } of partitions) ends[id] = end;
    answer({ type: 'opened', partitions });
  };

  const appendRows = ({ rows, bytes }: WriteGroup, bases: Float64Array): void => {
    let start = 0;
    for (let index = 0; index < bases.length; index++) {
      const at = index * ROW_NUMBERS;
      const partitionId = rows[at + ROW_PARTITION_ID] as number;
      const count = rows[at + ROW_COUNT] as number;
      const end = rows[at + ROW_END] as number;
      const data = bytes.subarray(start, end);
      const base = ends[partitionId] as number;
      const appendedMs = rows[at + ROW_APPENDED_MS] as number;
      if (count > 0) {
        sql.append.run(
          partitionId,
          base,
          count,
          appendedMs,
          rowChecksum(partitionId, base, count, data),
          data,
        );
      }
      bases[index] = base;
      ends[partitionId] = base + count;
      start = end;
    }
  };

  const saveCommitsAndState = ({ commits, state }: WriteGroup): void => {
    for (let at = 0; at < commits.length; at += 4) {
      sql.saveCommit.run(...(commits.slice(at, at + 4) as [string, string, number, number]));
    }
    for (let at = 0; at < state.length; at += 3) {
      const [store, key, value] = state.slice(at, at + 3) as [string, string, string | null];
      if (value === null) sql.deleteState.run(store, key);
      else sql.saveState.run(store, key, value);
    }
  };

  const write = (group: WriteGroup): void => {
    const bases = new Float64Array(group.rows.length / ROW_NUMBERS);
    const endsBefore = ends.slice();
    try {
      inTransaction(() => {
        appendRows(group, bases);
        saveCommitsAndState(group);
      });
    } catch (thrown) {
      ends.splice(0, ends.length, ...endsBefore);
      refusedEpoch = group.epoch;
      throw thrown;
    }
    answer({ type: 'committed', bases }, [bases.buffer]);
    bytesSinceCheckpoint += group.bytes.length;
  };

  const checkpointWhenDue = (): void => {
    if (bytesSinceCheckpoint < CHECKPOINT_AFTER_BYTES) return;
    bytesSinceCheckpoint = 0;
    try {
      sql.checkpoint.get();
    } catch {
      // What is committed is safe where it is; the next checkpoint tries again.
    }
  };

  const handle = (message: ToStorage): void => {
    if (message.type === 'open') open(message.topics);
    else if (message.type === 'group') {
      if (message.epoch === refusedEpoch) throw new Error('a write before this one failed');
      write(message);
      checkpointWhenDue();
    } else {
      database.close();
      answer({ type: 'closed' });
      port.close();
    }
  };

  port.on('message', (message: ToStorage) => {
    try {
      handle(message);
    } catch (thrown) {
      answer({ type: 'failed', error: logError(thrown).toData() });
    }
  });
}

try {
  start();
  answer({ type: 'started' });
} catch (thrown) {
  answer({ type: 'failed', error: logError(thrown).toData() });
  port.close();
}
