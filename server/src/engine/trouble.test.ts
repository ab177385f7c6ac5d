import { describe, expect, it } from 'vitest';
import { readAll } from '../simulator/checkers.ts';
import type { NativeHandler } from '../simulator/nativeHandler.ts';
import { flow, listSource } from '../simulator/testing/flowBuilder.ts';
import { UNWATCHED } from '../simulator/testing/unwatched.ts';
import { runVirtual, type VirtualRunOptions } from '../simulator/virtualRun.ts';

const ONCE = {
  attemptsMax: 1,
  backoff: 'fixed',
  delayMs: 0,
  delayMsMax: 0,
  jitter: 0,
  order: 'in-order',
  exceptFor: '',
} as const;
type Config = Parameters<ReturnType<typeof flow>['node']>[2] & object;

/** Replay → in → handler → out; `invocations` counts how often the handler was invoked, with however many messages. */
function run(
  work: Config,
  handler: NativeHandler,
  { total = 300, ratePerSecond = 0, ...options }: Partial<VirtualRunOptions> & RunShape = {},
) {
  const speed =
    ratePerSecond === 0 ? ({ mode: 'full' } as const) : ({ mode: 'rate', ratePerSecond } as const);
  const document = flow()
    .node('replay', 'source', { speed })
    .node('topic', 'in', { partitions: 1 })
    .node('handler', 'work', { retry: ONCE, ...work })
    .node('topic', 'out', { partitions: 1, schema: 'schema:any' })
    .edges('source > in', 'in > work', 'work > out')
    .document();
  let invocations = 0;
  const result = runVirtual({
    document,
    seed: 1,
    sources: { 'node:source': listSource(total, (index) => ({ id: `item-${index}`, key: 'k' })) },
    handlers: { 'node:work': handler },
    witness: { ...UNWATCHED, began: () => void invocations++ },
    ...options,
  });
  return { ...result, invocations, work: result.view.nodes['node:work'] };
}
type RunShape = { total?: number; ratePerSecond?: number };

const indexOf = ({ data }: { data: unknown }): number => (data as { index: number }).index;
const failing: NativeHandler = () => {
  throw new Error('no luck');
};

describe('errors in a flood', () => {
  it.each([
    ['dead-lettered', {}, { failed: 300, deadLettered: 300 }],
    ['skipped', { afterLastAttempt: 'skip' }, { failed: 300, skipped: 300 }],
    ['lost at most once', { guarantee: 'at-most-once' }, { failed: 300, deadLettered: 300 }],
  ] as const)('[DL8] are taken in batches where messages are %s', (_, config, counters) => {
    const { work, invocations, view } = run(config, failing);
    expect(work).toMatchObject({ in: 300, retried: 0, ...counters });
    expect(view.status).toBe('completed');
    expect(invocations).toBeLessThan(60);
  });

  it('[DL8] are taken in batches where what fails is refused for what it emits', () => {
    const { work, invocations } = run(
      { retry: { ...ONCE, attemptsMax: 3 } },
      (event, ctx) => ctx.emit('out', { index: indexOf(event) }),
      { checkPayload: (topic) => (topic === 'node:out' ? 'data must be good' : null) },
    );
    expect(work).toMatchObject({ in: 300, failed: 300, rejected: 300, retried: 0, deadLettered: 300 });
    expect(invocations).toBeLessThan(60);
  });

  it('[DL3] [DL8] still hold up what is behind them while they are tried again in order', () => {
    const handled: number[] = [];
    const { work } = run(
      { retry: { ...ONCE, attemptsMax: 2, delayMs: 50, delayMsMax: 50 } },
      (event) => {
        if (indexOf(event) % 7 === 0 && event.attempt === 1) throw new Error('not yet');
        handled.push(indexOf(event));
      },
      { total: 100 },
    );
    expect(work).toMatchObject({ in: 100, failed: 15, retried: 15, deadLettered: 0 });
    expect(handled).toEqual(Array.from({ length: 100 }, (_, index) => index));
  });

  it('[DL8] [HD2] leave nothing behind that what follows in the batch could see', () => {
    const { work, log } = run(
      {},
      (event, ctx) => {
        const count = Number(ctx.state.get('count') ?? 0) + 1;
        ctx.state.set('count', count);
        if (indexOf(event) % 3 === 0) throw new Error('third');
        ctx.emit('out', { index: indexOf(event), count });
      },
      {
        checkPayload: (topic, data) =>
          topic === 'node:out' && (JSON.parse(data) as { index: number }).index % 3 === 1 ? 'is 1' : null,
      },
    );
    expect(work).toMatchObject({ in: 300, out: 100, failed: 200, rejected: 100, deadLettered: 200 });
    const counts = readAll(log, 'node:out')
      .flat()
      .map(({ message }) => (JSON.parse(message.data) as { count: number }).count);
    expect(counts).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
  });
});

describe('what a node says of itself', () => {
  const mended: NativeHandler = (event) => {
    if (indexOf(event) < 3) throw new Error('no luck');
  };
  const at = (untilMs: number, handler: NativeHandler, work: Config = {}) =>
    run(work, handler, { total: 60, ratePerSecond: 1, untilMs }).view.conditions['node:work'];

  it('[TR7] fails from its last error until nothing has failed for five seconds', () => {
    expect(at(2500, mended)).toMatchObject({ state: 'failing', code: 'HANDLER_THREW', reason: 'no luck' });
    expect(at(5500, mended)).toMatchObject({ state: 'failing' });
    expect(at(8500, mended)).toMatchObject({ state: 'idle', code: 'HANDLER_THREW', reason: 'no luck' });
    expect(at(30_000, failing)).toMatchObject({ state: 'failing' });
  });

  it('[TR7] waits for a retry, has failed where it stops the run, and is finished with its last error', () => {
    const slow = { ...ONCE, attemptsMax: 2, delayMs: 60_000, delayMsMax: 60_000 };
    expect(at(2500, failing, { retry: slow })).toMatchObject({
      state: 'waiting-retry',
      code: 'HANDLER_THREW',
      reason: 'no luck',
    });
    expect(at(2500, failing, { afterLastAttempt: 'stop' })).toMatchObject({ state: 'failed' });
    expect(at(90_000, mended)).toMatchObject({ state: 'finished', reason: 'no luck' });
  });

  it.each(['reject', 'dead-letter', 'flag'] as const)(
    '[TR7] says at a topic, and at the producer it refuses, what does not fit its schema (%s)',
    (schemaPolicy) => {
      const document = flow()
        .node('replay', 'source', { speed: { mode: 'rate', ratePerSecond: 1 } })
        .node('topic', 'in', { schema: 'schema:any', schemaPolicy })
        .node('log', 'sink')
        .edges('source > in', 'in > sink')
        .document();
      const conditionsAt = (untilMs: number) =>
        runVirtual({
          document,
          seed: 1,
          sources: { 'node:source': listSource(60, () => ({})) },
          checkPayload: (topic, data) =>
            topic === 'node:in' && (JSON.parse(data) as { index: number }).index < 3 ? 'n is missing' : null,
          untilMs,
        }).view.conditions;
      const misfit = { code: 'PAYLOAD_INVALID', reason: expect.stringContaining('n is missing') };
      expect(conditionsAt(2500)).toMatchObject({
        'node:in': { state: 'failing', ...misfit },
        'node:source': schemaPolicy === 'reject' ? { state: 'failing', ...misfit } : { state: 'active' },
      });
      expect(conditionsAt(12_500)).toMatchObject({
        'node:in': { state: 'active', ...misfit },
        'node:source': { state: 'active' },
      });
    },
  );
});
