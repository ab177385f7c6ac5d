import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { fromSqliteError } from '../sqlite/sqliteErrors.ts';
import { walDamage } from '../sqlite/walCheck.ts';
import { canonical, documentFromText, documentToText } from './documentText.ts';
import { runFromText, runToText } from './runText.ts';
import type { Store, StoredFlow, StoredRun } from './store.ts';

export const DATABASE_NAME = 'millrace.db';

/** Entry i takes the tables from version i to i + 1 (`user_version`). Released entries never change. */
const TABLE_MIGRATIONS = [
  `CREATE TABLE flows (
     id TEXT PRIMARY KEY, document TEXT NOT NULL, revision INTEGER NOT NULL, version INTEGER NOT NULL, updated_ms REAL NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE versions (
     flow_id TEXT NOT NULL REFERENCES flows (id) ON DELETE CASCADE, version INTEGER NOT NULL, document TEXT NOT NULL, published_ms REAL NOT NULL,
     PRIMARY KEY (flow_id, version)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE runs (
     id TEXT PRIMARY KEY, flow_id TEXT NOT NULL REFERENCES flows (id) ON DELETE CASCADE, created_ms REAL NOT NULL, run TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX runs_by_flow ON runs (flow_id, created_ms);`,
];

/** Keeps a write that meets another process's lock (a backup tool) from failing at once. */
const BUSY_TIMEOUT_MS = 2000;
/** Drafts of a flow are small and few; this many stay parsed in memory. */
const CACHED_FLOWS_MAX = 200;

/** Opens (or makes) `<folder>/millrace.db`. Throws STORAGE_CORRUPT, STORAGE_FULL or STORAGE_FAILED. */
export function openSqliteStore(folder: string): Store {
  const path = join(folder, DATABASE_NAME);
  return guarded(path, () => {
    const damage = walDamage(path);
    if (damage !== null) {
      throw new WorkbenchError(
        'STORAGE_CORRUPT',
        `${path}-wal is damaged: ${damage}. Restore it together with ${DATABASE_NAME} from a backup, or move it and ${DATABASE_NAME}-shm away to go on from what was written before.`,
      );
    }
    const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    try {
      // Not locked exclusively: the map of the write-ahead log must outlive a killed server, to tell damage from a torn end.
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
      database.exec('PRAGMA foreign_keys = ON');
      migrateTables(database, path);
      return createStore(database, path);
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

function migrateTables(database: DatabaseSync, path: string): void {
  const check = database.prepare('PRAGMA quick_check(1)').get()?.quick_check;
  if (check !== 'ok') {
    throw new WorkbenchError(
      'STORAGE_CORRUPT',
      `${path} is damaged (${String(check)}). Restore it from a backup, or move it away to start with an empty one.`,
    );
  }
  const current = Number(database.prepare('PRAGMA user_version').get()?.user_version);
  if (current > TABLE_MIGRATIONS.length) {
    throw new WorkbenchError(
      'STORAGE_FAILED',
      `${path} was written by a newer Millrace. Start that one, or choose another data folder.`,
    );
  }
  for (const [index, statements] of TABLE_MIGRATIONS.entries()) {
    if (index < current) continue;
    database.exec(`BEGIN IMMEDIATE; ${statements} PRAGMA user_version = ${index + 1}; COMMIT;`);
  }
}

type Row = Record<string, unknown>;

function createStore(database: DatabaseSync, path: string): Store {
  const sql = statementsOf(database);
  const cache = new Map<string, StoredFlow>();
  let isOpen = true;

  const run = <Value>(work: () => Value): Value => {
    if (!isOpen) throw new WorkbenchError('STORAGE_FAILED', 'The server is shutting down.');
    return guarded(path, work);
  };
  const remember = (flow: StoredFlow): StoredFlow => {
    cache.delete(flow.document.id);
    cache.set(flow.document.id, flow);
    const oldest = cache.keys().next();
    if (cache.size > CACHED_FLOWS_MAX && !oldest.done) cache.delete(oldest.value);
    return flow;
  };
  const readFlow = (row: Row): StoredFlow =>
    cache.get(String(row.id)) ??
    remember({
      document: documentFromText(String(row.document)),
      revision: Number(row.revision),
      version: Number(row.version),
      updatedMs: Number(row.updated_ms),
    });
  const flow = (flowId: string): StoredFlow | null => {
    const row = cache.has(flowId) ? { id: flowId } : sql.flow.get(flowId);
    return row === undefined ? null : readFlow(row);
  };
  const flowOrThrow = (flowId: string): StoredFlow => {
    const found = flow(flowId);
    if (found === null)
      throw new WorkbenchError('FLOW_NOT_FOUND', 'This flow does not exist; it may have been deleted.');
    return found;
  };

  return {
    listFlows: () => run(() => sql.flows.all().map(readFlow)),
    flow: (flowId) => run(() => flow(flowId)),
    insertFlow: (document, nowMs) =>
      run(() => {
        if (flow(document.id) !== null) {
          throw new WorkbenchError('FLOW_CONFLICT', `A flow with the id ${document.id} exists already.`);
        }
        const kept = canonical(document);
        sql.insertFlow.run(document.id, kept.text, nowMs);
        return remember({ document: kept.document, revision: 0, version: 0, updatedMs: nowMs });
      }),
    updateFlow: (document, nowMs) =>
      run(() => {
        const before = flowOrThrow(document.id);
        const revision = before.revision + 1;
        const kept = canonical(document);
        sql.updateFlow.run(kept.text, revision, nowMs, document.id);
        return remember({ document: kept.document, revision, version: before.version, updatedMs: nowMs });
      }),
    deleteFlow: (flowId) =>
      run(() => {
        sql.deleteFlow.run(flowId);
        cache.delete(flowId);
      }),
    publish: (flowId, nowMs) =>
      run(() => {
        const before = flowOrThrow(flowId);
        const text = documentToText(before.document);
        if (before.version > 0 && sql.version.get(flowId, before.version)?.document === text)
          return before.version;
        const version = before.version + 1;
        inTransaction(database, () => {
          sql.insertVersion.run(flowId, version, text, nowMs);
          sql.setVersion.run(version, flowId);
        });
        remember({ ...before, version });
        return version;
      }),
    version: (flowId, version) =>
      run(() => {
        const row = sql.version.get(flowId, version);
        return row === undefined ? null : documentFromText(String(row.document));
      }),

    insertRun: (stored) =>
      run(() => {
        const { id, flowId, createdMs } = stored.summary;
        sql.insertRun.run(id, flowId, createdMs, runToText(stored));
      }),
    updateRun: (stored) =>
      run(() => {
        sql.updateRun.run(runToText(stored), stored.summary.id);
      }),
    run: (runId) =>
      run(() => {
        const row = sql.run.get(runId);
        return row === undefined ? null : runFromText(String(row.run));
      }),
    listRuns: (flowId): StoredRun[] =>
      run(() => {
        const rows = flowId === undefined ? sql.runs.all() : sql.runsOfFlow.all(flowId);
        return rows.map((row) => runFromText(String(row.run)));
      }),
    deleteRun: (runId) =>
      run(() => {
        sql.deleteRun.run(runId);
      }),
    close: () => {
      if (!isOpen) return;
      isOpen = false;
      guarded(path, () => database.close());
    },
  };
}

function statementsOf(database: DatabaseSync): Record<StatementName, StatementSync> {
  const prepared = Object.entries(STATEMENTS).map(([name, sql]) => [name, database.prepare(sql)]);
  // Same keys, each with its statement.
  return Object.fromEntries(prepared) as Record<StatementName, StatementSync>;
}

type StatementName = keyof typeof STATEMENTS;
const STATEMENTS = {
  flows: 'SELECT id, document, revision, version, updated_ms FROM flows ORDER BY updated_ms DESC, id',
  flow: 'SELECT id, document, revision, version, updated_ms FROM flows WHERE id = ?',
  insertFlow: 'INSERT INTO flows (id, document, revision, version, updated_ms) VALUES (?, ?, 0, 0, ?)',
  updateFlow: 'UPDATE flows SET document = ?, revision = ?, updated_ms = ? WHERE id = ?',
  deleteFlow: 'DELETE FROM flows WHERE id = ?',
  version: 'SELECT document FROM versions WHERE flow_id = ? AND version = ?',
  insertVersion: 'INSERT INTO versions (flow_id, version, document, published_ms) VALUES (?, ?, ?, ?)',
  setVersion: 'UPDATE flows SET version = ? WHERE id = ?',
  insertRun: 'INSERT INTO runs (id, flow_id, created_ms, run) VALUES (?, ?, ?, ?)',
  updateRun: 'UPDATE runs SET run = ? WHERE id = ?',
  run: 'SELECT run FROM runs WHERE id = ?',
  runs: 'SELECT run FROM runs ORDER BY created_ms DESC, id',
  runsOfFlow: 'SELECT run FROM runs WHERE flow_id = ? ORDER BY created_ms DESC, id',
  deleteRun: 'DELETE FROM runs WHERE id = ?',
} as const;

function inTransaction(database: DatabaseSync, work: () => void): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    work();
    database.exec('COMMIT');
  } catch (error) {
    // A full disk may have rolled back already.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function guarded<Value>(path: string, work: () => Value): Value {
  try {
    return work();
  } catch (error) {
    throw fromSqliteError(error, path);
  }
}
