import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';

/** SQLite's primary result codes that call for an answer of their own. */
const SQLITE_ERROR = 1;
const SQLITE_PERM = 3;
const SQLITE_BUSY = 5;
const SQLITE_READONLY = 8;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_TOOBIG = 18;
const SQLITE_CONSTRAINT = 19;
const SQLITE_MISMATCH = 20;
const SQLITE_RANGE = 25;
const SQLITE_NOTADB = 26;
/** The map that goes with a write-ahead log could not grow: a full disk, under another name. */
const SQLITE_IOERR_SHMSIZE = 4874;

/** What SQLite threw, as an error that says what to do. `what` names the file in a sentence. */
export function fromSqliteError(thrown: unknown, what: string): WorkbenchError {
  if (thrown instanceof WorkbenchError) return thrown;
  const code = resultCodeOf(thrown);
  const cause = { cause: thrown };
  switch (code) {
    case SQLITE_FULL:
      return new WorkbenchError(
        'STORAGE_FULL',
        `The disk that holds ${what} is full: nothing was changed. Free some space and try again.`,
        { ...cause, retryable: true },
      );
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return new WorkbenchError(
        'STORAGE_CORRUPT',
        `${atStart(what)} is damaged and cannot be read. Restore it from a backup, or move it away to start with an empty one.`,
        cause,
      );
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
      return new WorkbenchError(
        'STORAGE_FAILED',
        `${atStart(what)} cannot be written. Check the permissions of its folder.`,
        cause,
      );
    case SQLITE_BUSY:
      return new WorkbenchError('STORAGE_FAILED', `${atStart(what)} is in use by another program.`, {
        ...cause,
        retryable: true,
      });
    default:
      return new WorkbenchError('STORAGE_FAILED', `${atStart(what)}: ${messageOf(thrown)}`, cause);
  }
}

const REFUSALS: ReadonlySet<number | null> = new Set([
  SQLITE_ERROR,
  SQLITE_TOOBIG,
  SQLITE_CONSTRAINT,
  SQLITE_MISMATCH,
  SQLITE_RANGE,
]);

/** True when it is the statement or its values that SQLite does not take, whatever the state of the file. */
export function isRefusal(thrown: unknown): boolean {
  return REFUSALS.has(resultCodeOf(thrown));
}

/** True when another handle holds the lock that was wanted. */
export function isBusy(thrown: unknown): boolean {
  return resultCodeOf(thrown) === SQLITE_BUSY;
}

/** Extended result codes carry the primary one in their low byte. */
export function resultCodeOf(thrown: unknown): number | null {
  if (typeof thrown !== 'object' || thrown === null || !('errcode' in thrown)) return null;
  if (thrown.errcode === SQLITE_IOERR_SHMSIZE) return SQLITE_FULL;
  return typeof thrown.errcode === 'number' ? thrown.errcode & 0xff : null;
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

function atStart(what: string): string {
  return what.charAt(0).toUpperCase() + what.slice(1);
}
