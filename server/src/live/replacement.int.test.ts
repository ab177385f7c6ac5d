import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import type { MetricsSnapshot } from '@millrace/shared/trace/metrics.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLogReader } from '../brokers/embedded/readOnlyLog.ts';
import { flow } from '../simulator/testing/flowBuilder.ts';
import { until } from '../testing/until.ts';
import { createTestSupervisor } from './testing/testSupervisor.ts';

const RUN_ID = 'run:test';
const COUNT = 600;

/** Says with each message which version of it spoke, and how many of its key it has seen. */
const speaking = (version: number): string => `export function handle(event, ctx) {
  const seen = (ctx.state.get('seen') ?? 0) + 1;
  ctx.state.set('seen', seen);
  ctx.emit('out', { n: event.data.n, seen, version: ${version} });
}`;

function versioned(version: number, code = speaking(version)): FlowDocument {
  return flow()
    .node('generator', 'source', {
      count: COUNT,
      ratePerSecond: 100,
      key: '{{number.int {"max":9}}}',
      payload: '{"n": "{{index}}"}',
    })
    .node('topic', 'in', { partitions: 3 })
    .node('handler', 'speak', { code })
    .node('topic', 'out', { partitions: 2 })
    .node('file', 'sink', { path: 'out.jsonl' })
    .edges('source > in', 'in > speak', 'speak > out', 'out > sink')
    .document();
}

const sunk = (metrics: MetricsSnapshot): number => metrics.nodes['node:sink']?.in ?? 0;

let run: Awaited<ReturnType<typeof createTestSupervisor>>;
beforeEach(async () => {
  run = await createTestSupervisor();
});
afterEach(() => run.remove());

type Spoken = { n: number; seen: number; version: number };

/** What the handler said, in the order of each partition of the log. */
function spoken(): Spoken[][] {
  const log = openLogReader(run.supervisor.folderOf(RUN_ID));
  try {
    return log.offsets('node:out').map(({ end }, partition) => {
      const ask = { topic: 'node:out', partition, fromOffset: 0, messagesMax: end, bytesMax: 1e9 };
      return log.read(ask).messages.map(({ message }) => JSON.parse(message.data) as Spoken);
    });
  } finally {
    log.close();
  }
}

/** Nothing lost, nothing doubled, no state forgotten, and once the new version spoke the old one was silent. */
function expectOneChange(versions: number[]): void {
  const partitions = spoken();
  const all = partitions.flat();
  expect(all.map(({ n }) => n).sort((a, b) => a - b)).toEqual(Array.from({ length: COUNT }, (_, n) => n));
  expect(all.filter(({ seen }) => seen === 1)).toHaveLength(10);
  expect([...new Set(all.map(({ version }) => version))].sort()).toEqual(versions);
  for (const partition of partitions) {
    const order = partition.map(({ version }) => version);
    expect(order).toEqual([...order].sort());
  }
  expect(run.metrics()?.nodes['node:source']?.out).toBe(COUNT);
  expect(run.metrics()?.nodes['node:speak']).toMatchObject({ in: COUNT, out: COUNT });
}

const killNow = (): void => {
  const pid = run.supervisor.pidOf(RUN_ID);
  if (pid === null) throw new Error('the run has no process');
  process.kill(pid, 'SIGKILL');
};

/** Each starts processes one after the other, which takes its time on a busy machine. */
const STARTS = { timeout: 180_000 };

describe('a run whose process is killed while it is given another version', STARTS, () => {
  it.each([
    {
      when: 'as the old process ends',
      whenToKill: async () => {},
    },
    {
      when: 'as the new process begins',
      whenToKill: async (old: number | null) => {
        await until('the new process', () => run.supervisor.pidOf(RUN_ID) !== old || undefined);
      },
    },
    {
      when: 'when the log goes over to the new version',
      whenToKill: async () => {
        const log = openLogReader(run.supervisor.folderOf(RUN_ID));
        await until('the log to go over', () =>
          log.state().some(({ store, key }) => store === 'run' && key === 'version') ? true : undefined,
        );
        log.close();
      },
    },
  ])('[RN4] [RN3] is on the new version all the same, killed $when', async ({ whenToKill }) => {
    await run.start(versioned(1));
    await run.whenMetrics('the first results', (metrics) => sunk(metrics) > 30);
    const old = run.supervisor.pidOf(RUN_ID);
    const replaced = run.supervisor.replace(RUN_ID, versioned(2), 2);
    await whenToKill(old);
    killNow();
    expect(await replaced).toEqual({ refused: null });
    expect((await run.whenOver()).status).toBe('completed');
    expectOneChange([1, 2]);
  });

  it('[RN4] goes on with the old version when the new one does not compile, and takes a better one later', async () => {
    await run.start(versioned(1));
    await run.whenMetrics('the first results', (metrics) => sunk(metrics) > 30);
    const { refused } = await run.supervisor.replace(RUN_ID, versioned(2, 'export const handle = ;'), 2);
    expect(refused).toMatchObject({ code: 'HANDLER_COMPILE_FAILED', details: { nodeId: 'node:speak' } });
    expect(run.restarts()).toBe(0);
    const before = sunk(run.metrics() as MetricsSnapshot);
    await run.whenMetrics('more of the old version', (metrics) => sunk(metrics) > before + 50);
    expect(await run.supervisor.replace(RUN_ID, versioned(3), 3)).toEqual({ refused: null });
    expect((await run.whenOver()).status).toBe('completed');
    expectOneChange([1, 3]);
    // No status told of it: a process that gives way is no pause.
    expect(new Set(run.statuses.map(({ status }) => status))).toEqual(new Set(['running', 'completed']));
  });

  it('[RN4] answers what is asked meanwhile, and keeps a paused run paused', async () => {
    await run.start(versioned(1));
    await run.whenMetrics('the first results', (metrics) => sunk(metrics) > 30);
    await run.request('pause');
    await until('the pause', () => run.statuses.at(-1)?.status === 'paused' || undefined);
    const replaced = run.supervisor.replace(RUN_ID, versioned(2), 2);
    const metrics = await run.request('metrics');
    expect(await replaced).toEqual({ refused: null });
    expect(metrics.status).toBe('paused');
    expect(run.statuses.at(-1)?.status).toBe('paused');
    await run.request('resume');
    expect((await run.whenOver()).status).toBe('completed');
    expectOneChange([1, 2]);
  });

  it('[RN4] is on the new version when the server ended in the middle and another one goes on', async () => {
    await run.start(versioned(1));
    await run.whenMetrics('the first results', (metrics) => sunk(metrics) > 30);
    const replaced = run.supervisor.replace(RUN_ID, versioned(2), 2).catch((thrown: unknown) => thrown);
    await run.close();
    expect(await replaced).toMatchObject({ code: 'RUN_NOT_ACTIVE' });
    const next = run.another();
    const started = await next.start(versioned(2), {
      afterCrash: true,
      replaces: { version: 2, previous: versioned(1) },
    });
    expect(started).toEqual({ refused: null });
    expect((await next.whenOver()).status).toBe('completed');
    const partitions = spoken();
    expect(new Set(partitions.flat().map(({ n }) => n)).size).toBe(COUNT);
    expect(next.metrics()?.nodes['node:speak']).toMatchObject({ in: COUNT, out: COUNT });
  });
});
