import { describe, expect, it } from 'vitest';
import type { TraceKind, TraceRecord } from './record.ts';
import { buildTrace } from './spans.ts';
import { mergeSummary, summarize } from './summary.ts';
import { traceRecord } from './testing/traceRecord.ts';

const at = (timeMs: number, kind: TraceKind, nodeId: string, more: Partial<TraceRecord> = {}): TraceRecord =>
  traceRecord({
    kind,
    timeMs,
    nodeId,
    correlationId: 'm1',
    key: 'k',
    topic: 'node:orders',
    partition: 0,
    offset: 5,
    attempt: kind === 'produced' || kind === 'appended' || kind === 'emitted' ? 0 : 1,
    ...more,
  });
const emitted = { messageId: 'm2', causationId: 'm1', messageType: 'order.paid', topic: 'node:paid' };

/** generator → orders → pay → paid → log, as the engine tells it. */
const happy: TraceRecord[] = [
  at(100, 'produced', 'node:gen'),
  at(102, 'appended', 'node:orders'),
  at(110, 'delivered', 'node:pay'),
  at(113, 'handled', 'node:pay', { durationUs: 3000 }),
  at(113, 'emitted', 'node:pay', emitted),
  at(115, 'appended', 'node:paid', emitted),
  at(116, 'delivered', 'node:log', emitted),
  at(117, 'handled', 'node:log', { ...emitted, durationUs: 500 }),
];
const nameOf = (id: string): string => id.slice('node:'.length);
const shape = (records: TraceRecord[]): string[] =>
  buildTrace(records, { nameOf }).spans.map(
    (span) =>
      `${'  '.repeat(span.depth)}${span.name} by ${nameOf(span.nodeId)} ${span.startMs}-${span.endMs} ${span.status}`,
  );

describe('the trace model', () => {
  it('[TR6] [MS3] names spans as OpenTelemetry does and nests them by causation', () => {
    expect(shape(happy)).toEqual([
      'send orders by gen 100-102 ok',
      '  process orders by pay 110-113 ok',
      '    send paid by pay 113-115 ok',
      '      process paid by log 116-117 ok',
    ]);
  });

  it('[TR6] shows what a producer was given and is no message as a send that failed', () => {
    const nowhere = { topic: null, partition: -1, offset: -1, attempt: 0, messageType: '', key: null };
    for (const kind of ['rejected', 'failed'] as const) {
      const [span] = buildTrace([at(100, kind, 'node:gen', nowhere)], { nameOf }).spans;
      expect(span).toMatchObject({ operation: 'send', nodeId: 'node:gen', topic: null, status: kind });
      expect(span?.endMs).toBe(100);
    }
  });

  it('does not depend on the order of the records', () => {
    expect(shape(happy.toReversed())).toEqual(shape(happy));
  });

  it('names the hops and nodes that the drawing lights up', () => {
    const trace = buildTrace(happy);
    expect(trace.hops.map((hop) => `${hop.source} ${hop.role} ${hop.target} ${hop.messages}`)).toEqual([
      'node:gen publish node:orders 1',
      'node:orders subscribe node:pay 1',
      'node:pay publish node:paid 1',
      'node:paid subscribe node:log 1',
    ]);
    expect(trace.nodes).toEqual(['node:gen', 'node:orders', 'node:pay', 'node:paid', 'node:log']);
    expect(trace).toMatchObject({ startMs: 100, endMs: 117, status: 'ok', messages: 2, failures: 0 });
    expect(trace.traceId).toMatch(/^[0-9a-f]{32}$/);
  });

  it('[DL5] [SM2] tells what befell a message in a topic where it was sent there', () => {
    const dead = { messageId: 'd1', causationId: 'm1', topic: 'node:failed', offset: 2 };
    const { spans } = buildTrace([
      ...happy.slice(0, 2),
      at(103, 'fault-injected', 'node:orders', { detail: 'duplicate' }),
      at(110, 'delivered', 'node:pay'),
      at(113, 'failed', 'node:pay'),
      at(113, 'dead-lettered', 'node:pay', { detail: 'node:failed' }),
      at(115, 'appended', 'node:failed', dead),
      at(200, 'redriven', 'node:failed', { topic: 'node:failed', offset: 2, attempt: 0 }),
    ]);
    const befell = spans.map(({ name, events }) => [name, events.map(({ kind }) => kind)]);
    expect(befell).toEqual([
      ['send node:orders', ['fault-injected']],
      ['process node:orders', ['dead-lettered']],
      ['send node:failed', ['redriven']],
    ]);
  });

  const failing: TraceRecord[] = [
    ...happy.slice(0, 3),
    at(113, 'failed', 'node:pay', { durationUs: 3000, errorCode: 'HANDLER_THREW', errorMessage: 'no money' }),
    at(113, 'retry-scheduled', 'node:pay', { detail: '200' }),
    at(313, 'delivered', 'node:pay', { attempt: 2 }),
    at(314, 'timed-out', 'node:pay', { attempt: 2, errorCode: 'HANDLER_TIMED_OUT' }),
  ];

  it('[DL2] [DL3] shows each attempt as a span that links to the one before', () => {
    const { spans, status } = buildTrace([
      ...failing.slice(0, 6),
      at(314, 'handled', 'node:pay', { attempt: 2 }),
    ]);
    const attempts = spans.filter((span) => span.operation === 'process');
    expect(attempts.map((span) => [span.attempt, span.status, span.errorCode, span.depth])).toEqual([
      [1, 'failed', 'HANDLER_THREW', 1],
      [2, 'ok', null, 1],
    ]);
    expect(attempts[0]?.events).toEqual([{ kind: 'retry-scheduled', timeMs: 113, detail: '200' }]);
    expect(attempts[1]?.links).toEqual([attempts[0]?.id]);
    expect(status).toBe('retried');
  });

  it.each([
    ['keeps the id', { messageId: 'm1', causationId: null }],
    ['has an id of its own', { messageId: 'd1', causationId: 'm1' }],
  ])('[DL4] follows a dead letter that %s to its topic', (_, id) => {
    const trace = buildTrace([
      ...failing,
      at(314, 'dead-lettered', 'node:pay', { attempt: 2, detail: 'node:dead' }),
      ...(id.messageId === 'm1' ? [] : [at(314, 'emitted', 'node:pay', { ...id, topic: 'node:dead' })]),
      at(316, 'appended', 'node:dead', { ...id, topic: 'node:dead', offset: 0 }),
    ]);
    expect(trace.status).toBe('dead-lettered');
    expect(trace.hops.map((hop) => `${hop.source} ${hop.role} ${hop.target}`)).toEqual([
      'node:gen publish node:orders',
      'node:orders subscribe node:pay',
      'node:pay dead-letter node:dead',
    ]);
    const sent = trace.spans.find((span) => span.topic === 'node:dead');
    const last = trace.spans.find((span) => span.attempt === 2);
    expect(sent?.parentId).toBe(last?.id);
    expect(last?.deadLettered).toBe(true);
  });

  it('[RN3] shows an attempt that a crash cut short, and the redelivery after it', () => {
    const trace = buildTrace([
      ...happy.slice(0, 3),
      at(900, 'redelivered', 'node:pay'),
      at(905, 'handled', 'node:pay'),
    ]);
    expect(trace.spans.filter((span) => span.operation === 'process').map((span) => span.status)).toEqual([
      'crashed',
      'ok',
    ]);
    expect(trace.status).toBe('ok');
  });

  it('copes with records whose beginning was not kept', () => {
    const trace = buildTrace([at(113, 'handled', 'node:pay', { durationUs: 3000 })]);
    expect(trace.spans).toMatchObject([
      { name: 'process node:orders', startMs: 110, endMs: 113, status: 'ok', parentId: null },
    ]);
  });

  it('shows one message sent to two topics as two sends', () => {
    const records = [...happy.slice(0, 2), at(103, 'appended', 'node:audit', { topic: 'node:audit' })];
    expect(shape(records)).toEqual(['send orders by gen 100-102 ok', 'send audit by gen 100-103 ok']);
  });

  it('leaves no span out when messages claim to cause each other', () => {
    const records = [
      at(1, 'appended', 'node:a', { causationId: 'm2' }),
      at(2, 'handled', 'node:x', {}),
      at(3, 'appended', 'node:b', { messageId: 'm2', causationId: 'm1', topic: 'node:b' }),
      at(4, 'handled', 'node:y', { messageId: 'm2', causationId: 'm1', topic: 'node:b' }),
    ];
    expect(buildTrace(records).spans).toHaveLength(4);
  });
});

describe('the trace summary', () => {
  it('gives the same line however the records arrive', () => {
    const whole = summarize(happy);
    expect(whole).toEqual({
      correlationId: 'm1',
      rootType: 'order.placed',
      rootNodeId: 'node:gen',
      key: 'k',
      startedMs: 100,
      lastMs: 117,
      records: 8,
      messages: 2,
      failures: 0,
      faults: 0,
      open: 0,
      unresolved: 0,
      status: 'ok',
    });
    for (let cut = 1; cut < happy.length; cut++) {
      expect(mergeSummary(mergeSummary(undefined, happy.slice(0, cut)), happy.slice(cut))).toEqual(whole);
    }
  });

  it('[TP2] takes the key from where the message got it', () => {
    const [produced, ...rest] = happy;
    expect(summarize([{ ...(produced as TraceRecord), key: null }, ...rest]).key).toBe('k');
  });

  it('tells what is under way, made good, given up and dead-lettered', () => {
    const start = happy.slice(0, 3);
    const failed = at(113, 'failed', 'node:pay', { errorCode: 'HANDLER_THREW' });
    const retry = at(113, 'retry-scheduled', 'node:pay');
    const again = at(313, 'delivered', 'node:pay', { attempt: 2 });
    expect(summarize(start).status).toBe('running');
    expect(summarize([...start, failed, retry]).status).toBe('running');
    expect(summarize([...start, failed, retry, again]).open).toBe(1);
    expect(
      summarize([...start, failed, retry, again, at(314, 'handled', 'node:pay', { attempt: 2 })]).status,
    ).toBe('retried');
    expect(summarize([...start, failed, at(113, 'skipped', 'node:pay')]).status).toBe('failed');
    expect(summarize([...start, failed, at(113, 'dead-lettered', 'node:pay')]).status).toBe('dead-lettered');
  });
});
