import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { fromSqliteError, isRefusal } from '../../../sqlite/sqliteErrors.ts';
import type { Row, SqlValue } from './rows.ts';
import { CREATE_TABLE_HINT, type RowWriter, refused, unreachable } from './rowWriter.ts';
import { createTable, SQLITE, upsert } from './statements.ts';
import type { TableShape } from './tableShape.ts';

/** Another program may hold the file for a moment; the run waits no longer, because it stands still meanwhile. */
const BUSY_TIMEOUT_MS = 100;

export type SqliteTarget = { folder: string; file: string; shape: TableShape; createsTable: boolean };

/**
 * Writes to an SQLite file of the run. One transaction is one fsync and holds up this process for as long. With a
 * rollback journal the file alone is the whole database, for whoever copies it or looks into it meanwhile.
 */
export function createSqliteWriter(target: SqliteTarget): RowWriter {
  let opened: { database: DatabaseSync; insert: StatementSync } | null = null;
  const close = (): void => {
    opened?.database.close();
    opened = null;
  };
  return {
    async write(rows) {
      try {
        opened ??= open(target);
        writeAll(opened.database, opened.insert, rows);
      } catch (thrown) {
        const error = errorOf(thrown, target.file);
        if (error.code === 'DATABASE_UNREACHABLE') close();
        throw error;
      }
    },
    async close() {
      close();
    },
  };
}

function open({ folder, file, shape, createsTable }: SqliteTarget): {
  database: DatabaseSync;
  insert: StatementSync;
} {
  mkdirSync(folder, { recursive: true });
  const database = new DatabaseSync(path.join(folder, file), { timeout: BUSY_TIMEOUT_MS });
  try {
    database.exec('PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;');
    if (createsTable) database.exec(createTable(SQLITE, shape));
    return { database, insert: database.prepare(upsert(SQLITE, shape, 1)) };
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

function writeAll(database: DatabaseSync, insert: StatementSync, rows: readonly Row[]): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    for (const { values } of rows) insert.run(...values.map(bound));
    database.exec('COMMIT');
  } catch (thrown) {
    // A full disk has rolled back by itself.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw thrown;
  }
}

function bound(value: SqlValue): string | number | bigint | null {
  return typeof value === 'boolean' ? Number(value) : value;
}

function errorOf(thrown: unknown, file: string): WorkbenchError {
  if (!isRefusal(thrown)) {
    return unreachable(fromSqliteError(thrown, `the file ${file}`).message.replace(/\.$/, ''), thrown);
  }
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  const hint = reason.startsWith('no such table') ? CREATE_TABLE_HINT : '';
  return refused(`${file} refuses it: ${reason}${hint}`, thrown);
}
