import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '@millrace/shared/util/assert.ts';
import { logPath } from './logErrors.ts';
import type { StorageSetup } from './storageProtocol.ts';

/**
 * Moves pages from the write-ahead log into the file over a connection of its own, most of the time waiting for the
 * disk: the storage thread goes on committing meanwhile. Asked with `checkpoint`, answered with `done`.
 */
export type ToCheckpoints = 'checkpoint' | 'close';
export type FromCheckpoints = 'done';

assert(parentPort, 'the checkpoint thread is started as a worker');
const port = parentPort;
const { folder, durability } = workerData as StorageSetup;
const database = new DatabaseSync(logPath(folder));
database.exec(
  `PRAGMA synchronous = ${durability === 'fsync' ? 'FULL' : 'NORMAL'}; PRAGMA wal_autocheckpoint = 0`,
);
const checkpoint = database.prepare('PRAGMA wal_checkpoint(PASSIVE)');

port.on('message', (message: ToCheckpoints) => {
  if (message === 'close') {
    database.close();
    port.close();
    return;
  }
  try {
    checkpoint.get();
  } catch {
    // What is committed is safe where it is; the next checkpoint tries again.
  }
  port.postMessage('done' satisfies FromCheckpoints);
});
