import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '@millrace/shared/util/assert.ts';
import { rowChecksum } from './batchRow.ts';
import { createCheckpoints } from './checkpoints.ts';
import { logError } from './logErrors.ts';
import { guardPartitions, openLogForWriting } from './logSchema.ts';
import { createMaintenance } from './maintenance.ts';
import { createBookKeeper, type PartitionBook, readBooks } from './partitionBook.ts';
import { commitChecksum, stateChecksum } from './rowChecksums.ts';
import {
  type FromStorage,
  type GroupRow,
  rowsOf,
  type StorageSetup,
  type ToStorage,
  type WriteGroup,
} from './storageProtocol.ts';

/**
 * The storage thread of the embedded broker: the only writer of `log.db`. A group of writes is one transaction and, with
 * durability `fsync`, one fsync; nothing of it is acknowledged before, and when it fails nothing of it is kept.
 */
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
    saveCommit: database.prepare('INSERT OR REPLACE INTO commits VALUES (?, ?, ?, ?, ?)'),
    saveState: database.prepare('INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?)'),
    deleteState: database.prepare('DELETE FROM state WHERE store = ? AND key = ?'),
    checkpoint: database.prepare('PRAGMA wal_checkpoint(PASSIVE)'),
  };
  /** Next offset by partition id. */
  const ends: number[] = [];
  const books: PartitionBook[] = [];
  const saveBook = createBookKeeper(database);
  let refusedEpoch = -1;

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

  const maintenance = createMaintenance(database, inTransaction);

  const open = (topics: Extract<ToStorage, { type: 'open' }>['topics']): void => {
    inTransaction(() => {
      for (const { topic, partitions } of topics) {
        for (let partition = 0; partition < partitions; partition++) sql.addPartition.run(topic, partition);
      }
      guardPartitions(database);
    });
    books.length = 0;
    const found = readBooks(database, setup.folder);
    for (const book of found) {
      books[book.id] = book;
      ends[book.id] = book.end;
    }
    maintenance.open(topics, found);
    const partitions = found.map(({ id, topic, partition, start, end, revision, messages, bytes }) => ({
      ...{ id, topic, partition, start, end, revision, messages, bytes },
    }));
    answer({ type: 'opened', partitions });
  };

  const appendRows = (rows: GroupRow[], bytes: Uint8Array, bases: Float64Array): void => {
    for (const [index, { partitionId, count, appendedMs, start, end }] of rows.entries()) {
      const data = bytes.subarray(start, end);
      const base = ends[partitionId] as number;
      if (count > 0) {
        sql.append.run(
          partitionId,
          base,
          count,
          appendedMs,
          rowChecksum(partitionId, { base, count, removed: 0, appendedMs, offsets: null, data }),
          data,
        );
      }
      bases[index] = base;
      ends[partitionId] = base + count;
    }
  };

  /** Once the group is committed; an append that was refused leaves no trace in the books. */
  const keepBooks = (rows: GroupRow[], bases: Float64Array): void => {
    for (const [index, { partitionId, count, start, end }] of rows.entries()) {
      if (count === 0) continue;
      const book = books[partitionId] as PartitionBook;
      book.newestBase = bases[index] as number;
      book.newestMessages = count;
      book.end = book.newestBase + count;
      book.messages += count;
      book.bytes += end - start;
    }
  };

  const saveCommitsAndState = ({ commits, state }: WriteGroup): void => {
    for (let at = 0; at < commits.length; at += 4) {
      const commit = commits.slice(at, at + 4) as [string, string, number, number];
      sql.saveCommit.run(...commit, commitChecksum(...commit));
    }
    for (let at = 0; at < state.length; at += 3) {
      const [store, key, value] = state.slice(at, at + 3) as [string, string, string | null];
      if (value === null) sql.deleteState.run(store, key);
      else sql.saveState.run(store, key, value, stateChecksum(store, key, value));
    }
  };

  const write = (group: WriteGroup): void => {
    const rows = rowsOf(group);
    const bases = new Float64Array(rows.length);
    const endsBefore = ends.slice();
    try {
      inTransaction(() => {
        appendRows(rows, group.bytes, bases);
        saveCommitsAndState(group);
      });
    } catch (thrown) {
      ends.splice(0, ends.length, ...endsBefore);
      refusedEpoch = group.epoch;
      throw thrown;
    }
    keepBooks(rows, bases);
    answer({ type: 'committed', bases }, [bases.buffer]);
  };

  const seal = (): void => {
    const grown = books.filter(({ sealedEnd, end }) => sealedEnd < end);
    if (grown.length === 0) return;
    inTransaction(() => {
      for (const book of grown) saveBook({ ...book, sealedEnd: book.end });
    });
    for (const book of grown) book.sealedEnd = book.end;
  };

  const checkpoints = createCheckpoints({ setup, seal, checkpoint: () => sql.checkpoint.get() });

  const close = async (): Promise<void> => {
    await checkpoints.close();
    // The last connection to close moves everything into the file.
    try {
      seal();
    } catch {
      // Without room for it on the disk the log is only guarded less well.
    }
    database.close();
    answer({ type: 'closed' });
    port.close();
  };

  const handle = (message: ToStorage): void => {
    if (message.type === 'open') open(message.topics);
    else if (message.type === 'group') {
      if (message.epoch === refusedEpoch) throw new Error('a write before this one failed');
      write(message);
      checkpoints.written(message.bytes.length);
    } else if (message.type === 'maintain') {
      answer({ type: 'maintained', ...maintenance.slice(message.nowMs) });
    } else void close();
  };

  port.on('message', (message: ToStorage) => {
    try {
      handle(message);
    } catch (thrown) {
      answer({ type: 'failed', error: logError(thrown, setup.folder).toData() });
    }
  });
}

try {
  start();
  answer({ type: 'started' });
} catch (thrown) {
  answer({ type: 'failed', error: logError(thrown, setup.folder).toData() });
  port.close();
}
