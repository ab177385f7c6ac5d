import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { badOf, deliveryOf, invocationOf, okOf } from '../../../sandbox/contract/deliveries.ts';
import { until } from '../../../testing/until.ts';
import { testNode } from '../../testNodes.ts';
import type { Sink } from '../sink.ts';
import { createDatabaseSink } from './databaseSink.ts';
import { createTestPostgres, POSTGRES_BIN, type TestPostgres } from './testing/testPostgres.ts';

type Config = NonNullable<Parameters<typeof testNode<'database'>>[1]>;
type Rows = Record<string, unknown>[];
/** A database under test, emptied before each test. */
type Subject = {
  target(): Config['target'];
  variables: Record<string, string>;
  query(sql: string): Promise<Rows>;
};

let folder: string;
const sinks: Sink[] = [];
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-database-'));
});
afterEach(async () => {
  await Promise.all(sinks.splice(0).map((sink) => sink.close()));
  await rm(folder, { recursive: true });
});

function open(subject: Subject, config: Config = {}, connected = true): Sink {
  const sink = createDatabaseSink(testNode('database', { target: subject.target(), ...config }), {
    folder,
    connected: new Set(connected ? ['out'] : []),
    variables: subject.variables,
  });
  sinks.push(sink);
  return sink;
}

/** `[payload, key]` pairs; each is a message of its own id, offset and time, counted from `from`. */
const write = (sink: Sink, payloads: unknown[], from = 0) =>
  sink.invoke(
    invocationOf(
      'node:database',
      payloads.map((data, index) => deliveryOf(data, from + index)),
    ),
    0,
  );

const statuses = async (outcomes: ReturnType<typeof write>) => (await outcomes).map(({ status }) => status);

const byId: Config = { rowKey: { from: 'payload', path: 'id' } };
const inColumns: Config = {
  ...byId,
  table: 'orders',
  keyColumn: 'order_id',
  columns: {
    as: 'columns',
    columns: [
      { name: 'customer', path: 'customer.name', type: 'text' },
      { name: 'amount', path: 'amount', type: 'integer' },
      { name: 'rate', path: 'rate', type: 'real' },
      { name: 'paid', path: 'paid', type: 'boolean' },
      { name: 'lines', path: 'lines', type: 'json' },
    ],
  },
};

/** What holds for every database alike. */
function describeRows(subject: Subject): void {
  it('[KD15] makes a row of each message, once however often it is handled, and passes the message on', async () => {
    const sink = open(subject);
    const outcomes = await write(sink, [{ n: 1 }, { n: 2 }]);
    expect(outcomes.map((outcome) => okOf(outcome).emits)).toEqual([
      [{ target: 'out', data: 'null' }],
      [{ target: 'out', data: 'null' }],
    ]);
    await write(sink, [{ n: 1 }, { n: 2 }]);
    expect(await subject.query('SELECT id FROM messages ORDER BY id')).toEqual([
      { id: 'message-0' },
      { id: 'message-1' },
    ]);
  });

  it('[KD15] replaces the row of a key, also within one batch', async () => {
    const sink = open(subject, inColumns);
    await write(sink, [
      { id: 1, amount: 1 },
      { id: 2, amount: 2 },
      { id: 1, amount: 3 },
    ]);
    await write(sink, [{ id: 2, amount: 4 }]);
    expect(await subject.query('SELECT order_id, amount FROM orders ORDER BY order_id')).toEqual([
      { order_id: '1', amount: expect.toSatisfy((amount) => Number(amount) === 3) },
      { order_id: '2', amount: expect.toSatisfy((amount) => Number(amount) === 4) },
    ]);
  });

  it('[KD16] maps paths to columns, and makes NULL of what is missing', async () => {
    const sink = open(subject, inColumns);
    const full = { id: 'a', customer: { name: "O'Neil" }, amount: 7, rate: 0.5, paid: true, lines: [1, 'x'] };
    await write(sink, [full, { id: 'b' }]);
    const [a, b] = await subject.query('SELECT * FROM orders ORDER BY order_id');
    expect([a?.customer, Number(a?.amount), Number(a?.rate), Boolean(a?.paid)]).toEqual([
      "O'Neil",
      7,
      0.5,
      true,
    ]);
    expect(typeof a?.lines === 'string' ? JSON.parse(a.lines) : a?.lines).toEqual([1, 'x']);
    expect(b).toEqual({ order_id: 'b', customer: null, amount: null, rate: null, paid: null, lines: null });
  });

  it('[KD20] takes values for values, whatever SQL they look like', async () => {
    const sink = open(subject, inColumns);
    const evil = `'); DROP TABLE orders; --"`;
    await write(sink, [{ id: evil, customer: { name: evil } }]);
    expect(await subject.query('SELECT order_id, customer FROM orders')).toEqual([
      { order_id: evil, customer: evil },
    ]);
  });

  it('[KD16] [KD19] refuses a row that does not fit and keeps those before it', async () => {
    const sink = open(subject, inColumns);
    const outcomes = await write(sink, [
      { id: 1, amount: 1 },
      { id: 2, amount: 2 },
      { id: 3, amount: 'x' },
      { id: 4 },
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['ok', 'ok', 'failed']);
    expect(badOf(outcomes[2]).error).toEqual({
      code: 'DATABASE_REFUSED',
      message: 'amount: "x" is no whole number of 64 bits.',
    });
    expect(await subject.query('SELECT order_id FROM orders ORDER BY order_id')).toHaveLength(2);
  });

  it('[KD19] finds the one row of a batch that the database refuses', async () => {
    await subject.query(
      'CREATE TABLE orders (order_id TEXT PRIMARY KEY, amount INTEGER CHECK (amount < 100))',
    );
    const columns: Config['columns'] = {
      as: 'columns',
      columns: [{ name: 'amount', path: 'amount', type: 'integer' }],
    };
    for (const bad of [0, 1, 6, 12]) {
      const sink = open(subject, { ...inColumns, columns });
      const payloads = Array.from({ length: 13 }, (_, n) => ({
        id: `${bad}/${String(n).padStart(2, '0')}`,
        amount: n === bad ? 100 : n,
      }));
      const outcomes = await write(sink, payloads);
      expect(outcomes).toHaveLength(bad + 1);
      expect(badOf(outcomes[bad]).error.code).toBe('DATABASE_REFUSED');
      expect(await subject.query(`SELECT order_id FROM orders WHERE order_id LIKE '${bad}/%'`)).toHaveLength(
        bad,
      );
    }
  });

  it('[KD19] says what to do about a table that is missing', async () => {
    const [outcome] = await write(open(subject, { createTable: false }), [{}]);
    expect(badOf(outcome).error).toMatchObject({
      code: 'DATABASE_REFUSED',
      message: expect.stringMatching(/messages.*Create the table/),
    });
  });

  it.each(['offset', 'time'] as const)(
    '[KD17] no older message overwrites a newer one, by %s',
    async (newerWins) => {
      const sink = open(subject, { ...inColumns, newerWins });
      const of = (n: number) => [{ id: 'a', amount: n }];
      await write(sink, of(5), 5);
      expect(await statuses(write(sink, of(3), 3))).toEqual(['ok']);
      expect(Number((await subject.query('SELECT amount FROM orders'))[0]?.amount)).toBe(5);
      await write(sink, of(8), 8);
      await write(sink, [...of(9), ...of(10)], 9);
      expect(Number((await subject.query('SELECT amount FROM orders'))[0]?.amount)).toBe(10);
    },
  );

  it('[KD17] takes a row that somebody else has written for the oldest', async () => {
    await open(subject, { ...inColumns, newerWins: 'time' }).invoke(
      invocationOf('node:database', [deliveryOf({ id: 'first', amount: 1 })]),
      0,
    );
    await subject.query('UPDATE orders SET message_order = NULL');
    await write(open(subject, { ...inColumns, newerWins: 'time' }), [{ id: 'first', amount: 2 }]);
    expect(Number((await subject.query('SELECT amount FROM orders'))[0]?.amount)).toBe(2);
  });

  it('passes nothing on where the output leads nowhere', async () => {
    expect(okOf((await write(open(subject, {}, false), [{}]))[0]).emits).toEqual([]);
  });

  it('writes invocations that run side by side one after the other', async () => {
    const sink = open(subject);
    await Promise.all(Array.from({ length: 10 }, (_, n) => write(sink, [{ n }, { n }], n * 2)));
    expect(await subject.query('SELECT id FROM messages')).toHaveLength(20);
  });
}

describe('SQLite', () => {
  const file = () => path.join(folder, 'files.db');
  const subject: Subject = {
    target: () => ({ engine: 'sqlite', file: 'files.db' }),
    variables: {},
    async query(sql) {
      const database = new DatabaseSync(file());
      try {
        return database
          .prepare(sql)
          .all()
          .map((row) => ({ ...row }));
      } finally {
        database.close();
      }
    },
  };
  describeRows(subject);

  it('[KD16] keeps a payload in one column byte for byte', async () => {
    const delivery = deliveryOf({});
    delivery.message.data = '{"big": 12345678901234567890}';
    await open(subject).invoke(invocationOf('node:database', [delivery]), 0);
    expect(await subject.query('SELECT data FROM messages')).toEqual([
      { data: '{"big": 12345678901234567890}' },
    ]);
  });

  it('lets two nodes write to tables of one file', async () => {
    await write(open(subject, { table: 'a' }), [{}]);
    await write(open(subject, { table: 'b' }), [{}]);
    expect(await subject.query('SELECT a.id FROM a JOIN b ON a.id = b.id')).toHaveLength(1);
  });

  it('[KD18] fails while another program holds the file, and goes on afterwards', async () => {
    const sink = open(subject);
    await write(sink, [{}]);
    const other = new DatabaseSync(file());
    other.exec('BEGIN EXCLUSIVE');
    const { status, error } = badOf((await write(sink, [{}], 1))[0]);
    expect([status, error.code]).toEqual(['failed', 'DATABASE_UNREACHABLE']);
    expect(error.message).toBe('The file files.db is in use by another program.');
    other.exec('ROLLBACK');
    other.close();
    expect(await statuses(write(sink, [{}], 1))).toEqual(['ok']);
  });

  it('[KD18] says that a file is no database, and leaves it as it is', async () => {
    await writeFile(file(), 'x'.repeat(10_000));
    const { error } = badOf((await write(open(subject), [{}]))[0]);
    expect(error).toMatchObject({
      code: 'DATABASE_UNREACHABLE',
      message: expect.stringContaining('damaged'),
    });
    expect(await readFile(file(), 'utf8')).toBe('x'.repeat(10_000));
  });
});

describe.skipIf(POSTGRES_BIN === undefined)('PostgreSQL', () => {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await createTestPostgres(POSTGRES_BIN as string);
    await postgres.start();
  }, 60_000);
  afterAll(() => postgres?.remove());
  beforeEach(async () => {
    await postgres.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  });
  const subject: Subject = {
    target: () => ({ engine: 'postgres', connection: '${FLOW_DATABASE}' }),
    get variables() {
      return { FLOW_DATABASE: postgres.connection };
    },
    query: (sql) => postgres.query(sql),
  };
  describeRows(subject);

  it('[KD15] fits values to the types of a table that is there', async () => {
    await postgres.query(
      'CREATE TABLE orders (order_id bigint PRIMARY KEY, amount numeric(10,2), at timestamptz, tags text[])',
    );
    const columns: Config['columns'] = {
      as: 'columns',
      columns: [
        { name: 'amount', path: 'amount', type: 'real' },
        { name: 'at', path: 'at', type: 'text' },
      ],
    };
    const sink = open(subject, { ...inColumns, columns });
    expect(
      await statuses(
        write(sink, [{ id: 1, amount: 1.5, at: '2026-01-01T00:00:00Z' }, { id: '02', amount: 2 }, { id: 2 }]),
      ),
    ).toEqual(['ok', 'ok', 'ok']);
    expect(await postgres.query('SELECT order_id, amount, at FROM orders ORDER BY order_id')).toEqual([
      { order_id: '1', amount: '1.50', at: new Date('2026-01-01T00:00:00Z') },
      { order_id: '2', amount: null, at: null },
    ]);
  });

  it('[KD19] refuses what PostgreSQL cannot hold', async () => {
    const [outcome] = await write(open(subject), [{ text: 'a\u0000b' }]);
    expect(badOf(outcome).error.code).toBe('DATABASE_REFUSED');
  });

  it('[KD18] fails while the database is down, connects again when it is back, and doubles nothing', async () => {
    const sink = open(subject, { timeoutMs: 2000 });
    expect(await statuses(write(sink, [{ n: 0 }]))).toEqual(['ok']);
    await postgres.kill();
    const { status, error } = badOf((await write(sink, [{ n: 0 }, { n: 1 }]))[0]);
    expect([status, error.code]).toEqual(['failed', 'DATABASE_UNREACHABLE']);
    expect(badOf((await write(sink, [{ n: 0 }, { n: 1 }]))[0]).error.message).toMatch(/ECONNREFUSED|refused/);
    await postgres.start();
    expect(await statuses(write(sink, [{ n: 0 }, { n: 1 }]))).toEqual(['ok', 'ok']);
    expect(await postgres.query('SELECT id FROM messages')).toHaveLength(2);
  });

  it('[KD18] gives up a statement that takes too long', async () => {
    const sink = open(subject, { timeoutMs: 300 });
    await write(sink, [{}]);
    const blocked = postgres.query('BEGIN; LOCK messages; SELECT pg_sleep(2); COMMIT');
    await until('the table to be locked', async () => {
      const [lock] = await postgres.query(
        "SELECT 1 FROM pg_locks WHERE relation = 'messages'::regclass AND mode = 'AccessExclusiveLock' AND granted",
      );
      return lock;
    });
    const { error } = badOf((await write(sink, [{}], 1))[0]);
    expect(error).toMatchObject({
      code: 'DATABASE_UNREACHABLE',
      message: expect.stringContaining('timeout'),
    });
    await blocked;
  });

  it('[KD20] says nothing of its secrets', async () => {
    const wrong = postgres.connection.replace(/postgres$/, 'nothing-there');
    for (const connection of [
      wrong,
      `postgres://app:${postgres.password}@127.0.0.1:1/x`,
      `no url ${postgres.password}`,
    ]) {
      const sink = open({ ...subject, variables: { FLOW_DATABASE: connection } }, { timeoutMs: 2000 });
      const { error } = badOf((await write(sink, [{}]))[0]);
      expect(error.code).toBe('DATABASE_UNREACHABLE');
      expect(JSON.stringify(error)).not.toContain(postgres.password);
    }
  });
});
