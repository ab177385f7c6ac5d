import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { badOf, deliveryOf, invocationOf, okOf } from '../../../sandbox/contract/deliveries.ts';
import { until } from '../../../testing/until.ts';
import { testNode } from '../../testNodes.ts';
import { createCallSink } from './callSink.ts';

type Request = { method: string; url: string; headers: IncomingMessage['headers']; body: string };
type Answer = (request: Request, response: ServerResponse, count: number) => void;
type Config = Parameters<typeof testNode<'call'>>[1];

let server: Server;
let answer: Answer;
let requests: Request[];
const sockets = new Set<Socket>();
const sinks: ReturnType<typeof createCallSink>[] = [];

beforeEach(async () => {
  requests = [];
  answer = (_request, response) => response.end();
  server = createServer(async (incoming, response) => {
    let body = '';
    for await (const chunk of incoming) body += chunk;
    const { method = '', url = '', headers } = incoming;
    const request = { method, url, headers, body };
    requests.push(request);
    answer(request, response, requests.length);
  });
  server.on('connection', (socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  await Promise.all(sinks.splice(0).map((sink) => sink.close()));
  for (const socket of sockets) socket.destroy();
  if (server.listening) {
    server.close();
    await once(server, 'close');
  }
});

const here = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

function open(config: Config = {}, variables: Record<string, string> = {}) {
  const node = testNode('call', { url: `${here()}/orders`, ...config });
  const sink = createCallSink(node, { folder: '/nowhere', connected: new Set(['out']), variables });
  sinks.push(sink);
  return sink;
}

const call = (sink: ReturnType<typeof open>, ...payloads: unknown[]) =>
  sink.invoke(
    invocationOf(
      'node:call',
      payloads.map((data, index) => deliveryOf(data, index)),
    ),
    0,
  );

const answerJson =
  (value: unknown): Answer =>
  (_request, response) =>
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(value));

describe('a call', () => {
  it('[KD9] sends the payload as it is, with the message id as Idempotency-Key', async () => {
    const delivery = deliveryOf({});
    delivery.message.data = '{"big": 12345678901234567890}';
    await open().invoke(invocationOf('node:call', [delivery]), 0);
    expect(requests).toMatchObject([
      {
        method: 'POST',
        url: '/orders',
        body: '{"big": 12345678901234567890}',
        headers: { 'idempotency-key': 'message-0', 'content-type': 'application/json' },
      },
    ]);
  });

  it('[KD9] fills in address, headers and body from the message, and secrets from the environment', async () => {
    const sink = open(
      {
        method: 'PUT',
        url: `${here()}/orders/{{data.id}}?by={{key}}`,
        headers: [
          { name: 'Authorization', value: 'Bearer ${FLOW_TOKEN}' },
          { name: 'X-Note', value: '{{data.note}}' },
          { name: 'Content-Type', value: 'application/vnd.order+json' },
        ],
        body: { from: 'json', template: '{"amount":"{{data.amount}}"}' },
        idempotencyKey: false,
      },
      { FLOW_TOKEN: 'secret' },
    );
    await call(sink, { id: 'a/b', amount: 7, note: 'zwei\r\nx-evil: ü' });
    expect(requests).toMatchObject([
      {
        method: 'PUT',
        url: '/orders/a%2Fb?by=key-0',
        body: '{"amount":7}',
        headers: {
          authorization: 'Bearer secret',
          'x-note': 'zwei%0D%0Ax-evil: %C3%BC',
          'content-type': 'application/vnd.order+json',
        },
      },
    ]);
    expect(requests[0]?.headers).not.toHaveProperty('x-evil');
    expect(requests[0]?.headers).not.toHaveProperty('idempotency-key');
  });

  it('[KD9] GET sends no body', async () => {
    await call(open({ method: 'GET' }), { a: 1 });
    expect(requests).toMatchObject([{ method: 'GET', body: '' }]);
    expect(requests[0]?.headers).not.toHaveProperty('content-type');
  });

  it('[KD9] does not call with an address that the message cannot fill in', async () => {
    const sink = open({ url: `${here()}/orders/{{data.id}}` });
    expect(badOf((await call(sink, { other: 1 }))[0])).toMatchObject({
      status: 'rejected',
      error: { code: 'MESSAGE_INVALID', message: expect.stringContaining('{{data.id}}') },
    });
    expect(requests).toEqual([]);
  });

  it('[DL8] goes on after what fails where nothing waits for it', async () => {
    const sink = open({ url: `${here()}/orders/{{data.id}}` });
    const deliveries = [{ id: 1 }, { other: 1 }, { id: 3 }].map((data, index) => deliveryOf(data, index));
    const statusesOf = async (goesOn: boolean) =>
      (await sink.invoke(invocationOf('node:call', deliveries, {}, goesOn), 0)).map(({ status }) => status);
    expect(await statusesOf(true)).toEqual(['ok', 'rejected', 'ok']);
    expect(await statusesOf(false)).toEqual(['ok', 'rejected']);
  });

  it('[KD10] passes the answer on with the key of the message: JSON as it came, and the headers that were chosen', async () => {
    answer = (_request, response) =>
      response
        .writeHead(201, { 'content-type': 'application/problem+json', etag: '"1"', 'x-other': 'o' })
        .end('{"big": 12345678901234567890}');
    const sink = open({ responseHeaders: 'ETag, x-missing', eventType: 'order.answered' });
    const [emission] = okOf((await call(sink, { a: 1 }))[0]).emits;
    expect(emission).toEqual({
      target: 'out',
      type: 'order.answered',
      key: 'key-0',
      data: '{"status":201,"headers":{"etag":"\\"1\\""},"body":{"big": 12345678901234567890}}',
    });
  });

  it.each([
    ['text/plain', 'hello', 'hello'],
    ['application/json', 'no json', 'no json'],
    ['application/json', '', null],
  ])('[KD10] passes on %s %j as %j', async (type, body, expected) => {
    answer = (_request, response) => response.writeHead(200, { 'content-type': type }).end(body);
    const [emission] = okOf((await call(open(), {}))[0]).emits;
    expect(JSON.parse(emission?.data ?? '')).toMatchObject({ body: expected });
  });

  it('[KD10] makes no message where the output leads nowhere', async () => {
    const node = testNode('call', { url: here() });
    const sink = createCallSink(node, { folder: '', connected: new Set(), variables: {} });
    sinks.push(sink);
    expect(okOf((await call(sink, {}))[0]).emits).toEqual([]);
    expect(requests).toHaveLength(1);
  });

  it('[KD11] fails with the status and what to know about it', async () => {
    answer = (_request, response) =>
      response.writeHead(503, { 'retry-after': '120' }).end('  down for\n maintenance ');
    const { status, error } = badOf((await call(open(), {}))[0]);
    expect(status).toBe('failed');
    expect(error.code).toBe('CALL_REFUSED');
    expect(error.message).toBe(
      `POST ${here()}/orders: the answer was 503 Service Unavailable; it asks to wait: Retry-After is 120; it says “down for maintenance”.`,
    );
  });

  it('[KD11] counts as answers what the node says', async () => {
    answer = (_request, response) => response.writeHead(404).end();
    expect((await call(open({ success: '200-299, 404' }), {}))[0]?.status).toBe('ok');
    answer = (_request, response) => response.writeHead(200).end();
    expect((await call(open({ success: '201' }), {}))[0]?.status).toBe('failed');
  });

  it('[KD11] keeps the outcomes before the one that fails, and answers no more', async () => {
    answer = (_request, response, count) => response.writeHead(count === 2 ? 500 : 200).end();
    expect((await call(open(), 1, 2, 3)).map(({ status }) => status)).toEqual(['ok', 'failed']);
    expect(requests).toHaveLength(2);
  });

  it('[KD11] says that nobody listens, without the secrets of the address', async () => {
    const sink = open({ url: `${here()}/o?token=\${FLOW_TOKEN}` }, { FLOW_TOKEN: 'secret' });
    server.close();
    await once(server, 'close');
    const { status, error } = badOf((await call(sink, {}))[0]);
    expect([status, error.code]).toEqual(['failed', 'CALL_FAILED']);
    expect(error.message).toContain('nothing listens there');
    expect(error.message).not.toContain('secret');
  });

  it('[KD11] times out when the answer does not begin, and when it does not end', async () => {
    const slow: Answer[] = [() => undefined, (_request, response) => response.writeHead(200).write('begun')];
    for (const each of slow) {
      answer = each;
      const { status, error, durationUs } = badOf((await call(open({ timeoutMs: 100 }), {}))[0]);
      expect([status, error.code]).toEqual(['timed-out', 'CALL_TIMED_OUT']);
      expect(error.message).toContain('100 ms');
      expect(durationUs).toBeGreaterThanOrEqual(90_000);
    }
  });

  it('[KD11] fails on a connection that is dropped, before the answer or in its middle', async () => {
    const drops: Answer[] = [
      (_request, response) => response.socket?.destroy(),
      (_request, response) => {
        response.writeHead(200, { 'content-length': '100' }).write('begun', () => response.socket?.destroy());
      },
    ];
    for (const each of drops) {
      answer = each;
      const { error } = badOf((await call(open(), {}))[0]);
      expect(error.code).toBe('CALL_FAILED');
      expect(error.message).toContain('closed before the answer was whole');
    }
  });

  it('[KD11] reads no more of an answer than its limit', async () => {
    let written = 0;
    answer = (_request, response) => {
      const more = (): void => {
        while (written < 500_000_000 && response.write('x'.repeat(65_536))) written += 65_536;
      };
      response.on('drain', more);
      more();
    };
    const { error } = badOf((await call(open({ responseBytesMax: 100_000 }), {}))[0]);
    expect(error).toMatchObject({
      code: 'CALL_FAILED',
      message: expect.stringContaining('more than 100000 bytes'),
    });
    expect(written).toBeLessThan(50_000_000);
    answer = (_request, response) => response.end('x'.repeat(100_000));
    expect((await call(open({ responseBytesMax: 100_000 }), {}))[0]?.status).toBe('ok');
  });

  it('[KD12] follows no redirects, and says where one points', async () => {
    answer = (_request, response) =>
      response.writeHead(302, { location: 'ftp://elsewhere/file?secret=1' }).end();
    const { error } = badOf((await call(open(), {}))[0]);
    expect(error).toMatchObject({
      code: 'CALL_REFUSED',
      message: expect.stringContaining(
        '302 Found; it points to ftp://elsewhere/file, and redirects are not followed',
      ),
    });
    expect(requests).toHaveLength(1);
  });

  it('[KD12] opens only http and https, whatever the environment says', () => {
    expect(() => open({ url: '${FLOW_API}/x' }, { FLOW_API: 'file:///etc' })).toThrow(
      /no http or https address/,
    );
    expect(() => open({ url: '${FLOW_API}/x' }, {})).toThrow(/FLOW_API/);
  });

  it('gives up a call that is under way when the run is closed', async () => {
    answer = () => undefined;
    const sink = open();
    const outcomes = call(sink, {});
    await until('the request to arrive', () => (requests.length > 0 ? true : undefined));
    await sink.close();
    expect((await outcomes)[0]?.status).toBe('failed');
  });

  it('answers in parts when calls take long, so that the first become durable', async () => {
    answer = (_request, response, count) => {
      if (count < 3) response.end();
      else setTimeout(() => response.end(), 150);
    };
    expect(await call(open(), 1, 2, 3, 4, 5)).toHaveLength(3);
  });

  it('[KD13] is the same call at every attempt', async () => {
    answer = (request, response, count) =>
      count === 1 ? response.writeHead(500).end() : answerJson({ ok: true })(request, response, count);
    const sink = open();
    expect((await call(sink, { a: 1 }))[0]?.status).toBe('failed');
    expect((await call(sink, { a: 1 }))[0]?.status).toBe('ok');
    expect(requests[0]).toEqual(requests[1]);
  });
});
