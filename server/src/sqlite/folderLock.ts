import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { fromSqliteError, isBusy } from './sqliteErrors.ts';

const LOCK_FILE = 'owner.lock';

export type FolderLock = {
  /** Idempotent. */
  release(): void;
};

/**
 * Makes this process the one owner of a folder, until `release` or its end, however it ends: the lock is the exclusive
 * lock of an empty SQLite file, which the operating system drops with the process. Nothing else may open that file,
 * because closing any handle on it would drop the lock.
 */
export function lockFolder(folder: string): FolderLock {
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(folder, { recursive: true });
    database = new DatabaseSync(path.join(folder, LOCK_FILE));
    database.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
  } catch (thrown) {
    database?.close();
    if (!isBusy(thrown)) throw fromSqliteError(thrown, `the folder ${folder}`);
    throw new WorkbenchError(
      'DATA_FOLDER_LOCKED',
      `The folder ${folder} is in use by another Millrace process. Stop that one first, or choose another folder.`,
      { cause: thrown, details: { folder } },
    );
  }
  const held = database;
  return {
    release: () => {
      if (held.isOpen) held.close();
    },
  };
}
