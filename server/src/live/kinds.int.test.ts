import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { flow } from '../simulator/testing/flowBuilder.ts';
import { createTestPostgres, POSTGRES_BIN } from './sinks/database/testing/testPostgres.ts';
import { createTestSupervisor } from './testing/testSupervisor.ts';

let test: Awaited<ReturnType<typeof createTestSupervisor>>;
beforeEach(async () => {
  test = await createTestSupervisor();
});
afterEach(() => test.remove());

const AT_ONCE = {
  attemptsMax: 50,
  backoff: 'fixed',
  delayMs: 50,
  delayMsMax: 50,
  jitter: 0,
  order: 'in-order',
  exceptFor: '',
} as const;

/** Numbers from 0 with a key each, in a topic of two partitions, before the nodes of a test. */
const numbers = (count: number, ratePerSecond = 2000) =>
  flow()
    .node('generator', 'src', { count, ratePerSecond, payload: '{"n":"{{index}}"}', key: '{{index}}' })
    .node('topic', 'in', { partitions: 2 })
    .edges('src > in');

const range = (count: number) => Array.from({ length: count }, (_, n) => n);
const inOrder = (values: unknown[]) => (values as number[]).toSorted((a, b) => a - b);

function rowsOf(file: string, sql: string): Record<string, unknown>[] {
  const database = new DatabaseSync(path.join(test.supervisor.folderOf('run:test'), 'files', file), {
    readOnly: true,
  });
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
}

/** Kills the process of the run once a node has handled so many, and waits for the next one to report. */
async function killAt(node: string, handled: number): Promise<void> {
  await test.whenMetrics(`${handled} messages`, ({ nodes }) => (nodes[node]?.in ?? 0) >= handled);
  const last = test.metrics();
  await test.kill();
  await test.whenMetrics('the next process', (metrics) => metrics !== last);
}

describe('a run', () => {
  it('[KD1] [KD2] transforms with an expression, and drops what it leaves out', async () => {
    await test.start(
      numbers(100)
        .node('transform', 'even', {
          expression: 'event.data.n % 2 === 0 ? { half: event.data.n / 2 } : undefined // odd ones go',
          eventType: 'test.halved',
        })
        .node('topic', 'halves')
        .node('file', 'sink', { path: 'halves.jsonl', content: 'cloudevents' })
        .edges('in > even', 'even > halves', 'halves > sink')
        .document(),
    );
    expect((await test.whenOver()).status).toBe('completed');
    const lines = await test.lines('halves.jsonl');
    expect(inOrder(lines.map(({ data }) => (data as { half: number }).half))).toEqual(range(50));
    expect(lines.every((line) => (line as { type?: string }).type === 'test.halved')).toBe(true);
    const { nodes } = test.metrics() ?? {};
    expect(nodes?.['node:even']).toMatchObject({ in: 100, out: 50, failed: 0 });
  });

  it('[KD2] names the line of an expression that throws', async () => {
    await test.start(
      numbers(1)
        .node('transform', 't', {
          expression: '({ n: event.data.n,\nmore: event.missing.field })',
          afterLastAttempt: 'stop',
          retry: { ...AT_ONCE, attemptsMax: 1 },
        })
        .edges('in > t')
        .document(),
    );
    const { status, error } = await test.whenOver();
    expect(status).toBe('failed');
    expect(error?.message).toMatch(/Cannot read properties of undefined.*:2:\d+\)/);
  });

  it('[KD4] throttles without touching a message', async () => {
    await test.start(
      numbers(20)
        .node('throttle', 't', { ratePerSecond: 100_000, burst: 100 })
        .node('topic', 'out')
        .node('file', 'sink', { path: 'out.jsonl', content: 'data' })
        .edges('in > t', 't > out', 'out > sink')
        .document(),
    );
    expect((await test.whenOver()).status).toBe('completed');
    const lines = (await test.lines('out.jsonl')) as unknown as { n: number }[];
    expect(inOrder(lines.map(({ n }) => n))).toEqual(range(20));
  });

  it('[KD6] batches every message exactly once, though its process is killed', async () => {
    // Long after the last kill, so that none comes when all is done already.
    const count = 4000;
    await test.start(
      numbers(count, 1000)
        .node('batch', 'b', { items: 37, waitMs: 200 })
        .node('topic', 'out', { partitions: 1 })
        .node('file', 'sink', { path: 'out.jsonl', content: 'data' })
        .edges('in > b', 'b > out', 'out > sink')
        .document(),
    );
    for (const made of [200, 800, 1400]) await killAt('node:b', made);
    expect((await test.whenOver()).status).toBe('completed');
    // The file may repeat lines after a kill (DL1); which batches there are is what the topic holds.
    const lines = new Set((await test.lines('out.jsonl')).map((line) => JSON.stringify(line)));
    const batches = [...lines].map((line) => JSON.parse(line) as { n: number }[]);
    expect(inOrder(batches.flat().map(({ n }) => n))).toEqual(range(count));
    expect(test.metrics()?.nodes['node:b']).toMatchObject({ in: count, out: batches.length });
    expect(Math.max(...batches.map((batch) => batch.length))).toBe(37);
  }, 90_000);

  it('[KD10] [KD11] calls, tries again what fails, and passes answers on', async () => {
    const calls = new Map<string, number>();
    const server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const id = String(request.headers['idempotency-key']);
      calls.set(id, (calls.get(id) ?? 0) + 1);
      // Every message is refused once.
      response.writeHead(calls.get(id) === 1 ? 500 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ doubled: (JSON.parse(body) as { n: number }).n * 2 }));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    await test.start(
      numbers(20)
        .node('call', 'c', {
          url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/double`,
          retry: { ...AT_ONCE, delayMs: 1 },
        })
        .node('topic', 'out')
        .node('file', 'sink', { path: 'out.jsonl' })
        .edges('in > c', 'c > out', 'out > sink')
        .document(),
    );
    expect((await test.whenOver()).status).toBe('completed');
    server.close();
    const lines = (await test.lines('out.jsonl')) as unknown as {
      partitionkey: string;
      data: { status: number; body: { doubled: number } };
    }[];
    expect(inOrder(lines.map(({ data }) => data.body.doubled))).toEqual(range(20).map((n) => n * 2));
    for (const { partitionkey, data } of lines) expect(data.body.doubled).toBe(Number(partitionkey) * 2);
    expect(test.metrics()?.nodes['node:c']).toMatchObject({ in: 20, out: 20, failed: 20, retried: 20 });
    expect([...calls.values()]).toEqual(range(20).map(() => 2));
  });

  it('[KD15] writes each message to one row of SQLite, though its process is killed', async () => {
    const count = 5000;
    await test.start(
      numbers(count, 1000)
        .node('database', 'd', {
          target: { engine: 'sqlite', file: 'numbers.db' },
          table: 'numbers',
          rowKey: { from: 'payload', path: 'n' },
          columns: { as: 'columns', columns: [{ name: 'n', path: 'n', type: 'integer' }] },
        })
        .edges('in > d')
        .document(),
    );
    for (const made of [300, 1000, 1800]) await killAt('node:d', made);
    expect((await test.whenOver()).status).toBe('completed');
    expect(
      rowsOf('numbers.db', 'SELECT count(*) AS rows, count(DISTINCT n) AS n, max(n) AS max FROM numbers'),
    ).toEqual([{ rows: count, n: count, max: count - 1 }]);
    expect(rowsOf('numbers.db', 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
    expect(test.metrics()?.nodes['node:d']).toMatchObject({ in: count, failed: 0, deadLettered: 0 });
  }, 90_000);

  it('[KD14] does not start with a variable that is missing, and says which', async () => {
    const document = numbers(1)
      .node('database', 'd', { target: { engine: 'postgres', connection: '${FLOW_NOWHERE}' } })
      .edges('in > d')
      .document();
    await expect(test.start(document)).rejects.toMatchObject({
      code: 'VARIABLE_MISSING',
      message: expect.stringMatching(/^d: Connection: .*FLOW_NOWHERE/),
    });
  });

  it.skipIf(POSTGRES_BIN === undefined)(
    '[KD18] starts without PostgreSQL, goes on when it comes, goes or comes back, and has every row once',
    async () => {
      const postgres = await createTestPostgres(POSTGRES_BIN as string);
      try {
        const count = 1000;
        await test.start(
          numbers(count, 500)
            .node('database', 'd', {
              target: { engine: 'postgres', connection: postgres.connection },
              table: 'numbers',
              columns: { as: 'columns', columns: [{ name: 'n', path: 'n', type: 'integer' }] },
              retry: { ...AT_ONCE, attemptsMax: 1000 },
            })
            .node('topic', 'stored')
            .node('file', 'sink', { path: 'stored.jsonl', content: 'data' })
            .edges('in > d', 'd > stored', 'stored > sink')
            .document(),
        );
        const failed = () => test.metrics()?.nodes['node:d']?.failed ?? 0;
        await test.whenMetrics('failures before it starts', () => failed() > 0);
        await postgres.start();
        await test.whenMetrics('rows', ({ nodes }) => (nodes['node:d']?.in ?? 0) > 100);
        await postgres.kill();
        const before = failed();
        await test.whenMetrics('failures after it went', () => failed() > before);
        await postgres.start();
        expect((await test.whenOver()).status).toBe('completed');
        const [row] = await postgres.query(
          'SELECT count(*)::int AS rows, count(DISTINCT n)::int AS n FROM numbers',
        );
        expect(row).toEqual({ rows: count, n: count });
        const lines = (await test.lines('stored.jsonl')) as unknown as { n: number }[];
        expect(inOrder(lines.map(({ n }) => n))).toEqual(range(count));
      } finally {
        await postgres.remove();
      }
    },
    90_000,
  );
});
