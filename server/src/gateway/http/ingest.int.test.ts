import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hookFlow } from '../testing/testFlows.ts';
import { startTestServer, type TestPage, type TestServer } from '../testing/testServer.ts';

type Accepted = { accepted: { id: string; topic: string; partition: number; offset: number }[] };

describe('HTTP ingest', () => {
  let server: TestServer;
  let page: TestPage;
  let runId = '';
  beforeAll(async () => {
    server = await startTestServer();
    page = await server.page();
    const document = hookFlow();
    await page.ask('flow.import', { document, keepId: true });
    runId = (await page.ask('run.start', { flowId: document.id, paused: false })).id;
  });
  afterAll(() => server.stop());

  const post = (body: string | Buffer, headers: Record<string, string> = {}, path = 'flow:hook/orders') =>
    fetch(`${server.address}/ingest/${path}`, {
      method: 'POST',
      body: typeof body === 'string' ? body : new Uint8Array(body),
      headers,
    });
  const stored = async ({ topic, partition, offset }: Accepted['accepted'][number]) => {
    const { message } = await page.ask('message.get', { runId, topicId: topic, partition, offset });
    if (!message) throw new Error(`nothing at ${topic}/${partition}/${offset}`);
    return message;
  };
  const json = { 'content-type': 'application/json' };

  it('takes JSON and answers when it is on disk', async () => {
    const response = await post('{"customer":{"id":42},"total":9.5}', json);
    expect(response.status).toBe(202);
    const { accepted } = (await response.json()) as Accepted;
    expect(accepted).toHaveLength(1);
    const message = await stored(accepted[0]!);
    expect(message).toMatchObject({ id: accepted[0]!.id, type: 'com.example.order', key: '42' });
    expect(JSON.parse(message.data)).toEqual({ customer: { id: 42 }, total: 9.5 });
  });

  it('takes the id of the flow without its prefix, and JSON that does not say it is', async () => {
    expect((await post('{"a":1}', {}, 'hook/orders')).status).toBe(202);
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await post('{"a":1}', form)).status).toBe(202);
  });

  it('[MS2] keeps the id of a CloudEvent, structured, binary or in a batch', async () => {
    const event = {
      specversion: '1.0',
      id: 'own-1',
      source: '/shop',
      type: 'order.placed',
      data: { customer: { id: 'c1' } },
    };
    const structured = await post(JSON.stringify(event), { 'content-type': 'application/cloudevents+json' });
    expect(structured.status).toBe(202);
    const [one] = ((await structured.json()) as Accepted).accepted;
    expect(await stored(one!)).toMatchObject({
      id: 'own-1',
      source: '/shop',
      type: 'order.placed',
      key: 'c1',
    });

    const binary = await post('{"total":1}', {
      ...json,
      'ce-specversion': '1.0',
      'ce-id': 'own-2',
      'ce-source': '/shop',
      'ce-type': 'order.paid',
      'ce-partitionkey': 'K%C3%B6ln',
    });
    const [two] = ((await binary.json()) as Accepted).accepted;
    expect(await stored(two!)).toMatchObject({ id: 'own-2', key: 'Köln', type: 'order.paid' });

    const batch = [event, { ...event, id: 'own-3' }];
    const many = await post(JSON.stringify(batch), { 'content-type': 'application/cloudevents-batch+json' });
    expect(((await many.json()) as Accepted).accepted.map(({ id }) => id)).toEqual(['own-1', 'own-3']);
  });

  it('says what is wrong with what it refuses, and goes on', async () => {
    const refused = async (response: Response, status: number, code: string): Promise<string> => {
      const error = (await response.json()) as { code: string; message: string };
      expect({ status: response.status, code: error.code }).toEqual({ status, code });
      return error.message;
    };
    await refused(await post('{"a":', json), 400, 'MESSAGE_INVALID');
    await refused(await post('', json), 400, 'MESSAGE_INVALID');
    await refused(await post(Buffer.from([0x22, 0xff, 0x22]), json), 400, 'MESSAGE_INVALID');
    await refused(
      await post('{"id":"x"}', { 'content-type': 'application/cloudevents+json' }),
      400,
      'MESSAGE_INVALID',
    );
    await refused(await post(JSON.stringify('x'.repeat(2 * 1024 * 1024)), json), 413, 'MESSAGE_TOO_LARGE');
    await refused(await post(Buffer.alloc(18 * 1024 * 1024, 0x20), json), 413, 'MESSAGE_TOO_LARGE');
    expect(await refused(await post('{}', json, 'hook/nowhere'), 404, 'NOT_FOUND')).toContain('nowhere');
    await refused(await post('{}', json, 'nobody/orders'), 404, 'FLOW_NOT_FOUND');
    expect((await post('{"still":"works"}', json)).status).toBe(202);
  });

  it('refuses pages of other sites', async () => {
    expect((await post('{}', { ...json, origin: 'https://evil.example' })).status).toBe(403);
  });

  it('says whether a run is paused or not there at all', async () => {
    await page.ask('run.pause', { runId });
    await page.whenHeard('run.changed', (run) => run.status === 'paused');
    const paused = await post('{}', json);
    expect(paused.status).toBe(503);
    expect(paused.headers.get('retry-after')).toBe('1');
    await page.ask('run.resume', { runId });
    await page.ask('run.stop', { runId });
    await page.whenHeard('run.changed', (run) => run.status === 'stopped');
    const over = await post('{}', json);
    expect(over.status).toBe(404);
    expect(((await over.json()) as { message: string }).message).toMatch(/not running/);
  });
});
