import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FlowDocument, FlowNode } from '@millrace/shared/flow/document.ts';
import type { RunSummary } from '@millrace/shared/protocol/entities.ts';
import type { MetricsSnapshot } from '@millrace/shared/trace/metrics.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../testing/until.ts';
import { countingFlow, hookFlow } from './testing/testFlows.ts';
import { startTestServer, type TestPage, type TestServer } from './testing/testServer.ts';

/** Emits what it was given, how often it has seen this key, and which version of it spoke. */
const counting = (version: string): string => `
export function handle(event, ctx) {
  const seen = (ctx.state.get('seen') ?? 0) + 1;
  ctx.state.set('seen', seen);
  ctx.emit('doubled', { n: event.data.n, seen, version: '${version}' });
}
`;

type Doubled = { n: number; seen: number; version: string };

let server: TestServer;
let page: TestPage;
beforeEach(async () => {
  server = await startTestServer();
  page = await server.page();
});
afterEach(() => server.stop());

const importFlow = (document: FlowDocument) => page.ask('flow.import', { document, keepId: true });
const putNode = (flowId: string, node: FlowNode) =>
  page.ask('flow.patch', {
    flowId,
    clientId: 'tab-1',
    patchId: 'patch',
    patch: { put: [{ type: 'node', id: node.id, node }], remove: [] },
  });
const nodeOf = (document: FlowDocument, id: string): FlowNode => {
  const node = document.nodes.find((candidate) => candidate.id === id);
  if (!node) throw new Error(`no node ${id}`);
  return structuredClone(node);
};
const withCode = (document: FlowDocument, code: string): FlowNode => {
  const node = nodeOf(document, 'node:double');
  if (node.kind !== 'handler') throw new Error('not a handler');
  return { ...node, config: { ...node.config, code } };
};
const metricsOf = async (runId: string): Promise<MetricsSnapshot | null> =>
  (await page.ask('run.watch', { runId, afterSeq: null, traces: false, logs: false })).metrics;
const whenSunk = (runId: string, least: number) =>
  until(`${least} messages in the sink`, async () => {
    const metrics = await metricsOf(runId);
    return (metrics?.nodes['node:sink']?.in ?? 0) >= least ? metrics : undefined;
  });
const whenOver = (runId: string) =>
  until('the end of the run', async () => {
    const { run } = await page.ask('run.watch', { runId, afterSeq: null, traces: false, logs: false });
    return run.endedMs === null ? undefined : run;
  });
const apply = async (runId: string): Promise<RunSummary> => {
  const { version, revision } = await page.ask('run.previewReplacement', { runId });
  return page.ask('run.replace', { runId, expectedVersion: version, expectedRevision: revision });
};
const sinkOf = async (runId: string, name = 'doubled.jsonl'): Promise<Doubled[]> => {
  const file = join(server.dataFolder, 'runs', runId.replace(':', '-'), 'files', name);
  const text = await readFile(file, 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { data: Doubled }).data);
};

/** Ten keys, so that each comes again and again; only `count` messages in all. */
function tenKeys(options: { id: string; count: number; ratePerSecond: number }): FlowDocument {
  const document = countingFlow({ ...options, code: counting('old') });
  for (const node of document.nodes)
    if (node.kind === 'generator') node.config.key = '{{number.int {"max":9}}}';
  return document;
}

function expectWhole(sunk: Doubled[], count: number): void {
  expect(sunk.map(({ n }) => n).sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, n) => n));
}

/** Each starts processes one after the other, which takes its time on a busy machine. */
const STARTS = { timeout: 180_000 };

describe('a running flow that is given another version', STARTS, () => {
  it('[RN4] goes on with the new code from its offsets, with its state, its cursor and its counters', async () => {
    const document = tenKeys({ id: 'flow:goes-on', count: 600, ratePerSecond: 300 });
    await importFlow(document);
    const { id: runId } = await page.ask('run.start', { flowId: document.id, paused: false });
    await whenSunk(runId, 100);
    await putNode(document.id, withCode(document, counting('new')));
    const preview = await page.ask('run.previewReplacement', { runId });
    expect(preview).toMatchObject({
      version: 2,
      changes: [
        {
          kind: 'changed',
          record: 'node',
          id: 'node:double',
          paths: ['config.code'],
          effect: 'keeps',
          consequence: 'The next batch runs the new code; offsets and the state of 10 keys are kept.',
        },
      ],
    });
    expect(await apply(runId)).toMatchObject({ id: runId, version: 2, restarts: 0 });
    const ended = await whenOver(runId);
    expect(ended).toMatchObject({ status: 'completed', version: 2, restarts: 0 });
    expect(ended.counters['node:source']?.out).toBe(600);
    expect(ended.counters['node:double']).toMatchObject({ in: 600, out: 600, failed: 0 });
    expect(ended.counters['node:sink']?.in).toBe(600);

    const sunk = await sinkOf(runId);
    expectWhole(sunk, 600);
    const firstNew = sunk.findIndex(({ version }) => version === 'new');
    expect(firstNew).toBeGreaterThanOrEqual(100);
    // What was counted per key under the old code was counted on under the new.
    expect(sunk.filter(({ seen }) => seen === 1)).toHaveLength(10);
    const { notices } = await page.ask('run.watch', { runId, afterSeq: null, traces: false, logs: false });
    expect(notices.map(({ message }) => message)).toContain('The run goes on with version 2.');
  });

  it('[RN4] loses no message that is pushed meanwhile, and answers each once it is on disk', async () => {
    const document = hookFlow('flow:pushed');
    await importFlow(document);
    const { id: runId } = await page.ask('run.start', { flowId: document.id, paused: false });
    const accepted: number[] = [];
    let stop = false;
    const push = async (from: number): Promise<void> => {
      for (let n = from; !stop; n += 4) {
        const answer = await fetch(`${server.address}/ingest/pushed/orders`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ n, customer: { id: `c${n}` } }),
        });
        expect(answer.status, await answer.clone().text()).toBe(202);
        accepted.push(n);
      }
    };
    const pushing = Promise.all([0, 1, 2, 3].map(push));
    for (const level of ['warn', 'error', 'debug'] as const) {
      const log = nodeOf(document, 'node:log');
      if (log.kind === 'log') log.config.level = level;
      const before = accepted.length;
      await until('messages to be pushed', () => (accepted.length > before + 20 ? true : undefined));
      await putNode(document.id, log);
      await apply(runId);
    }
    stop = true;
    await pushing;
    await page.ask('run.stop', { runId });
    expect(await whenOver(runId)).toMatchObject({ status: 'stopped', version: 4, restarts: 0 });
    const text = await (
      await fetch(`${server.address}/api/runs/${runId}/topics/node:orders/messages.jsonl`)
    ).text();
    const stored = text
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { data: { n: number } }).data.n);
    expect(stored.sort((a, b) => a - b)).toEqual(accepted.sort((a, b) => a - b));
  });

  it('[RN4] stays on the version before when the new one cannot run, and says why', async () => {
    const document = tenKeys({ id: 'flow:broken-draft', count: 400, ratePerSecond: 400 });
    await importFlow(document);
    const { id: runId } = await page.ask('run.start', { flowId: document.id, paused: false });
    await whenSunk(runId, 50);
    await putNode(document.id, withCode(document, 'export function handle( {'));
    const { version, revision } = await page.ask('run.previewReplacement', { runId });
    const reply = await page.reply('run.replace', {
      runId,
      expectedVersion: version,
      expectedRevision: revision,
    });
    expect(reply).toMatchObject({
      ok: false,
      error: {
        code: 'REPLACEMENT_REFUSED',
        message: expect.stringMatching(/^Version 2 cannot run, so the run goes on with version 1\. Double: /),
        details: { cause: 'HANDLER_COMPILE_FAILED', nodeId: 'node:double' },
      },
    });
    const ended = await whenOver(runId);
    expect(ended).toMatchObject({ status: 'completed', version: 1, restarts: 0 });
    const sunk = await sinkOf(runId);
    expectWhole(sunk, 400);
    expect(sunk.every(({ version: spoke }) => spoke === 'old')).toBe(true);
  });

  it('[RN4] takes a drawing only as it was looked at, and not one that changes nothing or cannot be', async () => {
    const document = tenKeys({ id: 'flow:guarded', count: 100_000, ratePerSecond: 50 });
    await importFlow(document);
    const { id: runId } = await page.ask('run.start', { flowId: document.id, paused: true });
    const seen = await page.ask('run.previewReplacement', { runId });
    expect(seen).toMatchObject({ version: 1, changes: [] });
    const ask = (expectedVersion: number, expectedRevision: number) =>
      page.refusal('run.replace', { runId, expectedVersion, expectedRevision });
    expect(await ask(seen.version, seen.revision)).toBe('REPLACEMENT_REFUSED');
    await putNode(document.id, withCode(document, counting('new')));
    expect(await ask(seen.version, seen.revision)).toBe('FLOW_CONFLICT');
    const topic = nodeOf(document, 'node:numbers');
    if (topic.kind === 'topic') topic.config.partitions = 1;
    await putNode(document.id, topic);
    const blocked = await page.ask('run.previewReplacement', { runId });
    expect(blocked.changes.map(({ effect }) => effect)).toContain('blocking');
    expect(await ask(blocked.version, blocked.revision)).toBe('REPLACEMENT_REFUSED');
    await page.ask('run.stop', { runId });
    await whenOver(runId);
    expect(await page.refusal('run.previewReplacement', { runId })).toBe('RUN_NOT_ACTIVE');
  });

  it('[RN4] forgets a handler that is removed: drawn again it starts anew', async () => {
    const document = tenKeys({ id: 'flow:forgotten', count: 60, ratePerSecond: 1000 });
    // The hook keeps the run going when the generator has come to its end.
    const hook = nodeOf(hookFlow(), 'node:hook');
    document.nodes.push(hook);
    document.edges.push({
      id: 'edge:hook',
      source: 'node:hook',
      sourcePort: 'out',
      target: 'node:numbers',
    });
    await importFlow(document);
    const { id: runId } = await page.ask('run.start', { flowId: document.id, paused: false });
    await whenSunk(runId, 60);
    const patch = (put: object[], remove: string[]) =>
      page.ask('flow.patch', {
        flowId: document.id,
        clientId: 'tab-1',
        patchId: 'patch',
        patch: { put: put as never, remove },
      });
    await patch([], ['node:double']);
    const preview = await page.ask('run.previewReplacement', { runId });
    expect(preview.changes).toMatchObject([
      {
        kind: 'removed',
        id: 'node:double',
        effect: 'loses',
        consequence:
          'It is forgotten with its offsets and its state of 10 keys: drawn again, it starts anew.',
      },
    ]);
    await apply(runId);
    await until('metrics without the handler', async () => {
      const metrics = await metricsOf(runId);
      return metrics && !('node:double' in metrics.nodes) ? true : undefined;
    });

    const edges = document.edges.filter(
      ({ source, target }) => source === 'node:double' || target === 'node:double',
    );
    await patch(
      [
        { type: 'node', id: 'node:double', node: withCode(document, counting('again')) },
        ...edges.map((edge) => ({ type: 'edge', id: edge.id, edge })),
      ],
      [],
    );
    expect((await page.ask('run.previewReplacement', { runId })).changes).toMatchObject([
      {
        kind: 'added',
        id: 'node:double',
        effect: 'starts',
        consequence: 'A new group starts at the earliest message of numbers.',
      },
    ]);
    await apply(runId);
    await whenSunk(runId, 120);
    expect((await metricsOf(runId))?.nodes['node:double']).toMatchObject({ in: 60, out: 60 });
    const again = (await sinkOf(runId)).filter(({ version }) => version === 'again');
    expectWhole(again, 60);
    expect(again.filter(({ seen }) => seen === 1)).toHaveLength(10);
    await page.ask('run.stop', { runId });
    expect(await whenOver(runId)).toMatchObject({ status: 'stopped', version: 3 });
  });
});
