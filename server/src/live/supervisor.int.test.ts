import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import type { Message } from '@millrace/shared/message/message.ts';
import type { MetricsSnapshot, RunStatus } from '@millrace/shared/trace/metrics.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { flow } from '../simulator/testing/flowBuilder.ts';
import { until } from '../testing/until.ts';
import { openTraceReader } from '../trace/traceReader.ts';
import { createTestSupervisor } from './testing/testSupervisor.ts';

const RUN_ID = 'run:test';
const DOUBLE = `export function handle(event, ctx) {
  ctx.emit('out', { n: event.data.n * 2 });
}`;
/** Takes about two milliseconds a message, so that work waits behind it. */
const SLOW = `export function handle(event, ctx) {
  let turns = 0;
  for (const end = 1_000_000; turns < end; turns++) Math.sqrt(turns);
  ctx.emit('out', { n: event.data.n + turns - turns });
}`;

type Source = { count: number | null; ratePerSecond: number };

function doubling({ count, ratePerSecond }: Source, code = DOUBLE): FlowDocument {
  return flow()
    .node('generator', 'source', { count, ratePerSecond, key: '{{index}}', payload: '{"n": "{{index}}"}' })
    .node('topic', 'in', { partitions: 3 })
    .node('handler', 'double', { code })
    .node('topic', 'out', { partitions: 2 })
    .node('file', 'sink', { path: 'out.jsonl' })
    .edges('source > in', 'in > double', 'double > out', 'out > sink')
    .document();
}

const made = (metrics: MetricsSnapshot): number => metrics.nodes['node:source']?.out ?? 0;
const sunk = (metrics: MetricsSnapshot): number => metrics.nodes['node:sink']?.in ?? 0;

/** Everything was made, handled and written once, and every counter says so. */
function expectWhole(metrics: MetricsSnapshot | null, count: number): void {
  expect(metrics?.nodes['node:source']).toMatchObject({ out: count });
  expect(metrics?.nodes['node:in']).toMatchObject({ in: count, out: count });
  expect(metrics?.nodes['node:double']).toMatchObject({ in: count, out: count, deadLettered: 0, skipped: 0 });
  expect(metrics?.nodes['node:out']).toMatchObject({ in: count, out: count });
  expect(metrics?.nodes['node:sink']).toMatchObject({ in: count, deadLettered: 0, skipped: 0 });
  for (const { lag } of Object.values(metrics?.subscriptions ?? {})) expect(lag).toBe(0);
}

let run: Awaited<ReturnType<typeof createTestSupervisor>>;
beforeEach(async () => {
  run = await createTestSupervisor();
});
afterEach(() => run.remove());

/** What the sink wrote, without the lines that a crash made it write twice. */
async function expectSunkOnce(count: number): Promise<void> {
  const byId = new Map((await run.lines('out.jsonl')).map(({ id, data }) => [id, data]));
  const numbers = [...byId.values()].map((data) => (data as { n: number }).n).sort((a, b) => a - b);
  expect(numbers).toEqual(Array.from({ length: count }, (_, index) => index * 2));
}

const whenStatus = (wanted: RunStatus): Promise<true> =>
  until(`the status ${wanted}`, () => run.statuses.at(-1)?.status === wanted || undefined);

const QUIET_LOOKS = 5;

/** What was under way when the run was paused has been committed: several looks in a row see the same. */
async function whenQuiet(): Promise<MetricsSnapshot> {
  let last = '';
  let looksAlike = 0;
  return until('the work under way to be finished', async () => {
    const now = await run.request('metrics');
    const counters = JSON.stringify(now.nodes);
    looksAlike = counters === last ? looksAlike + 1 : 0;
    last = counters;
    return looksAlike >= QUIET_LOOKS ? now : undefined;
  });
}

describe('a supervised run', () => {
  it('[RN2] [TR2] completes, and its status and exact counters arrive', async () => {
    await run.start(doubling({ count: 200, ratePerSecond: 10_000 }));
    expect(run.supervisor.active()).toEqual([RUN_ID]);
    expect(await run.whenOver()).toEqual({ status: 'completed', error: null });
    expect(run.statuses.map(({ status }) => status)).toEqual(['running', 'completed']);
    expectWhole(run.metrics(), 200);
    expect(run.metrics()?.status).toBe('completed');
    await expectSunkOnce(200);
    await until('the process to be gone', () => run.supervisor.pidOf(RUN_ID) === null || undefined);
    expect(run.supervisor.active()).toEqual([]);
    await expect(run.request('pause')).rejects.toMatchObject({ code: 'RUN_NOT_ACTIVE' });
    expect(run.restarts()).toBe(0);
  });

  it('[TR3] ends with figures of its traces that are those of the store', async () => {
    await run.start(doubling({ count: 5000, ratePerSecond: 100_000 }));
    await run.whenOver();
    const { trace } = run.metrics() ?? {};
    const traces = openTraceReader(run.supervisor.folderOf(RUN_ID));
    try {
      const { total, begun, sampledOut } = traces.list({ limit: 1 });
      expect(trace?.sampling).toMatchObject({ tracesBegun: begun, tracesOut: sampledOut });
      expect(total).toBe(begun - sampledOut);
      const stored = traces.tail(-1, 1_000_000).frames.reduce((sum, { count }) => sum + count, 0);
      expect(trace).toMatchObject({ kept: stored, lost: 0, expired: 0, lastSeq: stored - 1 });
    } finally {
      traces.close();
    }
  });

  it('[RN2] is paused, stepped, resumed and stopped', async () => {
    await run.start(doubling({ count: null, ratePerSecond: 500 }), { paused: true });
    await whenStatus('paused');
    expect(run.statuses).toHaveLength(1);
    const stepped = [await run.request('step'), await run.request('step'), await run.request('step')];
    expect(stepped.map(({ nodeId }) => nodeId)).toEqual(['node:source', 'node:double', 'node:sink']);
    expect(stepped[1]?.correlationId).toBe(stepped[0]?.messageId);
    expectWhole(await run.request('metrics'), 1);

    await run.request('resume');
    await run.whenMetrics('work after the run was resumed', (metrics) => sunk(metrics) > 20);
    await run.request('pause');
    await whenStatus('paused');
    const paused = await whenQuiet();
    await run.request('step');
    const after = await run.request('metrics');
    const handled = ({ nodes }: MetricsSnapshot) =>
      (nodes['node:double']?.in ?? 0) + (nodes['node:sink']?.in ?? 0);
    expect(made(after) - made(paused) + handled(after) - handled(paused)).toBe(1);

    await run.request('resume');
    await run.request('stop');
    expect(await run.whenOver()).toEqual({ status: 'stopped', error: null });
    expectWhole(run.metrics(), run.metrics() === null ? -1 : made(run.metrics() as MetricsSnapshot));
  });

  it('refuses to be started twice', async () => {
    const document = doubling({ count: null, ratePerSecond: 10 });
    await run.start(document, { paused: true });
    await expect(run.start(document)).rejects.toMatchObject({ code: 'RUN_TRANSITION_REFUSED' });
  });

  it('[TP3] answers pushed messages with where they stand once they are durable', async () => {
    const document = flow()
      .node('http', 'hook', { path: 'orders' })
      .node('topic', 'orders', { partitions: 2 })
      .node('file', 'sink', { path: 'orders.jsonl' })
      .edges('hook > orders', 'orders > sink')
      .document();
    await run.start(document);
    const ids = ['order-1', 'order-2', 'order-3'];
    const messages = ids.map(
      (id): Message => ({
        id,
        source: 'test',
        type: 'com.example.order',
        timeMs: 1_767_225_600_000,
        key: 'customer',
        correlationId: id,
        causationId: null,
        data: '{}',
      }),
    );
    const ingest = { type: 'ingest' as const, producer: 'node:hook', messages };
    const { accepted, dropped } = await run.supervisor.request(RUN_ID, ingest);
    expect(dropped).toBe(0);
    // A kill right behind the answer must not cost what was answered.
    await run.kill();
    const [{ partition } = { partition: -1 }] = accepted;
    expect(accepted).toEqual(ids.map((id, offset) => ({ id, topic: 'node:orders', partition, offset })));
    await run.whenMetrics('the sink to have them', (metrics) => sunk(metrics) === 3);
    expect(new Set((await run.lines('orders.jsonl')).map(({ id }) => id))).toEqual(new Set(ids));

    await run.request('pause');
    await expect(run.supervisor.request(RUN_ID, ingest)).rejects.toMatchObject({ code: 'RUN_NOT_ACTIVE' });
  });
});

describe('a run whose process dies', () => {
  it('[RN3] goes on from what is committed, says so, and loses and doubles nothing', async () => {
    await run.start(doubling({ count: 1500, ratePerSecond: 1500 }));
    await run.whenMetrics('the first results', (metrics) => sunk(metrics) > 100);
    await run.kill();
    await run.whenMetrics('more results', (metrics) => sunk(metrics) > 500);
    await run.kill();
    expect(await run.whenOver()).toEqual({ status: 'completed', error: null });
    expect(run.restarts()).toBe(2);
    expect(run.notices).toHaveLength(2);
    expect(run.notices[0]).toMatchObject({ level: 'warning' });
    expect(run.notices[0]?.message).toContain('signal SIGKILL');
    expectWhole(run.metrics(), 1500);
    await expectSunkOnce(1500);
  });

  it('[RN3] stays paused when it was paused', async () => {
    await run.start(doubling({ count: null, ratePerSecond: 500 }));
    await run.whenMetrics('the first results', (metrics) => sunk(metrics) > 10);
    await run.request('pause');
    const before = await run.request('metrics');
    await run.kill();
    const after = await run.request('metrics');
    expect(after.status).toBe('paused');
    expect(made(after)).toBeGreaterThanOrEqual(made(before));
    expect(run.statuses.filter(({ status }) => status === 'running')).toHaveLength(1);
  });

  it('[RN3] takes a stop that is asked for while it is away, once, and still drains', async () => {
    // Little enough to be handed on within the time a stopped run drains, on a busy machine too.
    await run.start(doubling({ count: null, ratePerSecond: 300 }, SLOW));
    await run.whenMetrics('work to be done', (metrics) => made(metrics) > 50);
    await run.kill();
    await run.request('stop');
    expect(await run.whenOver()).toEqual({ status: 'stopped', error: null });
    const last = run.metrics();
    expectWhole(last, last === null ? -1 : made(last));
  });

  it('[RN3] goes on stopping when it dies while it stops', async () => {
    await run.start(doubling({ count: null, ratePerSecond: 2000 }, SLOW));
    await run.whenMetrics('work to wait', (metrics) => made(metrics) - sunk(metrics) > 200);
    await run.request('stop');
    await run.kill();
    expect(await run.whenOver()).toEqual({ status: 'stopped', error: null });
  });
});

describe('a run that cannot begin', () => {
  it('[HD3] names the node and the line of code that does not compile', async () => {
    const code = 'export function handle(event, ctx) {\n  const = 1;\n}';
    const started = run.start(doubling({ count: 1, ratePerSecond: 10 }, code));
    await expect(started).rejects.toMatchObject({
      code: 'HANDLER_COMPILE_FAILED',
      message: expect.stringMatching(/^double: .+/),
      details: expect.objectContaining({ nodeId: 'node:double' }),
    });
    expect(run.supervisor.active()).toEqual([]);
    expect(run.statuses).toEqual([]);
    expect(run.restarts()).toBe(0);
  });

  it('names the node whose file is missing, and begins once it is told right', async () => {
    const replay = flow()
      .node('replay', 'recorded', { file: 'missing.jsonl' })
      .node('topic', 'in')
      .node('log', 'sink')
      .edges('recorded > in', 'in > sink')
      .document();
    await expect(run.start(replay)).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: expect.stringMatching(/^recorded: .*missing\.jsonl/),
      details: expect.objectContaining({ nodeId: 'node:recorded' }),
    });
    await run.start(doubling({ count: 5, ratePerSecond: 1000 }));
    expect((await run.whenOver()).status).toBe('completed');
  });
});

describe('a server that ends in good order', () => {
  it('[RN3] leaves the run where it is, and the next one goes on', async () => {
    await run.start(doubling({ count: 600, ratePerSecond: 600 }));
    await run.whenMetrics('the first results', (metrics) => sunk(metrics) > 50);
    await run.close();
    expect(run.supervisor.active()).toEqual([]);
    expect(run.statuses.map(({ status }) => status)).toEqual(['running']);
    expect(run.restarts()).toBe(0);

    const next = run.another();
    await next.start(doubling({ count: 600, ratePerSecond: 600 }), { afterCrash: true });
    expect((await next.whenOver()).status).toBe('completed');
    expectWhole(next.metrics(), 600);
    await expectSunkOnce(600);
  });

  it('[RN3] a run that is killed on its way up goes on all the same, for it has run before', async () => {
    const document = doubling({ count: 300, ratePerSecond: 1000 });
    await run.start(document);
    await run.whenMetrics('the first results', (metrics) => sunk(metrics) > 20);
    await run.close();

    const next = run.another();
    const started = next.start(document, { afterCrash: true });
    await until('the process', () => next.supervisor.pidOf(RUN_ID) ?? undefined);
    await next.kill();
    await started;
    expect((await next.whenOver()).status).toBe('completed');
    expect(next.restarts()).toBe(1);
    expectWhole(next.metrics(), 300);
  });

  it.each(['away', 'on its way up'])(
    '[RN3] starts no process behind its own back while the one that died is %s',
    async (state) => {
      const document = doubling({ count: 300, ratePerSecond: 1000 });
      await run.start(document);
      await run.whenMetrics('the first results', (metrics) => sunk(metrics) > 20);
      const first = run.supervisor.pidOf(RUN_ID);
      await run.kill();
      if (state === 'on its way up') {
        await until('the next process', () => run.supervisor.pidOf(RUN_ID) !== first || undefined);
      }
      await run.close();
      expect(run.statuses.map(({ status }) => status)).toEqual(['running']);

      // With a process left over the log would be locked.
      const next = run.another();
      await next.start(document, { afterCrash: true });
      expect((await next.whenOver()).status).toBe('completed');
      expectWhole(next.metrics(), 300);
      await expectSunkOnce(300);
      expect(run.statuses.map(({ status }) => status)).toEqual(['running']);
    },
  );
});
