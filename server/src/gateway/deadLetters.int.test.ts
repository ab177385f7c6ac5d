import { emptyDocument, type FlowDocument } from '@millrace/shared/flow/document.ts';
import { handler } from '@millrace/shared/flow/records/handler.ts';
import { http } from '@millrace/shared/flow/records/http.ts';
import { log } from '@millrace/shared/flow/records/log.ts';
import { topic } from '@millrace/shared/flow/records/topic.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../cli/testing/testCli.ts';
import { until } from '../testing/until.ts';
import { startTestServer, type TestPage, type TestServer } from './testing/testServer.ts';

const ORDERS = 12;
const FLOW = 'flow:charges';
const LETTERS = 'node:charge.dead-letters';
const TOPIC = 'Charge.dead-letters';

/** Throws until a message has told it the price. */
const CODE = `export function handle(event, ctx) {
  if (event.data.price) { ctx.state.set('price', event.data.price); return; }
  if (!ctx.state.get('price')) {
    if (event.data.n % 3 === 0) ctx.fail('NO_STOCK');
    throw new Error('no price for ' + event.data.n);
  }
  ctx.emit('charged', event.data);
}
`;

function chargeFlow(): FlowDocument {
  const hook = { ...http.initial(), path: 'orders', key: 'customer' };
  const charge = { ...handler.initial(), code: CODE };
  charge.retry = { ...charge.retry, attemptsMax: 1 };
  const description = '';
  return {
    ...emptyDocument(FLOW, 'Charges'),
    nodes: [
      { id: 'node:hook', kind: 'http', name: 'Hook', description, config: hook },
      { id: 'node:orders', kind: 'topic', name: 'orders', description, config: topic.initial() },
      { id: 'node:charge', kind: 'handler', name: 'Charge', description, config: charge },
      { id: 'node:charged', kind: 'topic', name: 'charged', description, config: topic.initial() },
      { id: 'node:log', kind: 'log', name: 'Log', description, config: log.initial() },
    ],
    edges: [
      { id: 'edge:1', source: 'node:hook', sourcePort: 'out', target: 'node:orders' },
      { id: 'edge:2', source: 'node:orders', sourcePort: 'messages', target: 'node:charge' },
      { id: 'edge:3', source: 'node:charge', sourcePort: 'out', target: 'node:charged' },
      { id: 'edge:4', source: 'node:charged', sourcePort: 'messages', target: 'node:log' },
    ],
  };
}

describe('dead letters of a run', () => {
  let server: TestServer;
  let page: TestPage;
  let runId = '';
  beforeAll(async () => {
    server = await startTestServer();
    page = await server.page();
    await page.ask('flow.import', { document: chargeFlow(), keepId: true });
    ({ id: runId } = await page.ask('run.start', { flowId: FLOW, paused: false }));
    await page.ask('run.watch', { runId, afterSeq: null, traces: false, logs: false });
    for (let n = 0; n < ORDERS; n++) await post({ customer: 'c1', n });
    await whenCounted(LETTERS, 'in', ORDERS);
  });
  afterAll(() => server.stop());

  const post = async (body: unknown): Promise<void> => {
    const response = await fetch(`${server.address}/ingest/charges/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(202);
    expect(await response.json()).toMatchObject({ accepted: [{ topic: 'node:orders' }], dropped: 0 });
  };
  const whenCounted = (node: string, field: 'in' | 'redriven', count: number) =>
    page.whenHeard(
      'run.metrics',
      (metrics) => metrics.runId === runId && (metrics.nodes[node]?.[field] ?? 0) >= count,
    );
  const causes = () => page.ask('deadLetters.causes', { runId, topicId: null });
  const request = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(`${server.address}/api/requests/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  const cli = (...args: string[]) => runCli([...args, '--server', server.address]);

  it('[DL4] are grouped by cause, the largest group first', async () => {
    const { topics, truncated } = await causes();
    expect(truncated).toBe(0);
    expect(topics).toHaveLength(1);
    expect(topics[0]).toMatchObject({ topicId: LETTERS, name: TOPIC, total: ORDERS });
    expect(topics[0]?.causes.map(({ errorCode, count, redriven }) => [errorCode, count, redriven])).toEqual([
      ['HANDLER_THREW', 8, 0],
      ['HANDLER_FAILED', 4, 0],
    ]);
    const [threw] = topics[0]?.causes ?? [];
    if (!threw) throw new Error('no cause');
    expect(threw.error).toContain('no price for 11');
    expect(threw.lastMs).toBeGreaterThanOrEqual(threw.firstMs);
    const { message } = await page.ask('message.get', { runId, topicId: LETTERS, ...threw.sample });
    expect(message?.extensions).toMatchObject({ dlgroup: 'node:charge', redrives: 0 });
    expect(await page.refusal('deadLetters.causes', { runId, topicId: 'node:orders' })).toBe(
      'TOPIC_NOT_FOUND',
    );
    expect(await page.refusal('deadLetters.causes', { runId: 'run:none', topicId: null })).toBe(
      'RUN_NOT_FOUND',
    );
  });

  it('can be asked for over HTTP, by nobody from another site', async () => {
    const response = await request('deadLetters.causes', { runId, topicId: null });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual(await causes());
    expect((await request('deadLetters.causes', { runId })).status).toBe(400);
    expect((await request('run.watch', { runId })).status).toBe(404);
    expect((await request('run.list', {}, { origin: 'https://evil.example' })).status).toBe(403);
    const state = await (await fetch(`${server.address}/api/runs/${runId}`)).json();
    expect(state).toMatchObject({ run: { id: runId, status: 'running' }, metrics: { runId } });
  });

  it('[DL5] millrace says what there is and what a redrive would do', async () => {
    const listed = await cli('dead-letters', 'Charges');
    expect(listed.code).toBe(0);
    expect(listed.stdout).toContain(`${TOPIC}: ${ORDERS}`);
    expect(listed.stdout).toContain('8, 0 sent back');
    const dry = await cli('redrive', 'charges', '--cause', 'no price for', '--dry-run', '--json');
    expect(JSON.parse(dry.stdout)).toMatchObject({
      runId,
      status: 'done',
      total: ORDERS,
      counts: { looked: ORDERS, redriven: 8, passed: 4 },
    });
    const unknown = await cli('redrive', 'charges', '--cause', 'nothing like it');
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('No cause in') });
    expect(await cli('dead-letters', 'Nobody')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('There is no run Nobody'),
    });
    const away = await runCli(['dead-letters', 'Charges', '--server', 'http://127.0.0.1:9']);
    expect(away.stderr).toContain('No server answers at http://127.0.0.1:9');
  });

  it('[DL5] are sent back by cause, handled, and counted as such', async () => {
    await post({ customer: 'c1', price: 5 });
    const sent = await cli('redrive', runId, '--topic', TOPIC, '--code', 'HANDLER_FAILED', '--json');
    expect(sent.stderr).toBe('');
    expect(JSON.parse(sent.stdout)).toMatchObject({ status: 'done', counts: { redriven: 4, passed: 8 } });
    await whenCounted('node:log', 'in', 4);

    const { topics } = await causes();
    const threw = topics[0]?.causes.find(({ errorCode }) => errorCode === 'HANDLER_THREW');
    if (!threw) throw new Error('no cause');
    const parts = [{ topicId: LETTERS, selection: { causes: [threw.cause] } }];
    const dry = await page.ask('run.redrive', { runId, parts, dryRun: true });
    expect(dry).toMatchObject({ status: 'done', counts: { redriven: 8, passed: 4 } });
    const begun = await page.ask('run.redrive', { runId, parts, dryRun: false });
    expect(begun).toMatchObject({ id: 'redrive:2', status: 'running', total: ORDERS });
    await whenCounted('node:log', 'in', ORDERS);
    const { redrives } = await page.whenHeard('run.metrics', (metrics) =>
      metrics.redrives.some(({ id, status }) => id === begun.id && status === 'done'),
    );
    expect(redrives.find(({ id }) => id === begun.id)?.counts).toMatchObject({ redriven: 8, passed: 4 });
    const after = await until('the marks to be seen', async () => {
      const answer = await causes();
      return answer.topics[0]?.causes.every(({ count, redriven }) => count === redriven) ? answer : undefined;
    });
    expect(after.topics[0]?.total).toBe(ORDERS);
  });

  it('[DL5] stay readable when the run is over, and stay where they are', async () => {
    await page.ask('run.stop', { runId });
    await page.whenHeard('run.changed', (run) => run.id === runId && run.status === 'stopped');
    expect((await causes()).topics[0]).toMatchObject({ total: ORDERS });
    const refused = { runId, parts: [{ topicId: LETTERS, selection: {} }], dryRun: true };
    expect(await page.refusal('run.redrive', refused)).toBe('RUN_NOT_ACTIVE');
    const said = await cli('redrive', 'Charges');
    expect(said).toMatchObject({ code: 1, stderr: expect.stringContaining('is over') });
  });
});
