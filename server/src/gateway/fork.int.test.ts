import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import type { RunSummary } from '@millrace/shared/protocol/entities.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../testing/until.ts';
import { countingFlow } from './testing/testFlows.ts';
import { startTestServer, type TestPage, type TestServer } from './testing/testServer.ts';

let server: TestServer;
let page: TestPage;
beforeAll(async () => {
  server = await startTestServer();
  page = await server.page();
});
afterAll(() => server.stop());

const COUNT = 90;
const importFlow = (document: FlowDocument) => page.ask('flow.import', { document, keepId: true });
const whenOver = (runId: string): Promise<RunSummary> =>
  until('the end of the run', async () => {
    const { run } = await page.ask('run.watch', { runId, afterSeq: null, traces: false, logs: false });
    return run.endedMs === null ? undefined : run;
  });
async function runOnce(document: FlowDocument): Promise<RunSummary> {
  await importFlow(document);
  const { id } = await page.ask('run.start', { flowId: document.id, paused: false });
  return whenOver(id);
}
const messagesOf = async (runId: string, topicId: string) => {
  const ask = { runId, topicId, limit: 500, fromOffset: 0 };
  const { partitions } = await page.ask('topic.read', { ...ask, partition: null });
  const read = partitions.map((_, partition) => page.ask('topic.read', { ...ask, partition }));
  return (await Promise.all(read)).map(({ messages }) => messages);
};

/** Each starts processes one after the other, which takes its time on a busy machine. */
const STARTS = { timeout: 180_000 };

describe('a run that is forked', STARTS, () => {
  it('[RN5] handles again, with the newest version, what its topic holds from an offset on', async () => {
    const document = countingFlow({ id: 'flow:forked', count: COUNT, ratePerSecond: 300 });
    const origin = await runOnce(document);
    const code = "export function handle(event, ctx) {\n  ctx.emit('doubled', { n: event.data.n * 3 });\n}\n";
    const double = document.nodes.find(({ id }) => id === 'node:double');
    if (double?.kind !== 'handler') throw new Error('no handler');
    const node = { ...double, config: { ...double.config, code, startFrom: { at: 'latest' as const } } };
    await page.ask('flow.patch', {
      flowId: document.id,
      clientId: 'tab-1',
      patchId: 'patch',
      patch: { put: [{ type: 'node', id: node.id, node }], remove: [] },
    });
    const point = { runId: origin.id, topicId: 'node:numbers', partition: 1, offset: 3 };
    const fork = await page.ask('run.fork', point);
    expect(fork).toMatchObject({ version: 2, forkedFrom: point, status: 'created' });
    const ended = await whenOver(fork.id);
    expect(ended).toMatchObject({ status: 'completed', error: null });

    const before = await messagesOf(origin.id, 'node:numbers');
    const after = await messagesOf(fork.id, 'node:numbers');
    const anchor = before[1]?.[3];
    if (!anchor) throw new Error('no message to fork from');
    const expected = before.map((messages, partition) =>
      messages.filter(({ offset, appendedMs }) =>
        partition === 1 ? offset >= 3 : appendedMs >= anchor.appendedMs,
      ),
    );
    for (const [partition, messages] of after.entries()) {
      expect(messages.map(({ offset }) => offset)).toEqual(messages.map((_, index) => index));
      const kept = ({ offset: _o, appendedMs: _a, ...rest }: (typeof messages)[number]) => rest;
      expect(messages.map(kept)).toEqual(expected[partition]?.map(kept));
    }
    const copied = expected.flat().length;
    expect(copied).toBeGreaterThan(3);
    expect(copied).toBeLessThan(COUNT);
    expect(ended.counters['node:numbers']).toMatchObject({ in: copied, out: copied });
    expect(ended.counters['node:double']).toMatchObject({ in: copied, out: copied });
    expect(ended.counters['node:source']).toBeUndefined();
    const tripled = (await messagesOf(fork.id, 'node:doubled')).flat();
    expect(tripled.map(({ data }) => (JSON.parse(data) as { n: number }).n).sort((a, b) => a - b)).toEqual(
      expected
        .flat()
        .map(({ data }) => (JSON.parse(data) as { n: number }).n * 3)
        .sort((a, b) => a - b),
    );
    const { notices } = await page.ask('run.watch', {
      runId: fork.id,
      afterSeq: null,
      traces: false,
      logs: false,
    });
    expect(notices.at(0)?.message).toMatch(/copied into this run first/);
  });

  it('[RN5] is refused while the flow runs, and where there is nothing to handle again', async () => {
    const document = countingFlow({ id: 'flow:unforkable', count: 30, ratePerSecond: 1000 });
    const origin = await runOnce(document);
    const point = { runId: origin.id, topicId: 'node:numbers', partition: 0, offset: 0 };
    expect(await page.refusal('run.fork', { ...point, offset: 5000 })).toBe('OFFSET_OUT_OF_RANGE');
    expect(await page.refusal('run.fork', { ...point, partition: 7 })).toBe('TOPIC_NOT_FOUND');
    expect(await page.refusal('run.fork', { ...point, topicId: 'node:double.dead-letters' })).toBe(
      'TOPIC_NOT_FOUND',
    );
    const { id: active } = await page.ask('run.start', { flowId: document.id, paused: true });
    expect(await page.refusal('run.fork', point)).toBe('RUN_TRANSITION_REFUSED');
    await page.ask('run.stop', { runId: active });
    await whenOver(active);
    await page.ask('flow.patch', {
      flowId: document.id,
      clientId: 'tab-1',
      patchId: 'patch',
      patch: { put: [], remove: ['edge:numbers-double'] },
    });
    const reply = await page.reply('run.fork', point);
    expect(reply).toMatchObject({ ok: false, error: { code: 'FLOW_INVALID' } });
    expect((await page.ask('run.list', { flowId: document.id })).runs).toHaveLength(2);
  });
});

describe('runs that are over', STARTS, () => {
  it('[RN5] stay as many as the flow says, the newest', async () => {
    const document = countingFlow({ id: 'flow:kept', count: 3, ratePerSecond: 1000 });
    document.settings.runsKept = 2;
    const runs = [await runOnce(document)];
    for (let more = 0; more < 3; more++) {
      const { id } = await page.ask('run.start', { flowId: document.id, paused: false });
      runs.push(await whenOver(id));
    }
    const { runs: kept } = await page.ask('run.list', { flowId: document.id });
    // Two that were over when the last one started, and that one.
    expect(kept.map(({ id }) => id)).toEqual(
      runs
        .slice(1)
        .map(({ id }) => id)
        .reverse(),
    );
  });

  it('[RN5] are found by the name of the flow, the id, the status and the error', async () => {
    const document = countingFlow({ id: 'flow:findable', count: 3, ratePerSecond: 1000 });
    document.name = 'Sought after';
    const completed = await runOnce(document);
    const broken = countingFlow({
      id: 'flow:findable-too',
      count: 3,
      ratePerSecond: 1,
      code: 'export function handle( {',
    });
    await importFlow(broken);
    expect(await page.refusal('run.start', { flowId: broken.id, paused: false })).toBe(
      'HANDLER_COMPILE_FAILED',
    );
    const found = async (text: string, flowId?: string): Promise<string[]> => {
      const { runs } = await page.ask('run.list', { text, ...(flowId === undefined ? {} : { flowId }) });
      return runs.map((run) => run.flowId);
    };
    expect(await found('SOUGHT')).toEqual([document.id]);
    expect(await found(completed.id)).toEqual([document.id]);
    expect(await found('compile_failed')).toEqual([broken.id]);
    expect(await found('failed', document.id)).toEqual([]);
    expect(await found('completed', document.id)).toEqual([document.id]);
  });
});
