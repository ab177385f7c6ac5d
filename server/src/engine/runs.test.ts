import { describe, expect, it } from 'vitest';
import { checkProduced, readAll } from '../simulator/checkers.ts';
import type { NativeHandler } from '../simulator/nativeHandler.ts';
import { flow, listSource } from '../simulator/testing/flowBuilder.ts';
import { runVirtual, type VirtualCommand, type VirtualRunOptions } from '../simulator/virtualRun.ts';

const passOn: NativeHandler = (event, ctx) => ctx.emit('out', event.data);

function chain(source: { ratePerSecond: number } | null = null) {
  return flow()
    .node('replay', 'source', { speed: source ? { mode: 'rate', ...source } : { mode: 'full' } })
    .node('topic', 'in', { partitions: 2 })
    .node('handler', 'work')
    .node('topic', 'out', { partitions: 1 })
    .node('log', 'sink')
    .edges('source > in', 'in > work', 'work > out', 'out > sink');
}

function options(total: number, extra: Partial<VirtualRunOptions> = {}): VirtualRunOptions {
  return {
    document: chain().document(),
    seed: 3,
    sources: { 'node:source': listSource(total, (index) => ({ id: `item-${index}`, key: `k${index % 3}` })) },
    handlers: { 'node:work': passOn },
    ...extra,
  };
}

describe('the life of a run', () => {
  it('[RN2] a paused run finishes what is in flight and begins nothing; resumed, it goes on', () => {
    const commands: VirtualCommand[] = [
      { afterMs: 100, type: 'pause' },
      { afterMs: 5000, type: 'resume' },
    ];
    const run = runVirtual(options(200, { document: chain({ ratePerSecond: 100 }).document(), commands }));
    expect(run.statuses.map(({ status }) => status)).toEqual(['running', 'paused', 'running', 'completed']);
    const quiet = run.traces.filter(
      ({ timeMs }) =>
        timeMs > run.endedMs - 1e9 && timeMs - 1_767_225_600_000 > 150 && timeMs - 1_767_225_600_000 < 5000,
    );
    expect(quiet).toEqual([]);
    expect(run.view.nodes['node:sink']?.in).toBe(200);
  });

  it('[RN2] a step handles exactly one message, the oldest; then a producer makes one when none waits', () => {
    const commands: VirtualCommand[] = Array.from({ length: 7 }, (_, index) => ({
      afterMs: 100 * (index + 1),
      type: 'step',
    }));
    const run = runVirtual(options(2, { paused: true, commands, untilMs: 10_000 }));
    expect(run.steps.map(({ nodeId }) => nodeId)).toEqual([
      'node:source',
      'node:work',
      'node:sink',
      'node:source',
      'node:work',
      'node:sink',
      null,
    ]);
    expect(run.steps.map(({ correlationId }) => correlationId)).toEqual([
      'item-0',
      'item-0',
      'item-0',
      'item-1',
      'item-1',
      'item-1',
      null,
    ]);
    expect(run.view.status).toBe('paused');
    expect(run.view.nodes['node:sink']?.in).toBe(2);
  });

  it('[RN2] a step does not wait for a retry delay, and counts as one attempt', () => {
    const document = chain();
    const retry = {
      attemptsMax: 2,
      backoff: 'fixed' as const,
      delayMs: 3_600_000,
      delayMsMax: 3_600_000,
      jitter: 0,
      order: 'in-order' as const,
      exceptFor: '',
    };
    const failing: NativeHandler = () => {
      throw new Error('no');
    };
    const commands: VirtualCommand[] = [100, 200, 300].map((afterMs) => ({ afterMs, type: 'step' }));
    const built = document.document();
    for (const node of built.nodes) if (node.kind === 'handler') node.config.retry = retry;
    const run = runVirtual(
      options(1, {
        document: built,
        paused: true,
        commands,
        untilMs: 1000,
        handlers: { 'node:work': failing },
      }),
    );
    expect(run.steps.map(({ nodeId }) => nodeId)).toEqual(['node:source', 'node:work', 'node:work']);
    expect(run.view.nodes['node:work']).toMatchObject({ failed: 2, deadLettered: 1 });
  });

  it('[RN3] stopping ends producers first, then hands on what the topics hold', () => {
    const run = runVirtual(
      options(10_000, {
        document: chain({ ratePerSecond: 1000 }).document(),
        commands: [{ afterMs: 500, type: 'stop' }],
      }),
    );
    expect(run.statuses.map(({ status }) => status)).toEqual(['running', 'stopping', 'stopped']);
    const made = run.view.nodes['node:source']?.out ?? 0;
    expect(made).toBeGreaterThan(300);
    expect(made).toBeLessThan(600);
    expect(
      checkProduced(
        run.log,
        'node:in',
        Array.from({ length: made }, (_, i) => `item-${i}`),
      ),
    ).toEqual([]);
    const committed = run.view.subscriptions['edge:2']?.committed.reduce((a, b) => a + b) ?? 0;
    expect(run.view.nodes['node:work']?.in).toBe(committed);
    expect(run.view.nodes['node:sink']?.in, 'what was made has arrived').toBe(made);
    expect(run.view.subscriptions['edge:2']?.lag).toBe(0);
  });

  it('[RN3] stopping does not wait for ever for a retry, nor at all when it is asked for twice', () => {
    const failing: NativeHandler = () => {
      throw new Error('never');
    };
    const retry = {
      attemptsMax: 9,
      backoff: 'fixed' as const,
      delayMs: 60_000,
      delayMsMax: 60_000,
      jitter: 0,
      order: 'in-order' as const,
      exceptFor: '',
    };
    const startMs = 1_767_225_600_000;
    const stopped = (commands: VirtualCommand[]) =>
      runVirtual(
        options(10, {
          document: flow()
            .node('replay', 'source', { speed: { mode: 'full' } })
            .node('topic', 'in', { partitions: 2 })
            .node('handler', 'work', { retry })
            .edges('source > in', 'in > work')
            .document(),
          handlers: { 'node:work': failing },
          startMs,
          commands,
        }),
      );
    const once = stopped([{ afterMs: 500, type: 'stop' }]);
    expect(once.view.status).toBe('stopped');
    expect(once.endedMs - startMs).toBeGreaterThanOrEqual(5500);
    expect(once.endedMs - startMs).toBeLessThan(6500);
    const twice = stopped([
      { afterMs: 500, type: 'stop' },
      { afterMs: 900, type: 'stop' },
    ]);
    expect(twice.view.status).toBe('stopped');
    expect(twice.endedMs - startMs).toBeLessThan(1500);
  });

  it('[RN3] a stopped log is taken up where it was left, with the same counts', () => {
    const first = runVirtual(
      options(3000, { document: chain({ ratePerSecond: 1000 }).document(), untilMs: 700 }),
    );
    const second = runVirtual(
      options(3000, {
        document: chain({ ratePerSecond: 1000 }).document(),
        log: first.log,
        startMs: first.endedMs,
      }),
    );
    expect(second.view.status).toBe('completed');
    expect(second.view.nodes['node:source']?.out).toBe(3000);
    expect(second.view.nodes['node:sink']?.in).toBe(3000);
    expect(
      checkProduced(
        second.log,
        'node:in',
        Array.from({ length: 3000 }, (_, i) => `item-${i}`),
      ),
    ).toEqual([]);
  });

  it('[RN2] a source that fails ends as a failed run, after what it gave is handled', () => {
    const document = chain().node('replay', 'broken').edges('broken > in').document();
    const base = options(50);
    let asked = 0;
    const run = runVirtual({
      ...base,
      document,
      sources: {
        ...base.sources,
        'node:broken': (cursor, itemsMax) => {
          if (asked++ > 0) throw new Error('line 11 is not JSON');
          return { ...listSource(10, () => ({}))(cursor, itemsMax), done: false };
        },
      },
    });
    expect(run.statuses.at(-1)).toMatchObject({ status: 'failed', error: { code: 'SOURCE_UNREADABLE' } });
    expect(run.view.nodes['node:sink']?.in).toBe(60);
    expect(run.view.conditions['node:broken']).toMatchObject({
      state: 'failed',
      reason: 'line 11 is not JSON',
    });
  });

  it('[CG3] a group that begins at the latest sees only what comes after, also when it is restarted', () => {
    const first = runVirtual(options(100));
    const document = chain()
      .node('log', 'late', { startFrom: { at: 'latest' } })
      .edges('in > late')
      .document();
    const sources = {
      'node:source': listSource(150, (index) => ({ id: `item-${index}`, key: `k${index % 3}` })),
    };
    const second = runVirtual(options(0, { document, sources, log: first.log }));
    expect(second.view.nodes['node:late']?.in).toBe(50);
    expect(second.log.commits().filter(({ group }) => group === 'node:late')).toHaveLength(2);
  });

  it('[CG1] every group sees every message', () => {
    const document = chain().node('log', 'other').edges('in > other').document();
    const run = runVirtual(options(300, { document }));
    expect(run.view.nodes['node:other']?.in).toBe(300);
    expect(run.view.nodes['node:in']).toMatchObject({ in: 300, out: 600 });
  });

  it('[TP6] a producer waits while a reader of its topic is at the limit', () => {
    const document = chain().settings({ backlogMessagesMax: 40 }).document();
    const run = runVirtual(options(2000, { document }));
    expect(run.view.status).toBe('completed');
    let waiting = 0;
    let most = 0;
    for (const { kind, topic, nodeId } of run.traces) {
      if (kind === 'appended' && topic === 'node:in') waiting++;
      if (kind === 'handled' && nodeId === 'node:work') waiting--;
      most = Math.max(most, waiting);
    }
    expect(most).toBeLessThanOrEqual(40);
  });

  it('[TP2] keys decide partitions as Kafka does; without keys batches go round', () => {
    const sources = { 'node:source': listSource(1000, () => ({})) };
    const run = runVirtual(options(0, { sources }));
    const [first, second] = run.view.topics['node:in']?.end ?? [];
    expect(Math.abs(first! - second!)).toBeLessThanOrEqual(64);
    expect(first! + second!).toBe(1000);
  });

  it('keeps the pace of a rate, and of recorded times, across a pause', () => {
    const byTime = flow()
      .node('replay', 'source', { speed: { mode: 'by-time', factor: 1 } })
      .node('topic', 'in')
      .node('log', 'sink')
      .edges('source > in', 'in > sink')
      .document();
    const sources = { 'node:source': listSource(11, (index) => ({ dueMs: index * 1000 })) };
    const commands: VirtualCommand[] = [
      { afterMs: 2500, type: 'pause' },
      { afterMs: 62_500, type: 'resume' },
    ];
    const run = runVirtual({ document: byTime, seed: 1, sources, commands });
    expect(run.endedMs - 1_767_225_600_000).toBeGreaterThanOrEqual(70_000);
    expect(run.endedMs - 1_767_225_600_000).toBeLessThan(70_100);
    const rate = runVirtual(options(1000, { document: chain({ ratePerSecond: 100 }).document() }));
    const produced = rate.traces.filter(({ kind }) => kind === 'produced');
    expect(produced.at(-1)!.timeMs - produced[0]!.timeMs).toBeGreaterThan(9700);
    expect(produced.at(-1)!.timeMs - produced[0]!.timeMs).toBeLessThan(10_300);
  });
});

describe('pushed messages', () => {
  const message = {
    id: '',
    source: '',
    type: '',
    timeMs: 5,
    key: null,
    correlationId: '',
    causationId: null,
  };
  const document = flow()
    .node('http', 'hook', { key: 'customer' })
    .node('topic', 'in', { schema: 'schema:any' })
    .node('log', 'sink')
    .edges('hook > in', 'in > sink')
    .document();
  const push = (afterMs: number, ...data: string[]): VirtualCommand => ({
    afterMs,
    type: 'ingest',
    producer: 'node:hook',
    messages: data.map((text) => ({ ...message, data: text })),
  });

  it('[TP3] are answered with where they stand once they are durable', () => {
    const commands = [
      push(10, '{"customer":"a"}', '{"customer":"b"}'),
      { afterMs: 100, type: 'stop' as const },
    ];
    const run = runVirtual({ document, seed: 1, sources: {}, commands });
    const reply = run.replies[0];
    expect(reply?.ok).toBe(true);
    const stored = readAll(run.log, 'node:in').flat();
    expect(stored).toHaveLength(2);
    if (reply?.ok) {
      for (const { id, topic, partition, offset } of reply.accepted) {
        expect(
          run.log.read({ topic, partition, fromOffset: offset, messagesMax: 1, bytesMax: 1 }).messages[0]
            ?.message.id,
        ).toBe(id);
      }
    }
    expect(stored.map(({ message: { key } }) => key).toSorted()).toEqual(['a', 'b']);
    expect(stored[0]?.message).toMatchObject({
      type: 'com.example.received',
      source: '/flows/flow:test/nodes/node:hook',
    });
    expect(run.view.nodes['node:hook']).toMatchObject({ out: 2 });
  });

  it('[MS4] [TP5] are refused with a reason, all of a request or none', () => {
    const commands = [
      push(10, JSON.stringify('x'.repeat(2_097_152))),
      push(20, '{"customer":"a"}', '"bad"'),
      { afterMs: 100, type: 'pause' as const },
      push(110, '{}'),
      { afterMs: 200, type: 'stop' as const },
    ];
    const checkPayload = (_: string, data: string): string | null =>
      data === '"bad"' ? 'must be an object' : null;
    const run = runVirtual({ document, seed: 1, sources: {}, commands, checkPayload });
    expect(run.replies.map((reply) => (reply.ok ? 'ok' : reply.error.code))).toEqual([
      'MESSAGE_TOO_LARGE',
      'PAYLOAD_INVALID',
      'RUN_NOT_ACTIVE',
    ]);
    expect(readAll(run.log, 'node:in').flat()).toEqual([]);
    expect(run.view.nodes['node:hook']).toMatchObject({ out: 0, rejected: 2 });
    expect(run.traces.map(({ kind }) => kind)).toEqual(['rejected', 'rejected']);
  });
});
