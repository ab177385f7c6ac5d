import type { Message } from '@millrace/shared/message/message.ts';
import { describe, expect, it } from 'vitest';
import { checkCounters, readAll } from '../simulator/checkers.ts';
import type { NativeHandler } from '../simulator/nativeHandler.ts';
import { flow, listSource } from '../simulator/testing/flowBuilder.ts';
import { runVirtual, type VirtualCommand, type VirtualRunOptions } from '../simulator/virtualRun.ts';

const START_MS = 1_767_225_600_000;
const TOTAL = 400;
const LIMIT = 40;

const failing: NativeHandler = () => {
  throw new Error('not now');
};

/** A reader that cannot go on for `delayMs`: its first message waits for its retry. */
function retryAfter(delayMs: number) {
  return {
    attemptsMax: 2,
    backoff: 'fixed' as const,
    delayMs,
    delayMsMax: delayMs,
    jitter: 0,
    order: 'in-order' as const,
    exceptFor: '',
  };
}

type WhenFull = 'block' | 'drop' | 'fail';

function replayed(whenFull: WhenFull, extra: Partial<VirtualRunOptions> = {}) {
  const document = flow()
    .node('replay', 'source', { speed: { mode: 'full' }, whenFull })
    .node('topic', 'in', { partitions: 1 })
    .node('log', 'sink', { afterLastAttempt: 'skip', retry: retryAfter(5000) })
    .edges('source > in', 'in > sink')
    .settings({ backlogMessagesMax: LIMIT })
    .document();
  let failures = 0;
  return runVirtual({
    document,
    seed: 1,
    sources: { 'node:source': listSource(TOTAL, (index) => ({ id: `item-${index}` })) },
    // Only the first message fails, once.
    handlers: { 'node:sink': (event, ctx) => (failures++ === 0 ? failing(event, ctx) : undefined) },
    ...extra,
  });
}

/** The most that was appended to `node:in` and not yet finished by `node:sink`, at any moment. */
function mostWaiting({ traces }: ReturnType<typeof runVirtual>): number {
  let waiting = 0;
  let most = 0;
  for (const { kind, nodeId } of traces) {
    if (kind === 'appended' && nodeId === 'node:in') waiting++;
    if ((kind === 'handled' || kind === 'skipped') && nodeId === 'node:sink') waiting--;
    most = Math.max(most, waiting);
  }
  return most;
}

describe('back-pressure of producers', () => {
  it('[TP6] block: the producer waits, says for whom, and loses nothing', () => {
    const run = replayed('block');
    expect(run.view.status).toBe('completed');
    expect(run.view.nodes['node:source']).toMatchObject({ out: TOTAL, dropped: 0 });
    expect(mostWaiting(run)).toBe(LIMIT);
    const during = replayed('block', { untilMs: 2000 });
    expect(during.view.conditions['node:source']).toMatchObject({
      state: 'blocked',
      reason: `sink is ${LIMIT} messages behind on in; the limit is ${LIMIT}.`,
    });
    expect(during.view.subscriptions['edge:2']).toMatchObject({
      lag: LIMIT,
      backlog: LIMIT,
      backlogMax: LIMIT,
      backlogBytesMax: 67_108_864,
    });
  });

  it('[TP6] [TR3] drop: the producer goes on, and every message is either appended or counted', () => {
    const run = replayed('drop');
    expect(run.view.status).toBe('completed');
    const { out = 0, dropped = 0 } = run.view.nodes['node:source'] ?? {};
    expect(out + dropped).toBe(TOTAL);
    expect(dropped).toBeGreaterThan(0);
    expect(readAll(run.log, 'node:in').flat()).toHaveLength(out);
    expect(mostWaiting(run)).toBeLessThanOrEqual(LIMIT);
    const records = run.traces.filter(({ kind }) => kind === 'dropped');
    const told = records.reduce((sum, { detail }) => sum + Number(detail?.split(' ', 1)[0]), 0);
    expect(told).toBe(dropped);
    expect(records.length).toBeLessThan(dropped);
    expect(records[0]).toMatchObject({ nodeId: 'node:source', errorCode: 'BACKLOG_FULL' });
    expect(records[0]?.detail).toContain('sink is 40 messages behind on in');
    expect(checkCounters(run.log, run.plan)).toEqual([]);
  });

  it('[TP6] [RN3] drop: a crash neither repeats nor forgets what was left out', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const run = replayed('drop', {
        seed,
        faults: { crashesAfterMs: [4, 11, 5004, 5030], writesRefused: 0.2 },
      });
      expect(run.view.status).toBe('completed');
      const { out = 0, dropped = 0 } = run.view.nodes['node:source'] ?? {};
      expect(out + dropped, `seed ${seed}`).toBe(TOTAL);
      expect(readAll(run.log, 'node:in').flat()).toHaveLength(out);
    }
  });

  it('[TP6] drop: a producer with a pace leaves out what is due while a reader is full, and no more', () => {
    const document = flow()
      .node('replay', 'source', { speed: { mode: 'rate', ratePerSecond: 100 }, whenFull: 'drop' })
      .node('topic', 'in', { partitions: 1 })
      .node('log', 'sink', { afterLastAttempt: 'skip', retry: retryAfter(2000) })
      .edges('source > in', 'in > sink')
      .settings({ backlogMessagesMax: LIMIT })
      .document();
    const run = replayed('drop', { document });
    const { out = 0, dropped = 0 } = run.view.nodes['node:source'] ?? {};
    expect(out + dropped).toBe(TOTAL);
    // Two seconds at 100 a second, but for the 40 that there is room for.
    expect(dropped).toBeGreaterThan(140);
    expect(dropped).toBeLessThan(180);
  });

  it('[TP6] fail: the producer is over, what it made is handled, and the run fails', () => {
    const run = replayed('fail');
    expect(run.statuses.at(-1)).toMatchObject({ status: 'failed', error: { code: 'BACKLOG_FULL' } });
    expect(run.view.conditions['node:source']?.reason).toContain('sink is 40 messages behind on in');
    expect(run.view.nodes['node:source']).toMatchObject({ out: LIMIT, dropped: 0 });
    expect(run.view.nodes['node:sink']?.in).toBe(LIMIT);
  });

  it('[TP6] [RN3] fail: a producer that has failed does not come back with the next process', () => {
    const run = replayed('fail', { faults: { crashesAfterMs: [1000] } });
    expect(run.crashes).toBe(1);
    expect(run.statuses.at(-1)).toMatchObject({ status: 'failed', error: { code: 'BACKLOG_FULL' } });
    expect(run.view.nodes['node:source']?.out).toBe(LIMIT);
  });

  it('[TP6] a full disk is no reason to drop or to fail: nothing could be recorded', () => {
    for (const whenFull of ['drop', 'fail'] as const) {
      const document = flow()
        .node('replay', 'source', { speed: { mode: 'rate', ratePerSecond: 100 }, whenFull })
        .node('topic', 'in', { partitions: 1 })
        .node('log', 'sink')
        .edges('source > in', 'in > sink')
        .settings({ backlogMessagesMax: LIMIT })
        .document();
      const run = replayed(whenFull, { document, faults: { writesRefused: 1 }, untilMs: 5000 });
      expect(run.view).toMatchObject({ status: 'running', stalled: expect.any(String) });
      expect(run.view.conditions['node:source']).toMatchObject({ state: 'blocked', inFlight: LIMIT });
      expect(run.view.subscriptions['edge:2']?.backlog).toBe(LIMIT);
    }
  });

  it('[TP6] an edge has its own limit, in messages and in bytes, beside the one of the flow', () => {
    const limited = (backlog: { messages: number; bytes: number }, bytesOfFlow = 67_108_864) => {
      const document = flow()
        .node('replay', 'source', { speed: { mode: 'full' } })
        .node('topic', 'in', { partitions: 3, key: 'index' })
        .node('log', 'sink', { afterLastAttempt: 'skip', retry: retryAfter(60_000) })
        .edges('source > in', 'in > sink')
        .settings({ backlogBytesMax: bytesOfFlow })
        .document();
      const edge = document.edges[1];
      if (edge && bytesOfFlow === 67_108_864) edge.backlog = backlog;
      const data = (index: number): string => JSON.stringify({ index, text: 'x'.repeat(1000) });
      const sources = { 'node:source': listSource(TOTAL, (index) => ({ data: data(index) })) };
      return runVirtual({
        document,
        seed: 1,
        sources,
        handlers: { 'node:sink': failing },
        untilMs: 20_000,
      });
    };
    const byMessages = limited({ messages: 25, bytes: 1_000_000 });
    expect(byMessages.view.subscriptions['edge:2']).toMatchObject({ backlog: 25, backlogMax: 25 });

    const byBytes = limited({ messages: 1000, bytes: 20_000 });
    const { backlog = 0, backlogBytes = 0, backlogBytesMax } = byBytes.view.subscriptions['edge:2'] ?? {};
    expect(backlogBytesMax).toBe(20_000);
    // It stops at the message that reaches the limit.
    expect(backlogBytes).toBeGreaterThanOrEqual(20_000);
    expect(backlogBytes).toBeLessThan(21_500);
    expect(backlog).toBe(16);
    expect(byBytes.view.conditions['node:source']?.reason).toMatch(
      /sink is \d+ bytes behind on in; the limit is 20000/,
    );

    const byFlow = limited({ messages: 1, bytes: 1024 }, 20_000);
    expect(byFlow.view.subscriptions['edge:2']?.backlog).toBe(16);
  });

  it('[TP6] a reader that has caught up is 0 messages and 0 bytes behind, also after crashes', () => {
    for (const crashesAfterMs of [[], [3, 9, 5010, 5020]]) {
      const run = replayed('block', { faults: { crashesAfterMs } });
      expect(run.view.status).toBe('completed');
      expect(run.view.subscriptions['edge:2']).toMatchObject({ lag: 0, backlog: 0, backlogBytes: 0 });
    }
  });

  it('[TP6] of several readers the slowest one counts', () => {
    const document = flow()
      .node('replay', 'source', { speed: { mode: 'full' } })
      .node('topic', 'in', { partitions: 1 })
      .node('log', 'quick')
      .node('log', 'slow', { retry: retryAfter(60_000) })
      .edges('source > in', 'in > quick', 'in > slow')
      .settings({ backlogMessagesMax: LIMIT })
      .document();
    const run = replayed('block', { document, handlers: { 'node:slow': failing }, untilMs: 3000 });
    expect(run.view.subscriptions['edge:2']).toMatchObject({ backlog: 0, backlogBytes: 0 });
    expect(run.view.subscriptions['edge:3']?.backlog).toBe(LIMIT);
    expect(run.view.conditions['node:source']?.reason).toContain('slow is 40 messages behind');
  });
});

describe('back-pressure of pushed messages', () => {
  const message = (id: string): Message => ({
    id,
    source: 'test',
    type: 'test.pushed',
    timeMs: START_MS,
    key: null,
    correlationId: id,
    causationId: null,
    data: '{}',
  });
  const push = (afterMs: number, id: string, count = 1): VirtualCommand => ({
    afterMs,
    type: 'ingest',
    producer: 'node:hook',
    messages: Array.from({ length: count }, (_, index) => message(`${id}.${index}`)),
  });
  /** The reader's first message fails and is skipped after `heldMs`; until then nothing moves. */
  const pushed = (whenFull: WhenFull, heldMs: number, commands: VirtualCommand[]) => {
    const document = flow()
      .node('http', 'hook', { whenFull })
      .node('topic', 'in', { partitions: 1 })
      .node('log', 'sink', { afterLastAttempt: 'skip', retry: retryAfter(heldMs) })
      .edges('hook > in', 'in > sink')
      .settings({ backlogMessagesMax: 3 })
      .document();
    const run = runVirtual({
      document,
      seed: 2,
      sources: {},
      handlers: {
        'node:sink': (event, ctx) => (event.id === 'a.0' ? failing(event, ctx) : undefined),
      },
      commands: [...commands, { afterMs: 60_000, type: 'stop' }],
    });
    const answers = run.replies.map((reply) =>
      reply.ok ? (reply.dropped > 0 ? `dropped ${reply.dropped}` : 'ok') : reply.error.code,
    );
    const stored = readAll(run.log, 'node:in').flat();
    return { ...run, answers, ids: stored.map((entry) => entry.message.id), stored };
  };

  it('[TP6] fail: is refused and says who is behind', () => {
    const run = pushed('fail', 1000, [push(10, 'a', 3), push(100, 'b'), push(2000, 'c')]);
    expect(run.answers).toEqual(['ok', 'BACKLOG_FULL', 'ok']);
    expect(run.replies[1]).toMatchObject({
      error: { message: expect.stringContaining('sink is 3 messages behind') },
    });
    expect(run.ids).toEqual(['a.0', 'a.1', 'a.2', 'c.0']);
  });

  it('[TP6] drop: is taken with the number that was left out, which is counted and traced', () => {
    const run = pushed('drop', 1000, [push(10, 'a', 3), push(100, 'b', 2), push(2000, 'c')]);
    expect(run.answers).toEqual(['ok', 'dropped 2', 'ok']);
    expect(run.ids).toEqual(['a.0', 'a.1', 'a.2', 'c.0']);
    expect(run.view.nodes['node:hook']).toMatchObject({ out: 4, dropped: 2 });
    const records = run.traces.filter(({ kind }) => kind === 'dropped');
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({ nodeId: 'node:hook', errorCode: 'BACKLOG_FULL' });
  });

  it('[TP6] block: waits for room and is taken in the order of asking', () => {
    const run = pushed('block', 4000, [push(10, 'a', 3), push(100, 'b'), push(200, 'c', 4), push(300, 'd')]);
    expect(run.answers).toEqual(['ok', 'ok', 'ok', 'ok']);
    expect(run.ids).toEqual(['a.0', 'a.1', 'a.2', 'b.0', 'c.0', 'c.1', 'c.2', 'c.3', 'd.0']);
    const tookMs = (run.stored.find((entry) => entry.message.id === 'b.0')?.appendedAtMs ?? 0) - START_MS;
    expect(tookMs).toBeGreaterThanOrEqual(4000);
    expect(tookMs).toBeLessThan(4200);
  });

  it('[TP6] block: gives up after ten seconds, and nothing of the request is kept', () => {
    const run = pushed('block', 30_000, [push(10, 'a', 3), push(100, 'b')]);
    expect(run.answers).toEqual(['ok', 'BACKLOG_FULL']);
    expect(run.replies[1]).toMatchObject({
      error: { message: expect.stringContaining('within 10 seconds') },
    });
    expect(run.ids).toEqual(['a.0', 'a.1', 'a.2']);
  });

  it('[TP6] block: requests that wait are limited in number and in bytes', () => {
    const many = Array.from({ length: 1002 }, (_, index) => push(100 + index * 0.001, `b${index}`));
    const run = pushed('block', 5000, [push(10, 'a', 3), ...many]);
    expect(run.answers.filter((answer) => answer === 'BACKLOG_FULL')).toHaveLength(2);
    expect(run.ids).toHaveLength(3 + 1000);
    const large = (afterMs: number): VirtualCommand => ({
      afterMs,
      type: 'ingest',
      producer: 'node:hook',
      messages: Array.from({ length: 17 }, (_, index) => ({
        ...message(`l${afterMs}.${index}`),
        data: JSON.stringify('x'.repeat(1_000_000)),
      })),
    });
    const byBytes = pushed('block', 5000, [push(10, 'a', 3), large(100), large(200)]);
    expect(byBytes.answers).toEqual(['ok', 'BACKLOG_FULL', 'ok']);
  });

  it('[TP6] [RN2] block: a pause or a stop answers those that wait', () => {
    const paused = pushed('block', 9000, [
      push(10, 'a', 3),
      push(100, 'b'),
      { afterMs: 500, type: 'pause' },
      { afterMs: 600, type: 'resume' },
    ]);
    expect(paused.answers).toEqual(['ok', 'RUN_NOT_ACTIVE']);
    const stopped = pushed('block', 9000, [push(10, 'a', 3), push(100, 'b'), { afterMs: 500, type: 'stop' }]);
    expect(stopped.answers).toEqual(['ok', 'RUN_NOT_ACTIVE']);
    expect(stopped.ids).toEqual(['a.0', 'a.1', 'a.2']);
  });
});
