import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { Row } from './rows.ts';

/**
 * A table of a database, for one node. It connects when there is something to write, and again after it has lost its
 * connection: a database that is away must not keep a run from starting.
 */
export interface RowWriter {
  /**
   * Writes the rows in one transaction: all or none. Rejects with DATABASE_REFUSED when the database does not take one of
   * them, with DATABASE_UNREACHABLE when it is away; after the latter, they may have been written all the same. Their
   * messages are sentences without the full stop.
   */
  write(rows: readonly Row[]): Promise<void>;
  close(): Promise<void>;
}

export const CREATE_TABLE_HINT = '. Create it, or switch on “Create the table”';

export function unreachable(message: string, cause?: unknown): WorkbenchError {
  return new WorkbenchError('DATABASE_UNREACHABLE', message, { retryable: true, cause });
}

export function refused(message: string, cause?: unknown): WorkbenchError {
  return new WorkbenchError('DATABASE_REFUSED', message, { cause });
}
