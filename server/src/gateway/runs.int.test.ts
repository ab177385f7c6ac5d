import { TRACE_FRAME_EVENT } from '@millrace/shared/protocol/catalog.ts';
import { decodeFrame } from '@millrace/shared/trace/frame.ts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../testing/until.ts';
import { countingFlow } from './testing/testFlows.ts';
import { startTestServer, type TestPage, type TestServer } from './testing/testServer.ts';

const COUNT = 300;

describe('runs over the socket', () => {
  let server: TestServer;
  let page: TestPage;
  beforeAll(async () => {
    server = await startTestServer();
  });
  beforeEach(async () => {
    page = await server.page();
  });
  afterEach(() => page.close());
  afterAll(() => server.stop());

  const bring = async (id: string, options: Parameters<typeof countingFlow>[0]): Promise<string> => {
    const { document } = await page.ask('flow.import', {
      document: countingFlow({ ...options, id }),
      keepId: true,
    });
    return document.id;
  };
  const whenStatus = (runId: string, status: string) =>
    page.whenHeard('run.changed', (run) => run.id === runId && run.status === status);

  it('[RN1] publishes the draft, runs it to the end and keeps its exact counters', async () => {
    const flowId = await bring('flow:whole', { count: COUNT, ratePerSecond: 5000 });
    const started = await page.ask('run.start', { flowId, paused: false });
    expect(started).toMatchObject({ flowId, version: 1, engine: 'embedded', restarts: 0 });
    const ended = await whenStatus(started.id, 'completed');
    expect(ended.counters['node:source']?.out).toBe(COUNT);
    expect(ended.counters['node:double']).toMatchObject({ in: COUNT, out: COUNT, failed: 0 });
    expect(ended.counters['node:sink']?.in).toBe(COUNT);
    expect(ended.endedMs).toBeGreaterThanOrEqual(ended.startedMs ?? Number.POSITIVE_INFINITY);

    const { runs } = await page.ask('run.list', { flowId });
    expect(runs).toEqual([ended]);
    const again = await page.ask('run.start', { flowId, paused: true });
    expect(again.version).toBe(1);
    await page.ask('run.stop', { runId: again.id });
    await whenStatus(again.id, 'stopped');
  });

  it('lets the topics, messages, traces and files of a finished run be read', async () => {
    const flowId = await bring('flow:read', { count: 20, ratePerSecond: 5000 });
    const { id: runId } = await page.ask('run.start', { flowId, paused: false });
    await whenStatus(runId, 'completed');

    const newest = await page.ask('topic.read', {
      runId,
      topicId: 'node:doubled',
      partition: null,
      fromOffset: null,
      limit: 500,
    });
    expect(newest.messages).toHaveLength(20);
    expect(newest.partitions.reduce((sum, { end }) => sum + end, 0)).toBe(20);
    const [first] = newest.messages;
    if (!first) throw new Error('no message');
    const one = await page.ask('message.get', {
      runId,
      topicId: 'node:doubled',
      partition: first.partition,
      offset: first.offset,
    });
    expect(one.message).toEqual(first);
    const ofPartition = await page.ask('topic.read', {
      runId,
      topicId: 'node:doubled',
      partition: first.partition,
      fromOffset: 0,
      limit: 500,
    });
    expect(ofPartition.messages.map(({ offset }) => offset)).toEqual(
      ofPartition.messages.map((_, index) => index),
    );

    const trace = await until('the trace to be stored', async () => {
      const { records } = await page.ask('trace.get', { runId, correlationId: first.correlationId });
      return records.some((record) => record.nodeId === 'node:sink' && record.kind === 'handled')
        ? records
        : undefined;
    });
    expect(trace.map((record) => record.kind)).toContain('produced');
    const list = await page.ask('trace.list', { runId, limit: 100 });
    expect(list.traces).toHaveLength(20);

    const lines = await (
      await fetch(`${server.address}/api/runs/${runId}/topics/node:doubled/messages.jsonl`)
    ).text();
    const events = lines
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { specversion: string; data: { n: number } });
    expect(events).toHaveLength(20);
    expect(events.map((event) => event.data.n).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, i) => i * 2),
    );
    const traceLines = await (await fetch(`${server.address}/api/runs/${runId}/traces.jsonl`)).text();
    expect(traceLines.trim().split('\n').length).toBeGreaterThan(100);
    const files = await (await fetch(`${server.address}/api/runs/${runId}/files`)).json();
    expect(files).toMatchObject({ files: [{ name: 'doubled.jsonl' }] });
    const sink = await (await fetch(`${server.address}/api/runs/${runId}/files/doubled.jsonl`)).text();
    expect(sink.trim().split('\n')).toHaveLength(20);
    expect((await fetch(`${server.address}/api/runs/${runId}/files/..%2Flog.db`)).status).toBe(404);
  });

  it('[RN2] pauses, steps one message, resumes and stops', async () => {
    const flowId = await bring('flow:steps', { count: null, ratePerSecond: 200 });
    const { id: runId } = await page.ask('run.start', { flowId, paused: false });
    await page.ask('run.watch', { runId, afterSeq: null, traces: false, logs: true });
    await page.whenHeard(
      'run.metrics',
      (metrics) => metrics.runId === runId && (metrics.nodes['node:sink']?.in ?? 0) > 5,
    );
    expect(await page.refusal('run.step', { runId })).toBe('RUN_TRANSITION_REFUSED');
    expect(await page.refusal('flow.delete', { flowId })).toBe('FLOW_IN_USE');
    expect(await page.refusal('run.start', { flowId, paused: false })).toBe('RUN_TRANSITION_REFUSED');
    expect(await page.refusal('run.delete', { runId })).toBe('RUN_TRANSITION_REFUSED');
    await page.ask('run.pause', { runId });
    await whenStatus(runId, 'paused');
    const step = await page.ask('run.step', { runId });
    expect(step.nodeId === null || step.nodeId.startsWith('node:')).toBe(true);
    await page.ask('run.resume', { runId });
    await page.ask('run.stop', { runId });
    await whenStatus(runId, 'stopped');
    expect(await page.refusal('run.pause', { runId })).toBe('RUN_NOT_ACTIVE');
    await page.ask('run.delete', { runId });
    expect(await page.refusal('run.watch', { runId, afterSeq: null, traces: false, logs: false })).toBe(
      'RUN_NOT_FOUND',
    );
  });

  it('refuses a flow that cannot run, with every problem', async () => {
    const { document } = await page.ask('flow.create', { name: 'Empty' });
    const reply = await page.reply('run.start', { flowId: document.id, paused: false });
    expect(reply).toMatchObject({
      ok: false,
      error: { code: 'FLOW_INVALID', details: { problems: [{ code: 'empty-flow', severity: 'error' }] } },
    });
    expect(await page.ask('run.list', { flowId: document.id })).toEqual({ runs: [] });
  });

  it('says why code that does not compile cannot run, and keeps that with the run', async () => {
    const flowId = await bring('flow:broken', {
      count: 1,
      ratePerSecond: 1,
      code: 'export function handle( {',
    });
    expect(await page.refusal('run.start', { flowId, paused: false })).toBe('HANDLER_COMPILE_FAILED');
    const { runs } = await page.ask('run.list', { flowId });
    expect(runs).toMatchObject([{ status: 'failed', error: { code: 'HANDLER_COMPILE_FAILED' } }]);
    expect((await page.ask('flow.open', { flowId })).activeRunId).toBeNull();
  });

  it('[TR3] [TR5] streams every trace record once, and resumes after the last one seen', async () => {
    const flowId = await bring('flow:frames', { count: 400, ratePerSecond: 1000 });
    const seen = new Set<number>();
    let skipped = 0;
    const follow = (of: TestPage): void => {
      of.socket.on(
        TRACE_FRAME_EVENT,
        (_runId: string, left: number, frame: Uint8Array, acknowledge: () => void) => {
          const { firstSeq, records } = decodeFrame(new Uint8Array(frame));
          skipped += left;
          for (let i = 0; i < records.length; i++) {
            expect(seen.has(firstSeq + i)).toBe(false);
            seen.add(firstSeq + i);
          }
          acknowledge();
        },
      );
    };
    const { id: runId } = await page.ask('run.start', { flowId, paused: true });
    follow(page);
    const watched = await page.ask('run.watch', { runId, afterSeq: -1, traces: true, logs: false });
    expect(watched).toMatchObject({ nextSeq: 0, gap: 0 });
    await page.ask('run.resume', { runId });
    await until('some trace records', () => (seen.size > 200 ? true : undefined));
    page.socket.disconnect();
    const last = Math.max(...seen);

    const later = await server.page('tab-again');
    await until('the run to end', async () => {
      const { runs } = await later.ask('run.list', { flowId });
      return runs[0]?.status === 'completed' ? true : undefined;
    });
    follow(later);
    const resumed = await later.ask('run.watch', { runId, afterSeq: last, traces: true, logs: false });
    expect(resumed).toMatchObject({ nextSeq: last + 1, gap: 0 });
    const end = (resumed.metrics?.trace.lastSeq ?? 0) + 1;
    await until(`${end} records in all`, () => (seen.size + skipped >= end - 1 ? true : undefined));
    expect(Math.max(...seen) - Math.min(...seen) + 1).toBe(seen.size + skipped);
  });
});

describe('runs and the end of the server', () => {
  it('[RN3] goes on with a run after a restart, and says so', async () => {
    const server = await startTestServer();
    try {
      const page = await server.page();
      const document = countingFlow({ count: 1500, ratePerSecond: 500 });
      await page.ask('flow.import', { document, keepId: true });
      const { id: runId } = await page.ask('run.start', { flowId: document.id, paused: false });
      await page.ask('run.watch', { runId, afterSeq: null, traces: false, logs: false });
      await page.whenHeard('run.metrics', (metrics) => (metrics.nodes['node:sink']?.in ?? 0) > 100);
      await server.restart();
      const again = await server.page();
      const resumed = await again.ask('run.watch', { runId, afterSeq: null, traces: false, logs: false });
      expect(resumed.run.restarts).toBe(1);
      expect(resumed.notices.map((notice) => notice.message).join()).toMatch(/started again/);
      const ended = await again.whenHeard(
        'run.changed',
        (run) => run.id === runId && run.status === 'completed',
      );
      expect(ended.counters['node:source']?.out).toBe(1500);
      expect(ended.counters['node:double']?.in).toBe(1500);
      const { partitions } = await again.ask('topic.read', {
        runId,
        topicId: 'node:doubled',
        partition: null,
        fromOffset: null,
        limit: 1,
      });
      expect(partitions.reduce((sum, { end }) => sum + end, 0)).toBe(1500);
    } finally {
      await server.stop();
    }
  });
});
