import type { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { Client, DatabaseError } from 'pg';
import { lastOfEachKey, type Row, type SqlValue } from './rows.ts';
import { CREATE_TABLE_HINT, type RowWriter, refused, unreachable } from './rowWriter.ts';
import { createTable, POSTGRES, upsert } from './statements.ts';
import type { TableShape } from './tableShape.ts';

export type PostgresTarget = {
  /** With its secrets: never part of what is said. */
  connection: string;
  shape: TableShape;
  createsTable: boolean;
  timeoutMs: number;
};

/** Classes of SQLSTATE that are not about a row: connection, login, no such database, busy, resources, shutdown, system. */
const NOT_ABOUT_ROWS = new Set(['08', '28', '3D', '40', '53', '55', '57', '58', 'XX']);
/** A standby that takes no writes, as after a failover. */
const READ_ONLY = '25006';

/** Writes to PostgreSQL over one connection, all rows of a transaction in one statement. */
export function createPostgresWriter(target: PostgresTarget): RowWriter {
  return new PostgresWriter(target);
}

class PostgresWriter implements RowWriter {
  readonly #target: PostgresTarget;
  #client: Client | null = null;
  #isClosed = false;

  constructor(target: PostgresTarget) {
    this.#target = target;
  }

  async write(rows: readonly Row[]): Promise<void> {
    const { shape } = this.#target;
    try {
      this.#client ??= await this.#connect();
      const kept = lastOfEachKey(rows, shape.isOrdered);
      // A statement is a transaction of its own.
      await this.#client.query(
        upsert(POSTGRES, shape, kept.length),
        kept.flatMap(({ values }) => values.map(bound)),
      );
    } catch (thrown) {
      const error = this.#errorOf(thrown);
      if (error.code === 'DATABASE_UNREACHABLE') this.#drop();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const client = this.#client;
    this.#client = null;
    await client?.end().catch(() => undefined);
  }

  async #connect(): Promise<Client> {
    const { connection, shape, createsTable, timeoutMs } = this.#target;
    const client = new Client({
      connectionString: connection,
      application_name: 'millrace',
      connectionTimeoutMillis: timeoutMs,
      statement_timeout: timeoutMs,
      // The server cannot keep its own limit when it is the connection that hangs.
      query_timeout: timeoutMs + QUERY_GRACE_MS,
      keepAlive: true,
    });
    // Without a listener, a connection that is lost while nothing is asked would end the process.
    client.on('error', () => {
      if (this.#client === client) this.#client = null;
    });
    try {
      await client.connect();
      if (createsTable) await client.query(createTable(POSTGRES, shape));
    } catch (thrown) {
      void client.end().catch(() => undefined);
      throw thrown;
    }
    if (this.#isClosed) {
      await client.end();
      throw unreachable('The run has ended.');
    }
    return client;
  }

  #drop(): void {
    const client = this.#client;
    this.#client = null;
    void client?.end().catch(() => undefined);
  }

  #errorOf(thrown: unknown): WorkbenchError {
    const reason = this.#withoutSecrets(reasonOf(thrown));
    if (thrown instanceof DatabaseError) {
      const state = thrown.code ?? '';
      if (!NOT_ABOUT_ROWS.has(state.slice(0, 2)) && state !== READ_ONLY) {
        const hint = state === UNDEFINED_TABLE ? CREATE_TABLE_HINT : '';
        return refused(`PostgreSQL refuses it: ${reason}${hint}`, thrown);
      }
    }
    return unreachable(`PostgreSQL cannot be used: ${reason}. It is tried again as the retries say`, thrown);
  }

  /** A driver may quote what it was given. */
  #withoutSecrets(text: string): string {
    const { connection } = this.#target;
    const secrets = [connection, passwordOf(connection)].filter((secret) => secret !== '');
    return secrets.reduce((clean, secret) => clean.replaceAll(secret, '…'), text);
  }
}

const QUERY_GRACE_MS = 1000;
const UNDEFINED_TABLE = '42P01';

function bound(value: SqlValue): string | number | boolean | null {
  return typeof value === 'bigint' ? value.toString() : value;
}

function passwordOf(connection: string): string {
  try {
    return decodeURIComponent(new URL(connection).password);
  } catch {
    return '';
  }
}

function reasonOf(thrown: unknown): string {
  // One failure for each address of a name with several.
  const [first] = thrown instanceof AggregateError ? (thrown.errors as unknown[]) : [];
  if (first !== undefined) return reasonOf(first);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return message.replace(/\.$/, '');
}
