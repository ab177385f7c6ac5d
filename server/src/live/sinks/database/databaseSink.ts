import { performance } from 'node:perf_hooks';
import { toWorkbenchError, type WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { OUT_PORT } from '@millrace/shared/flow/records/delivery.ts';
import type { FlowNodeOf } from '@millrace/shared/flow/records/node.ts';
import type { AttemptOutcome, Delivery, Emission } from '../../../engine/io.ts';
import { withVariables } from '../../variables.ts';
import { elapsedUs } from '../outcomes.ts';
import type { Sink, SinkEnvironment } from '../sink.ts';
import { createPostgresWriter } from './postgresWriter.ts';
import { type Row, rowOf } from './rows.ts';
import { type RowWriter, refused } from './rowWriter.ts';
import { createSqliteWriter } from './sqliteWriter.ts';
import { type DatabaseConfig, shapeOf } from './tableShape.ts';

/** Writes messages to rows. Throws VARIABLE_MISSING; whether the database is there shows when something is written. */
export function createDatabaseSink({ config }: FlowNodeOf<'database'>, env: SinkEnvironment): Sink {
  return new DatabaseSink(config, writerOf(config, env), env.connected.has(OUT_PORT.id));
}

function writerOf(config: DatabaseConfig, { folder, variables }: SinkEnvironment): RowWriter {
  const { target, createTable: createsTable, timeoutMs } = config;
  const shape = shapeOf(config);
  if (target.engine === 'sqlite')
    return createSqliteWriter({ folder, file: target.file, shape, createsTable });
  const connection = withVariables('Connection', target.connection, variables);
  return createPostgresWriter({ connection, shape, createsTable, timeoutMs });
}

class DatabaseSink implements Sink {
  readonly #config: DatabaseConfig;
  readonly #writer: RowWriter;
  readonly #emits: Emission[];
  #turn: Promise<unknown> = Promise.resolve();

  constructor(config: DatabaseConfig, writer: RowWriter, isConnected: boolean) {
    this.#config = config;
    this.#writer = writer;
    // The message itself goes on: the node passes through.
    this.#emits = isConnected ? [{ target: OUT_PORT.id, data: 'null' }] : [];
  }

  /** Partitions are handled side by side, their transactions one after the other. */
  invoke({ deliveries }: { deliveries: Delivery[] }): Promise<AttemptOutcome[]> {
    const mine = this.#turn.then(() => this.#write(deliveries));
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async close(): Promise<void> {
    await this.#writer.close();
  }

  async #write(deliveries: Delivery[]): Promise<AttemptOutcome[]> {
    const startedMs = performance.now();
    const { rows, misfit } = this.#rows(deliveries);
    const { done, error } = await this.#writePrefix(rows);
    const failure = error ?? misfit;
    const durationUs = elapsedUs(startedMs, done + (failure ? 1 : 0));
    const outcomes: AttemptOutcome[] = [];
    for (let i = 0; i < done; i++) {
      outcomes.push({ status: 'ok', durationUs, emits: this.#emits, state: [], timers: [], logs: [] });
    }
    if (failure) {
      const { code, message } = failure;
      outcomes.push({ status: 'failed', durationUs, error: { code, message: `${message}.` }, logs: [] });
    }
    return outcomes;
  }

  /** The rows of the deliveries up to the first that makes none. */
  #rows(deliveries: Delivery[]): { rows: Row[]; misfit: WorkbenchError | null } {
    const rows: Row[] = [];
    for (const delivery of deliveries) {
      const reading = rowOf(this.#config, delivery);
      if (!reading.ok) return { rows, misfit: refused(reading.sentence) };
      rows.push(reading.row);
    }
    return { rows, misfit: null };
  }

  /** All rows before the first that the database refuses, found by halving, in few transactions. */
  async #writePrefix(rows: readonly Row[]): Promise<{ done: number; error: WorkbenchError | null }> {
    if (rows.length === 0) return { done: 0, error: null };
    try {
      await this.#writer.write(rows);
      return { done: rows.length, error: null };
    } catch (thrown) {
      const error = toWorkbenchError(thrown);
      if (rows.length === 1 || error.code !== 'DATABASE_REFUSED') return { done: 0, error };
    }
    const half = rows.length >> 1;
    const first = await this.#writePrefix(rows.slice(0, half));
    if (first.error) return first;
    const second = await this.#writePrefix(rows.slice(half));
    return { done: half + second.done, error: second.error };
  }
}
