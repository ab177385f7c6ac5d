import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { registerStoreContractTests } from './contract/storeContract.ts';
import { DATABASE_NAME, openSqliteStore } from './sqliteStore.ts';

registerStoreContractTests({
  name: 'sqlite',
  create: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-store-'));
    return {
      store: openSqliteStore(folder),
      reopen: () => openSqliteStore(folder),
      dispose: async () => rmSync(folder, { recursive: true, force: true }),
    };
  },
});

describe('sqlite store', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-store-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('names a damaged database and says what to do', () => {
    writeFileSync(join(folder, DATABASE_NAME), 'this is no database, '.repeat(200));
    const error = thrownBy(() => openSqliteStore(folder));
    expect(error).toBeInstanceOf(WorkbenchError);
    expect(error).toMatchObject({ code: 'STORAGE_CORRUPT' });
    expect((error as Error).message).toContain(DATABASE_NAME);
    expect((error as Error).message).toContain('backup');
  });

  it('refuses a database of a newer release', () => {
    const database = new DatabaseSync(join(folder, DATABASE_NAME));
    database.exec('PRAGMA user_version = 999');
    database.close();
    expect((thrownBy(() => openSqliteStore(folder)) as Error).message).toContain('newer Millrace');
  });
});

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (thrown) {
    return thrown;
  }
  return undefined;
}
