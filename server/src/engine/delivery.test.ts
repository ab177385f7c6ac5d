import { zeroCounters } from '@millrace/shared/trace/metrics.ts';
import type { TraceKind } from '@millrace/shared/trace/record.ts';
import { describe, expect, it } from 'vitest';
import { readAll } from '../simulator/checkers.ts';
import type { NativeHandler } from '../simulator/nativeHandler.ts';
import { flow, listSource } from '../simulator/testing/flowBuilder.ts';
import { runVirtual, type VirtualRunOptions, type VirtualRunResult } from '../simulator/virtualRun.ts';

const retry = {
  attemptsMax: 3,
  backoff: 'fixed' as const,
  delayMs: 100,
  delayMsMax: 1000,
  jitter: 0,
  order: 'in-order' as const,
  exceptFor: '',
};
type Config = Parameters<ReturnType<typeof flow>['node']>[2] & object;

function run(
  config: Config,
  handler: NativeHandler,
  options: Partial<VirtualRunOptions> = {},
  total = 1,
): VirtualRunResult {
  const document = flow()
    .node('replay', 'source', { speed: { mode: 'full' } })
    .node('topic', 'in', { partitions: 2 })
    .node('handler', 'work', { retry, ...config })
    .node('topic', 'out')
    .edges('source > in', 'in > work', 'work > out')
    .document();
  return runVirtual({
    document,
    seed: 1,
    sources: { 'node:source': listSource(total, (index) => ({ id: `item-${index}`, key: `k${index % 5}` })) },
    handlers: { 'node:work': handler },
    ...options,
  });
}

function kindsOf({ traces }: VirtualRunResult, messageId: string): TraceKind[] {
  return traces.filter((record) => record.messageId === messageId).map(({ kind }) => kind);
}

const failing: NativeHandler = () => {
  throw new Error('no luck');
};

describe('delivery', () => {
  it('[DL3] tries a failed message again after its delay, then goes on', () => {
    const result = run({}, (event, ctx) => {
      if (event.attempt < 3) throw new Error('not yet');
      ctx.emit('out', {});
    });
    expect(kindsOf(result, 'item-0')).toEqual([
      'produced',
      'appended',
      'delivered',
      'failed',
      'retry-scheduled',
      'delivered',
      'failed',
      'retry-scheduled',
      'delivered',
      'handled',
    ]);
    expect(result.view.nodes['node:work']).toEqual({
      ...zeroCounters(),
      in: 1,
      out: 1,
      failed: 2,
      retried: 2,
    });
    expect(result.view.status).toBe('completed');
    const delivered = result.traces.filter(({ kind }) => kind === 'delivered').map(({ timeMs }) => timeMs);
    expect(delivered[1]! - delivered[0]!).toBeGreaterThanOrEqual(100);
  });

  it('[DL4] parks a message with all that is known of its failures after the last attempt', () => {
    const result = run({}, failing);
    const letters = readAll(result.log, 'node:work.dead-letters').flat();
    expect(letters).toHaveLength(1);
    expect(letters[0]?.message).toMatchObject({
      causationId: 'item-0',
      correlationId: 'item-0',
      key: 'k0',
      data: JSON.stringify({ index: 0 }),
      extensions: {
        dltopic: 'in',
        dlkey: 'k0',
        dlid: 'item-0',
        dlgroup: 'node:work',
        dlattempts: 3,
        dloffset: 0,
        dlfirsterrorcode: 'HANDLER_THREW',
        dlfirsterror: 'no luck',
        dllasterrorcode: 'HANDLER_THREW',
        dllasterror: 'no luck',
        dlfirsttime: expect.stringMatching(/^2026-01-01T00:00:00\.\d{3}Z$/),
        dllasttime: expect.stringMatching(/^2026-01-01T00:00:00\.\d{3}Z$/),
      },
    });
    expect(kindsOf(result, 'item-0').slice(-2)).toEqual(['failed', 'dead-lettered']);
    expect(result.view.nodes['node:work']).toMatchObject({ in: 1, failed: 3, retried: 2, deadLettered: 1 });
    expect(result.view.nodes['node:work.dead-letters']).toMatchObject({ in: 1 });
  });

  it('[DL4] skips a message after the last attempt where that is set', () => {
    const result = run({ afterLastAttempt: 'skip' }, failing, {}, 4);
    expect(result.view.nodes['node:work']).toMatchObject({ in: 4, skipped: 4, deadLettered: 0 });
    expect(kindsOf(result, 'item-3').at(-1)).toBe('skipped');
    expect(result.view.status).toBe('completed');
  });

  it('[DL4] stops the run after the last attempt where that is set, with the message left uncommitted', () => {
    const result = run({ afterLastAttempt: 'stop' }, failing);
    expect(result.statuses.map(({ status }) => status)).toEqual(['running', 'stopping', 'failed']);
    expect(result.statuses.at(-1)?.error).toMatchObject({
      code: 'HANDLER_THREW',
      message: expect.stringContaining('no luck') as string,
    });
    expect(result.view.subscriptions['edge:2']?.lag).toBe(1);
    expect(result.view.conditions['node:work']?.state).toBe('failed');
  });

  it('[DL8] a failing message holds up its own partition only', () => {
    const slow = { ...retry, attemptsMax: 2, delayMs: 60_000, delayMsMax: 60_000 };
    const result = run(
      { retry: slow },
      (event) => {
        if (event.id === 'item-0') throw new Error('poison');
      },
      { untilMs: 30_000 },
      100,
    );
    const [stuck, free] = (result.view.subscriptions['edge:2']?.committed ?? []).toSorted((a, b) => a - b);
    expect(stuck).toBe(0);
    expect(free).toBe(
      Math.max(...(result.view.topics['node:in']?.end ?? [])) &&
        result.view.topics['node:in']?.end.find((end) => end === free),
    );
    expect(free).toBeGreaterThan(0);
    expect(result.view.conditions['node:work']).toMatchObject({ state: 'waiting-retry', reason: 'poison' });
  });

  it('[DL2] a payload that does not fit the schema is rejected and not tried again', () => {
    const result = run({}, (_, ctx) => ctx.emit('out', { bad: true }), {
      document: schemaFlow(),
      checkPayload: (topic) => (topic === 'node:out' ? '/bad must not be there' : null),
    });
    expect(kindsOf(result, 'item-0').slice(-2)).toEqual(['rejected', 'dead-lettered']);
    expect(result.view.nodes['node:work']).toMatchObject({
      in: 1,
      out: 0,
      failed: 1,
      retried: 0,
      rejected: 1,
      deadLettered: 1,
    });
    expect(result.view.nodes['node:out']).toMatchObject({ in: 0 });
  });

  it('[HD2] an emission to something that is not connected fails the attempt, and nothing of it leaves', () => {
    const result = run({ retry: { ...retry, attemptsMax: 1 } }, (_, ctx) => {
      ctx.emit('out', {});
      ctx.emit('elsewhere', {});
    });
    expect(result.view.nodes['node:out']).toMatchObject({ in: 0 });
    const failed = result.traces.find(({ kind }) => kind === 'failed');
    expect(failed).toMatchObject({ errorCode: 'EMIT_TARGET_UNKNOWN' });
    expect(failed?.errorMessage).toContain('connected are: out, out');
  });

  it('[MS2] [MS3] derives ids of emissions and inherits the correlation', () => {
    const twice: NativeHandler = (_, ctx) => {
      ctx.emit('out', { n: 1 });
      ctx.emit('out', { n: 2 }, { key: 'own', type: 'test.second', subject: 's' });
    };
    const [first, again] = [run({}, twice, { seed: 1 }), run({}, twice, { seed: 99 })];
    const messages = readAll(first.log, 'node:out')
      .flat()
      .map(({ message }) => message);
    expect(messages.find(({ key }) => key === 'k0')).toMatchObject({
      causationId: 'item-0',
      correlationId: 'item-0',
      type: 'test.made',
    });
    expect(messages.find(({ key }) => key === 'own')).toMatchObject({ type: 'test.second', subject: 's' });
    const ids = (result: VirtualRunResult) =>
      readAll(result.log, 'node:out')
        .flat()
        .map(({ message }) => message.id)
        .toSorted();
    expect(ids(again)).toEqual(ids(first));
    expect(new Set(ids(first)).size).toBe(2);
  });

  it('[MS4] a message that is too large fails the attempt that emits it before anything is written', () => {
    const result = run({ retry: { ...retry, attemptsMax: 1 } }, (_, ctx) =>
      ctx.emit('out', 'x'.repeat(2_000_000)),
    );
    expect(result.traces.find(({ kind }) => kind === 'rejected')).toMatchObject({
      errorCode: 'MESSAGE_TOO_LARGE',
    });
    expect(result.view.nodes['node:out']).toMatchObject({ in: 0 });
  });
});

function schemaFlow() {
  return flow()
    .node('replay', 'source', { speed: { mode: 'full' } })
    .node('topic', 'in', { partitions: 2 })
    .node('handler', 'work', { retry })
    .node('topic', 'out', { schema: 'schema:order' })
    .edges('source > in', 'in > work', 'work > out')
    .document();
}

describe('handler code', () => {
  it('[HD1] state belongs to the key and survives from message to message', () => {
    const counting: NativeHandler = (event, ctx) => {
      const seen = ((ctx.state.get('seen') as number | undefined) ?? 0) + 1;
      ctx.state.set('seen', seen);
      ctx.emit('out', { key: event.key, seen });
    };
    const result = run({}, counting, {}, 50);
    const last = new Map<string, number>();
    for (const { message } of readAll(result.log, 'node:out').flat()) {
      const { key, seen } = JSON.parse(message.data) as { key: string; seen: number };
      last.set(key, Math.max(seen, last.get(key) ?? 0));
    }
    expect([...last.values()]).toEqual([10, 10, 10, 10, 10]);
  });

  it('[HD1] [RN3] state and timers survive crashes, and are applied once', () => {
    const counting: NativeHandler = (event, ctx) => {
      if (event.timer) return ctx.emit('out', { fired: true });
      ctx.state.set('seen', ((ctx.state.get('seen') as number | undefined) ?? 0) + 1);
      if (ctx.state.get('seen') === 100) ctx.schedule(5000, { why: 'full' });
    };
    const crashesAfterMs = [3, 9, 15, 22, 40, 70, 200, 3000];
    const result = run({}, counting, { faults: { crashesAfterMs } }, 500);
    expect(result.crashes).toBe(8);
    expect(result.view.status).toBe('completed');
    const state = result.log.state().filter(({ store }) => store === 'state:node:work');
    expect(state.map(({ value }) => value)).toEqual(['100', '100', '100', '100', '100']);
    expect(readAll(result.log, 'node:out').flat()).toHaveLength(5);
    expect(result.log.state().filter(({ store }) => store === 'timer')).toEqual([]);
  });

  it('[HD1] a timer fires after its delay, caused by the message that set it', () => {
    const result = run({}, (event, ctx) =>
      event.timer ? ctx.emit('out', { late: true }) : ctx.schedule(60_000, { n: 1 }),
    );
    const fired = result.traces.find(({ kind }) => kind === 'timer-fired');
    const handled = result.traces.find(({ kind }) => kind === 'handled');
    expect(fired).toMatchObject({ causationId: 'item-0', correlationId: 'item-0' });
    expect(fired!.timeMs - handled!.timeMs).toBe(60_000);
    expect(readAll(result.log, 'node:out').flat()[0]?.message).toMatchObject({
      causationId: fired!.messageId,
    });
    expect(result.view.status).toBe('completed');
  });

  it('[DL3] a timer that fails is tried again, and goes to the dead letters in the end', () => {
    const result = run({}, (event, ctx) => {
      if (event.timer) throw new Error('late and wrong');
      ctx.schedule(1000, {});
    });
    expect(result.traces.filter(({ kind }) => kind === 'timer-fired')).toHaveLength(3);
    expect(readAll(result.log, 'node:work.dead-letters').flat()).toHaveLength(1);
    expect(result.view.nodes['node:work']).toMatchObject({ in: 1, failed: 3, retried: 2, deadLettered: 1 });
  });

  it('[HD1] more state than the limit fails the attempt', () => {
    const result = run({ retry: { ...retry, attemptsMax: 1 } }, (_, ctx) =>
      ctx.state.set('big', 'x'.repeat(300_000)),
    );
    expect(result.traces.find(({ kind }) => kind === 'failed')).toMatchObject({
      errorCode: 'STATE_LIMIT_REACHED',
    });
  });
});
