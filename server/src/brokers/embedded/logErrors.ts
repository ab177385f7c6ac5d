import path from 'node:path';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { fromSqliteError, resultCodeOf } from '../../sqlite/sqliteErrors.ts';

export const logPath = (folder: string): string => path.join(folder, 'log.db');
export const walPath = (folder: string): string => path.join(folder, 'log.db-wal');
/** What a repair writes before it takes the place of `log.db`. */
export const repairedPath = (folder: string): string => path.join(folder, 'log.db.repaired');
/** The map that SQLite keeps of a write-ahead log, for as long as somebody has it open. */
export const walMapPath = (folder: string): string => path.join(folder, 'log.db-shm');

/**
 * SQLite's codes for what our own statements, which do not vary, can only meet in a file that somebody else changed: no
 * such table or column, a text that is no schema, a length or a type that cannot be.
 */
const STRANGE_CODES = new Set([1, 18, 20, 24]);

/** Whatever SQLite or our own checks threw about the log in `folder`, as an error of ours. */
export function logError(thrown: unknown, folder: string): WorkbenchError {
  if (thrown instanceof WorkbenchError) return thrown;
  const error = fromSqliteError(thrown, 'the message log of this run');
  const isStrange = STRANGE_CODES.has(resultCodeOf(thrown) ?? 0);
  if (error.code !== 'STORAGE_CORRUPT' && !isStrange) return error;
  const why = thrown instanceof Error ? ` (${thrown.message})` : '';
  return corruptLog(folder, `its structure cannot be read${why}`, { cause: thrown });
}

/** `what` is damaged, as the rest of a sentence about the file. */
export function corruptLog(
  folder: string,
  what: string,
  {
    file = logPath(folder),
    cause,
    details,
  }: { file?: string; cause?: unknown; details?: Record<string, unknown> } = {},
): WorkbenchError {
  return new WorkbenchError(
    'STORAGE_CORRUPT',
    `The message log ${file} is damaged: ${what}. Nothing was changed. Stop the run and use "millrace repair ${folder}" to save what can be read.`,
    { cause, details: { file: path.basename(file), ...details } },
  );
}
