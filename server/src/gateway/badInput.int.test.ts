import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ErrorData } from '@millrace/shared/errors/workbenchError.ts';
import { NODE_KIND_NAMES, type NodeKind } from '@millrace/shared/flow/records/registry.ts';
import { type MetricsSnapshot, type NodeCounters, zeroCounters } from '@millrace/shared/trace/metrics.ts';
import type { TraceKind } from '@millrace/shared/trace/record.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createTestPostgres,
  POSTGRES_BIN,
  type TestPostgres,
} from '../live/sinks/database/testing/testPostgres.ts';
import { flow } from '../simulator/testing/flowBuilder.ts';
import { until } from '../testing/until.ts';
import { badInputFlow, FED, type Fed, SCHEMAS, SOURCES_AND_TOPICS } from './testing/badInputs.ts';
import { REFUSALS } from './testing/refusedDrawings.ts';
import { startTestServer, type TestPage, type TestServer } from './testing/testServer.ts';

/** Every request to a run that fails all over is answered within this. */
const CONTROL_MS_MAX = 10_000;

let server: TestServer;
let page: TestPage;
beforeAll(async () => {
  server = await startTestServer();
  page = await server.page();
});
afterAll(() => server.stop());

it('knows bad input for every kind of node', () => {
  const sorted = (kinds: Iterable<string>) => [...new Set(kinds)].toSorted();
  const all = sorted(NODE_KIND_NAMES);
  expect(sorted(Object.keys(REFUSALS))).toEqual(all);
  expect(Object.values(REFUSALS).every((cases) => cases.length > 0)).toBe(true);
  expect(sorted([...FED.map(({ kind }) => kind), ...SOURCES_AND_TOPICS])).toEqual(all);
});

describe('a drawing that cannot work is refused before it runs', () => {
  const cases = (Object.keys(REFUSALS) as NodeKind[]).flatMap((kind) =>
    REFUSALS[kind].map((refusal) => ({ kind, ...refusal })),
  );
  it.each(cases)('[RN1] $kind with $what', async ({ node, draw, code, says }) => {
    const document = draw(flow('refused')).document();
    document.schemas = [
      ...SCHEMAS,
      { id: 'schema:broken', subject: 'broken', version: 1, schema: { type: 'nothing' } },
    ];
    const imported = await page.reply<{ document: { id: string } }>('flow.import', {
      document,
      keepId: false,
    });
    const answer = imported.ok
      ? await page.reply('run.start', { flowId: imported.value.document.id, paused: false })
      : imported;
    if (answer.ok) throw new Error('It was not refused.');
    const { error }: { error: ErrorData } = answer;
    expect(error).toMatchObject({ code, message: expect.stringMatching(says) });
    expect(error.message).toContain(node);
  });
});

describe('a run in which every node meets bad input', () => {
  let http: Server;
  let away: Server;
  let awayPort = 0;
  let postgres: TestPostgres | null = null;
  let fed: Fed[] = [];
  let runId = '';
  /** Bad and good messages that each node was given. */
  const given = new Map<string, { bad: number; good: number }>();

  const answering = (): Server =>
    createServer((request, response) => {
      request.resume();
      if (request.url === '/refuse') response.writeHead(409).end('no such order');
      else response.end('{}');
    });
  const addressOf = (listening: Server) => `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
  const metrics = (): MetricsSnapshot | undefined =>
    page.heard.findLast(({ event }) => event === 'run.metrics')?.payload[0] as MetricsSnapshot | undefined;
  const countersOf = (name: string): NodeCounters => metrics()?.nodes[`node:${name}`] ?? zeroCounters();
  const conditionOf = (name: string) => metrics()?.conditions[`node:${name}`];
  const push = (path: string, body: unknown) =>
    fetch(`${server.address}/ingest/bad-input/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const give = async (name: string, kind: 'bad' | 'good', payload: unknown): Promise<void> => {
    expect((await push(name, payload)).status).toBe(202);
    const sofar = given.get(name) ?? { bad: 0, good: 0 };
    given.set(name, { ...sofar, [kind]: sofar[kind] + 1 });
  };
  const whenCounted = (name: string, expected: Partial<NodeCounters>) =>
    until(`${name} to count ${JSON.stringify(expected)}`, () => {
      const counters = countersOf(name);
      const keys = Object.keys(expected) as (keyof NodeCounters)[];
      return keys.every((key) => counters[key] === expected[key]) ? counters : undefined;
    });
  const whenSays = (name: string, state: string, code: string) =>
    until(`${name} to be ${state} for ${code}`, () => {
      const condition = conditionOf(name);
      return condition?.state === state && condition.code === code ? condition : undefined;
    });
  /** A record of the trace of some message that failed at the node. */
  const whenTraced = (name: string, kind: TraceKind, errorCode: Fed['code']) =>
    until(`a trace that says ${kind} at ${name}`, async () => {
      const nodeId = `node:${name}`;
      const { traces } = await page.ask('trace.list', { runId, errorCode, nodeId, limit: 10 });
      for (const { correlationId } of traces) {
        const { records } = await page.ask('trace.get', { runId, correlationId });
        const found = records.find(
          (record) => record.nodeId === nodeId && record.kind === kind && record.errorCode === errorCode,
        );
        if (found) return { found, records };
      }
      return undefined;
    });
  const inTime = async <Value>(what: string, asked: Promise<Value>): Promise<Value> => {
    const startedMs = performance.now();
    const value = await asked;
    expect(performance.now() - startedMs, what).toBeLessThan(CONTROL_MS_MAX);
    return value;
  };
  const whenRun = (status: string) =>
    until(`the run to be ${status}`, () => (metrics()?.status === status ? true : undefined), CONTROL_MS_MAX);

  beforeAll(async () => {
    http = answering().listen(0, '127.0.0.1');
    await once(http, 'listening');
    // A port that was free a moment ago, where nobody listens.
    away = answering().listen(0, '127.0.0.1');
    await once(away, 'listening');
    awayPort = (away.address() as AddressInfo).port;
    const awayAddress = addressOf(away);
    away.close();
    await once(away, 'close');
    if (POSTGRES_BIN !== undefined) postgres = await createTestPostgres(POSTGRES_BIN);
    fed = FED.filter(({ until: what }) => what !== 'postgres' || postgres !== null);
    await fetch(`${server.address}/api/files/broken.jsonl`, {
      method: 'PUT',
      body: '{"n":1}\n{"n":2}\n{"n":\n{"n":4}\n',
    });
    const document = badInputFlow(fed, {
      http: addressOf(http),
      away: awayAddress,
      postgres: postgres?.connection ?? null,
    });
    await page.ask('flow.import', { document, keepId: true });
    ({ id: runId } = await page.ask('run.start', { flowId: document.id, paused: false }));
    await page.ask('run.watch', { runId, afterSeq: null, traces: false, logs: false });
    for (const { name, until: what } of fed) {
      if (what !== 'fault') continue;
      const fault = {
        kind: 'fail' as const,
        target: { nodeId: `node:${name}` },
        rate: 1,
        delayMs: 0,
        durationMs: null,
      };
      await page.ask('run.injectFault', { runId, fault });
    }
  }, 60_000);

  afterAll(async () => {
    for (const listening of [http, away]) listening.close();
    await postgres?.remove();
  });

  const namesOf = (fits: (fed: Fed) => boolean) =>
    FED.filter((one) => fits(one) && (one.until !== 'postgres' || POSTGRES_BIN !== undefined)).map((one) => ({
      ...one,
    }));

  it.each(namesOf(() => true))(
    '[TR7] [TR1] [TR2] $name ($kind) says what is wrong, in its state, in the trace and in its counters',
    async ({ name, bad, code, says, state, trace, counts }) => {
      for (let message = 0; message < 2; message++) await give(name, 'bad', bad);
      const condition = await whenSays(name, state, code);
      expect(condition.reason).toMatch(says);
      if (counts) {
        const twice = Object.entries(counts).map(([key, count]) => [key, count * 2]);
        await whenCounted(name, Object.fromEntries(twice));
      } else await until(`${name} to try again`, () => (countersOf(name).retried > 2 ? true : undefined));
      const { found, records } = await whenTraced(name, trace, code);
      expect(found.errorMessage).toMatch(says);
      // What was given up on says where it went.
      if (counts?.deadLettered)
        expect(records.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['dead-lettered']));
    },
  );

  it('[TR7] [TP5] topics and producers say what does not fit a schema, whatever the policy', async () => {
    const refused = await push('reject', { m: 1 });
    expect(refused.status).toBe(422);
    expect(await refused.json()).toMatchObject({ code: 'PAYLOAD_INVALID' });
    for (const policy of ['dead-letter', 'flag']) expect((await push(policy, { m: 1 })).status).toBe(202);
    for (const name of ['reject', 'reject-door', 'dead-letter', 'flag', 'generated', 'scheduled', 'schedule'])
      expect((await whenSays(name, 'failing', 'PAYLOAD_INVALID')).reason).toMatch(/schema of .*'n'/);
    expect((await whenSays('generator', 'finished', 'PAYLOAD_INVALID')).reason).toMatch(/'n'/);
    await whenCounted('reject', { in: 0 });
    await whenCounted('reject-door', { out: 0, rejected: 1 });
    await whenCounted('dead-letter', { in: 0, deadLettered: 1 });
    await whenCounted('flag', { in: 1, flagged: 1 });
    await whenCounted('generator', { out: 0, rejected: 20 });
    await whenCounted('schedule', { out: 0 });
    for (const name of ['reject-door', 'generator', 'schedule'])
      await whenTraced(name, 'rejected', 'PAYLOAD_INVALID');
    await whenTraced('dead-letter', 'dead-lettered', 'PAYLOAD_INVALID');
    await whenTraced('flag', 'flagged', 'PAYLOAD_INVALID');
  });

  it('[RN2] [TR7] a recording with a broken line ends its producer there, and says which line', async () => {
    const condition = await whenSays('replay', 'failed', 'SOURCE_UNREADABLE');
    expect(condition.reason).toMatch(/^Line 3 of broken\.jsonl cannot be read: it is not JSON/);
    const { records } = await whenTraced('replay', 'failed', 'SOURCE_UNREADABLE');
    expect(records.map(({ errorMessage }) => errorMessage)).toEqual([condition.reason]);
    await whenCounted('replay', { out: 2, rejected: 0 });
    await whenCounted('replayed', { in: 2 });
  });

  it('[TR7] what is sent to an address and is no message is answered, and the node says it', async () => {
    const answer = await push('reject', '{"n":');
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ code: 'MESSAGE_INVALID' });
    const condition = await whenSays('reject-door', 'failing', 'MESSAGE_INVALID');
    expect(condition.reason).toMatch(/JSON/);
    await whenTraced('reject-door', 'rejected', 'MESSAGE_INVALID');
    await whenCounted('reject-door', { out: 0, rejected: 2 });
  });

  it('[RN2] pauses, answers and goes on while everything fails', async () => {
    await inTime('pause', page.ask('run.pause', { runId }));
    await whenRun('paused');
    const { metrics: watched } = await inTime(
      'metrics',
      page.ask('run.watch', { runId, afterSeq: null, traces: false, logs: false }),
    );
    expect(watched?.status).toBe('paused');
    const before = countersOf('away').failed;
    // A message that waits for its retry is taken at once; which node has waited longest is not the matter here.
    const stepped = await inTime('step', page.ask('run.step', { runId }));
    expect(stepped.nodeId).not.toBeNull();
    await inTime('resume', page.ask('run.resume', { runId }));
    await whenRun('running');
    await until('calls to be tried again', () => (countersOf('away').failed > before ? true : undefined));
  });

  it('[TR7] [DL3] is well again once what was wrong is over, and has lost nothing', async () => {
    away = answering().listen(awayPort, '127.0.0.1');
    await once(away, 'listening');
    await postgres?.start();
    await page.ask('run.healFault', { runId, faultId: null });
    for (const { name, good } of fed) await give(name, 'good', good);
    for (const policy of ['reject', 'dead-letter', 'flag'])
      expect((await push(policy, { n: 1 })).status).toBe(202);
    for (const { name, code } of fed) {
      const isWell = ({ state }: { state: string }) => state === 'idle' || state === 'active';
      const condition = await until(`${name} to be well again`, () => {
        const now = conditionOf(name);
        return now && isWell(now) ? now : undefined;
      });
      // The last error can still be read.
      expect(condition.code).toBe(code);
    }
    for (const name of ['reject', 'reject-door', 'dead-letter', 'flag'])
      await until(`${name} to be well again`, () =>
        conditionOf(name)?.state === 'active' ? true : undefined,
      );
  }, 90_000);

  it('[TR2] has counted every message once', async () => {
    for (const { name, counts } of fed) {
      const { bad = 0, good = 0 } = given.get(name) ?? {};
      const gaveUp = counts?.deadLettered ? bad : 0;
      const counters = await whenCounted(name, { in: bad + good, deadLettered: gaveUp });
      expect(counters.failed - counters.retried, name).toBe(gaveUp);
      if (!counts) expect(counters.failed, name).toBeGreaterThan(2);
    }
  });

  it.each(namesOf(({ until: what }) => what === undefined))(
    '[RN2] a step at $name meets one bad message, and says whose it was',
    async ({ name, bad, counts }) => {
      const nodeId = `node:${name}`;
      await page.ask('run.pauseGroup', { runId, nodeId });
      await give(name, 'bad', bad);
      await page.ask('run.pause', { runId });
      await page.ask('run.resumeGroup', { runId, nodeId });
      const stepped = await inTime('step', page.ask('run.step', { runId }));
      expect(stepped.nodeId).toBe(nodeId);
      const times = given.get(name)?.bad ?? 0;
      await whenCounted(name, { failed: times, rejected: times * (counts?.rejected ?? 0) });
      await page.ask('run.resume', { runId });
    },
  );

  it('[RN3] stops, and keeps what every node has counted', async () => {
    const last = new Map(fed.map(({ name }) => [name, countersOf(name)]));
    await inTime('stop', page.ask('run.stop', { runId }));
    const ended = await page.whenHeard('run.changed', (run) => run.id === runId && run.endedMs !== null);
    expect(ended.status).toBe('stopped');
    for (const [name, counters] of last) expect(ended.counters[`node:${name}`], name).toEqual(counters);
  });
});
