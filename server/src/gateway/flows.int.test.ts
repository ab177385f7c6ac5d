import { emptyDocument, type FlowDocument } from '@millrace/shared/flow/document.ts';
import { topic } from '@millrace/shared/flow/records/topic.ts';
import { writeDocument } from '@millrace/shared/flow/serialize.ts';
import { PROTOCOL_NUMBER } from '@millrace/shared/protocol/version.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectPage, startTestServer, type TestServer } from './testing/testServer.ts';

const aTopic = (id: string, name: string) =>
  ({ id, kind: 'topic', name, description: '', config: topic.initial() }) as const;

describe('flows over the socket', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(() => server.stop());

  it('lets a page in that speaks its protocol, and refuses others with the reason', async () => {
    const page = await server.page();
    expect(await page.ask('server.hello', {})).toMatchObject({
      protocol: PROTOCOL_NUMBER,
      ingestBase: `${server.address}/ingest`,
    });
    await expect(connectPage(server.address, 'old', { protocol: 0 })).rejects.toMatchObject({
      data: { reason: 'protocol-mismatch', server: PROTOCOL_NUMBER },
    });
    await expect(connectPage(server.address, '')).rejects.toMatchObject({
      data: { reason: 'handshake-invalid' },
    });
    await expect(connectPage(server.address, 'x', { origin: 'https://evil.example' })).rejects.toMatchObject({
      data: { reason: 'origin-refused' },
    });
    const own = await connectPage(server.address, 'x', { origin: server.address });
    own.close();
  });

  it('makes, lists, opens, duplicates and deletes a flow', async () => {
    const page = await server.page();
    const made = await page.ask('flow.create', { name: 'Orders' });
    expect(made).toMatchObject({ revision: 0, version: 0, activeRunId: null, document: { name: 'Orders' } });
    const copy = await page.ask('flow.duplicate', { flowId: made.document.id });
    expect(copy.document).toMatchObject({ name: 'Orders (copy)' });
    const { flows } = await page.ask('flow.list', {});
    expect(flows.map((flow) => flow.id)).toEqual(
      expect.arrayContaining([made.document.id, copy.document.id]),
    );
    await page.ask('flow.delete', { flowId: made.document.id });
    expect(await page.refusal('flow.open', { flowId: made.document.id })).toBe('FLOW_NOT_FOUND');
    await page.whenHeard('flow.deleted', ({ flowId }) => flowId === made.document.id);
    await page.whenHeard('flow.listChanged');
  });

  it('applies patches, tells the other tabs, and keeps what was changed', async () => {
    const page = await server.page('tab-1');
    const other = await server.page('tab-2');
    const { document } = await page.ask('flow.create', { name: 'Shared' });
    await other.ask('flow.open', { flowId: document.id });
    const node = aTopic('node:t', 'orders');
    const patch = { put: [{ type: 'node', id: node.id, node } as const], remove: [] };
    const { revision } = await page.ask('flow.patch', {
      flowId: document.id,
      clientId: 'tab-1',
      patchId: 'p1',
      patch,
    });
    expect(revision).toBe(1);
    const patched = await other.whenHeard('flow.patched', ({ flowId }) => flowId === document.id);
    expect(patched).toEqual({ flowId: document.id, revision: 1, clientId: 'tab-1', patchId: 'p1', patch });
    expect(page.heard.filter(({ event }) => event === 'flow.patched')).toEqual([]);
    const seen = await other.ask('flow.open', { flowId: document.id });
    expect(seen).toMatchObject({ revision: 1, document: { nodes: [node] } });
  });

  it('answers a bad request with a code, and goes on', async () => {
    const page = await server.page();
    expect(await page.refusal('flow.open', { flowId: 'not an id' })).toBe('REQUEST_INVALID');
    expect(await page.refusal('flow.create', { name: 'x', extra: 1 })).toBe('REQUEST_INVALID');
    expect(await page.refusal('flow.open', undefined)).toBe('REQUEST_INVALID');
    expect(await page.refusal('flow.explode', {})).toBe('REQUEST_UNKNOWN');
    page.socket.emit('flow.explode');
    page.socket.emit('flow.open', { flowId: 7 });
    expect(await page.ask('flow.list', {})).toHaveProperty('flows');
    const metrics = await (await fetch(`${server.address}/metrics`)).text();
    expect(metrics).toMatch(/millrace_socket_requests_refused_total\{code="REQUEST_INVALID"\} [1-9]/);
  });

  it('refuses a patch that does not fit and changes nothing', async () => {
    const page = await server.page();
    const { document } = await page.ask('flow.create', { name: 'Strict' });
    const bad = { put: [{ type: 'node', id: 'node:a', node: { id: 'node:a', kind: 'teapot' } }], remove: [] };
    const request = { flowId: document.id, clientId: 'c', patchId: 'p', patch: bad };
    expect(await page.refusal('flow.patch', request)).toBe('REQUEST_INVALID');
    expect(await page.ask('flow.open', { flowId: document.id })).toMatchObject({ revision: 0 });
  });

  it('imports a document or its text; a damaged one names the place and changes nothing', async () => {
    const page = await server.page();
    const document: FlowDocument = {
      ...emptyDocument('flow:imported', 'Imported'),
      nodes: [aTopic('node:t', 't')],
    };
    const first = await page.ask('flow.import', { document, keepId: true });
    expect(first.document.id).toBe('flow:imported');
    expect(await page.refusal('flow.import', { document, keepId: true })).toBe('FLOW_CONFLICT');
    const second = await page.ask('flow.import', {
      document: writeDocument(document, 'yaml'),
      keepId: false,
    });
    expect(second.document.id).not.toBe('flow:imported');
    expect(second.document.nodes).toEqual(first.document.nodes);

    const before = await page.ask('flow.list', {});
    const damaged = await page.reply('flow.import', {
      document: '{ "format": "millrace.flow",\n  "nodes": [ }',
      keepId: false,
    });
    expect(damaged).toMatchObject({ ok: false, error: { code: 'FLOW_UNREADABLE' } });
    if (!damaged.ok) expect(damaged.error.message).toMatch(/line 2/);
    const wrong = await page.reply('flow.import', { document: { ...document, name: '' }, keepId: false });
    expect(wrong).toMatchObject({ ok: false, error: { code: 'FLOW_INVALID' } });
    expect(await page.ask('flow.list', {})).toEqual(before);
  });

  it('finds everything again after a restart', async () => {
    const page = await server.page();
    const { document } = await page.ask('flow.create', { name: 'Lasting' });
    await server.restart();
    const again = await server.page();
    expect((await again.ask('flow.open', { flowId: document.id })).document).toEqual(document);
  });
});

describe('flows over HTTP', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer({ allowedOrigins: ['http://localhost:5173'] });
  });
  afterAll(() => server.stop());

  it('tells whether it is well', async () => {
    const response = await fetch(`${server.address}/healthz`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ status: 'ok', activeRuns: 0 });
  });

  it('imports a flow and publishes the schema of documents', async () => {
    const text = writeDocument(emptyDocument('flow:http', 'By HTTP'), 'json');
    const made = await fetch(`${server.address}/api/flows/import?keepId=true`, {
      method: 'POST',
      body: text,
    });
    expect(made.status).toBe(201);
    expect(await made.json()).toMatchObject({ id: 'flow:http', name: 'By HTTP' });
    const again = await fetch(`${server.address}/api/flows/import?keepId=true`, {
      method: 'POST',
      body: text,
    });
    expect(again.status).toBe(409);
    const list = await (await fetch(`${server.address}/api/flows`)).json();
    expect(list).toMatchObject({ flows: [{ id: 'flow:http' }] });
    const schema = await (await fetch(`${server.address}/api/flow.schema.json`)).json();
    expect(schema).toMatchObject({ title: 'Millrace flow' });
  });

  it.each(['json', 'yaml', 'mermaid', 'markdown', 'svg'])('exports a flow as %s', async (format) => {
    const id = `flow:export-${format}`;
    const document = { ...emptyDocument(id, 'Größe 1'), nodes: [aTopic('node:t', 'orders')] };
    await (await server.page()).ask('flow.import', { document, keepId: true });
    const response = await fetch(`${server.address}/api/flows/${id}/export?format=${format}`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-disposition')).toMatch(/^attachment; filename="[\w.-]+"/);
    const text = await response.text();
    expect(text).toContain('orders');
    if (format === 'json') expect(text).toBe(writeDocument(document, 'json'));
    const unknown = await fetch(`${server.address}/api/flows/${id}/export?format=cobol`);
    expect(unknown.status).toBe(400);
  });

  it('keeps pages of other sites out', async () => {
    const post = (origin: string) =>
      fetch(`${server.address}/api/flows/import`, { method: 'POST', body: '{}', headers: { origin } });
    const refused = await post('https://evil.example');
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({ code: 'ORIGIN_REFUSED' });
    expect((await post('http://localhost:5173')).status).toBe(422);
    expect((await post(server.address)).status).toBe(422);
  });

  it('keeps uploaded files, whole or not at all', async () => {
    const url = `${server.address}/api/files/small.jsonl`;
    const put = await fetch(url, { method: 'PUT', body: '{"a":1}\n{"a":2}\n' });
    expect(put.status).toBe(201);
    expect(await put.json()).toEqual({ name: 'small.jsonl', bytes: 16, builtIn: false });
    expect(await (await fetch(url)).text()).toBe('{"a":1}\n{"a":2}\n');
    const page = await server.page();
    expect((await page.ask('file.list', {})).files).toContainEqual({
      name: 'small.jsonl',
      bytes: 16,
      builtIn: false,
    });
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(204);
    expect((await fetch(url)).status).toBe(404);
    for (const name of ['..%2Fmillrace.db', '.hidden.jsonl', 'program.exe', 'a%00.csv']) {
      const bad = await fetch(`${server.address}/api/files/${name}`, { method: 'PUT', body: 'x' });
      expect([400, 404]).toContain(bad.status);
    }
  });

  it('says as JSON that an address does not exist', async () => {
    const response = await fetch(`${server.address}/api/nothing`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: 'NOT_FOUND' });
    expect((await fetch(`${server.address}/assets/missing.js`)).status).toBe(404);
  });
});
