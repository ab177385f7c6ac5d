import { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import type { FromCheckpoints, ToCheckpoints } from './checkpoint.worker.ts';
import { logPath } from './logErrors.ts';
import type { StorageSetup } from './storageProtocol.ts';

/**
 * The write-ahead log is emptied into the file each time it has grown by so much. While that goes to the disk, commits wait for
 * the disk: with 16 MiB one in a hundred messages took twice as long.
 */
const CHECKPOINT_AFTER_BYTES = 4 * 1024 * 1024;

export type CheckpointParts = {
  setup: StorageSetup;
  /**
   * Notes where partitions end before their pages leave the write-ahead log, whose frames are guarded, for the file, where a
   * lost page would show as a shorter log. See `logCheck.ts`.
   */
  seal(): void;
  /** Moves all that is left into the file, here and now. */
  checkpoint(): void;
};

/**
 * When the write-ahead log goes over into the file. Nearly all of it does so on another thread while writes go on; what came
 * meanwhile follows here, and is little. Only then is nothing left that the log is needed for, and the next write begins it afresh,
 * so that it stays small.
 */
export interface Checkpoints {
  /** After a write of so many bytes. */
  written(bytes: number): void;
  /** Resolves when the other thread has let go of the file. */
  close(): Promise<void>;
}

export function createCheckpoints({ setup, seal, checkpoint }: CheckpointParts): Checkpoints {
  let bytes = 0;
  let worker: Worker | null = null;
  let pin: DatabaseSync | null = null;
  let underWay = false;
  let closed = false;

  const ask = (message: ToCheckpoints): void => worker?.postMessage(message);
  /** What is written after this stays in the log: pages must not leave it before their partition is sealed. */
  const pinHere = (): void => {
    pin ??= new DatabaseSync(logPath(setup.folder), { readOnly: true });
    pin.exec('BEGIN');
    pin.prepare('SELECT id FROM partitions LIMIT 1').get();
  };
  const unpin = (): void => {
    if (pin?.isTransaction) pin.exec('COMMIT');
  };
  const finish = (): void => {
    underWay = false;
    if (closed) return;
    try {
      unpin();
      seal();
      checkpoint();
    } catch {
      // What is committed is safe where it is; the next checkpoint tries again.
    }
  };
  const begin = (): void => {
    try {
      seal();
      pinHere();
    } catch {
      // As above.
      return;
    }
    underWay = true;
    if (worker === null) {
      worker = new Worker(new URL('./checkpoint.worker.ts', import.meta.url), {
        workerData: setup,
        name: 'millrace-checkpoints',
      });
      worker.on('message', (_done: FromCheckpoints) => finish());
      // Without it the next checkpoint starts another one.
      worker.on('error', () => {
        worker = null;
        finish();
      });
    }
    ask('checkpoint');
  };

  return {
    written(more) {
      bytes += more;
      if (bytes < CHECKPOINT_AFTER_BYTES || underWay || closed) return;
      bytes = 0;
      begin();
    },
    async close() {
      closed = true;
      const running = worker;
      if (running !== null) {
        const exited = new Promise<void>((resolve) => running.once('exit', () => resolve()));
        ask('close');
        await exited;
      }
      pin?.close();
    },
  };
}
