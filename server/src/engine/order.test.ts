import { describe, expect, it } from 'vitest';
import type { NativeHandler } from '../simulator/nativeHandler.ts';
import { flow, listSource } from '../simulator/testing/flowBuilder.ts';
import { runVirtual, type VirtualRunOptions } from '../simulator/virtualRun.ts';
import { createTestimony } from '../simulator/witness.ts';

const TOTAL = 60;
const KEYS = 6;
const RETRY_MS = 1000;

const retry = (order: 'in-order' | 'out-of-order', attemptsMax = 3, exceptFor = '') => ({
  attemptsMax,
  backoff: 'fixed' as const,
  delayMs: RETRY_MS,
  delayMsMax: RETRY_MS,
  jitter: 0,
  order,
  exceptFor,
});

function run(config: object, handler: NativeHandler, extra: Partial<VirtualRunOptions> = {}) {
  const document = flow()
    .node('replay', 'source', { speed: { mode: 'full' } })
    .node('topic', 'in', { partitions: 1 })
    .node('log', 'sink', { concurrency: 4, ...config })
    .edges('source > in', 'in > sink')
    .document();
  const items = listSource(TOTAL, (index) => ({ id: `item-${index}`, key: `k${index % KEYS}` }));
  const testimony = createTestimony();
  const result = runVirtual({
    document,
    seed: 1,
    sources: { 'node:source': items },
    handlers: { 'node:sink': handler },
    witness: testimony.witness,
    ...extra,
  });
  return { result, testimony, handled: (result.delivered['node:sink'] ?? []).map(({ offset }) => offset) };
}

const all = Array.from({ length: TOTAL }, (_, index) => index);
const failsOnce =
  (id: string): NativeHandler =>
  (event) => {
    if (event.id === id && event.attempt === 1) throw new Error('not yet');
  };
/** Offsets of one key, in the order in which they were handled. */
const ofKey = (handled: number[], key: number): number[] => handled.filter((offset) => offset % KEYS === key);
const isAscending = (offsets: number[]): boolean =>
  offsets.every((offset, index) => index === 0 || (offsets[index - 1] as number) < offset);

describe('order and retries', () => {
  it('[DL7] [DL3] per partition, in order: everything behind a message waits for its retry', () => {
    const { handled, result } = run({ order: 'partition', retry: retry('in-order') }, failsOnce('item-7'));
    expect(handled).toEqual(all);
    const atMs = (offset: number): number =>
      result.traces.find((record) => record.kind === 'handled' && record.offset === offset)?.timeMs ?? 0;
    expect(atMs(8) - atMs(6)).toBeGreaterThanOrEqual(RETRY_MS);
  });

  it('[DL7] [DL8] per key: a key that waits holds up itself and no other', () => {
    const { handled, result } = run({ order: 'key', retry: retry('in-order') }, failsOnce('item-7'));
    for (let key = 0; key < KEYS; key++) expect(isAscending(ofKey(handled, key))).toBe(true);
    const late = handled.slice(-ofKey(all, 1).length + 1);
    expect(late.every((offset) => offset % KEYS === 1)).toBe(true);
    const done = result.traces.filter(({ kind }) => kind === 'handled');
    const lastOfOthers = done.filter(({ offset }) => offset % KEYS !== 1).at(-1)?.timeMs ?? 0;
    const first = done[0]?.timeMs ?? 0;
    expect(lastOfOthers - first).toBeLessThan(RETRY_MS);
  });

  it('[DL7] [DL8] a slow key does not hold up another', () => {
    const spec = { kind: 'delay' as const, target: { edgeId: 'edge:2' }, rate: 0.2, delayMs: 5000 };
    const faultPlan = [
      { kind: 'injected' as const, fromMs: 0, toMs: 9000, spec: { ...spec, durationMs: 9000 } },
    ];
    const { handled, result } = run({ order: 'key' }, () => undefined, { faultPlan });
    for (let key = 0; key < KEYS; key++) expect(isAscending(ofKey(handled, key))).toBe(true);
    expect(handled).not.toEqual(all);
    expect([...handled].sort((a, b) => a - b)).toEqual(all);
    expect(result.fired.delay).toBeGreaterThan(0);
  });

  it('[DL7] per key: no two batches hold messages of one key at once', () => {
    const { testimony } = run({ order: 'key' }, () => undefined);
    const underWay = new Set<string>();
    let most = 0;
    for (const event of testimony.events) {
      if (!('invocation' in event)) continue;
      for (const key of new Set(event.invocation.deliveries.map(({ message }) => message.key ?? ''))) {
        if (event.type === 'began') expect(underWay.has(key)).toBe(false);
        if (event.type === 'began') underWay.add(key);
        else underWay.delete(key);
      }
      most = Math.max(most, underWay.size);
    }
    expect(most).toBeGreaterThan(1);
  });

  it('[DL3] out of order: the others pass, and the message comes back when its pause is over', () => {
    for (const order of ['partition', 'key', 'none']) {
      const { handled, result } = run({ order, retry: retry('out-of-order') }, failsOnce('item-7'));
      expect(handled.at(-1)).toBe(7);
      expect(handled).toHaveLength(TOTAL);
      expect(result.view.status).toBe('completed');
    }
  });

  it('[DL7] [DL3] without order, a message waits alone for its retry', () => {
    const { handled } = run({ order: 'none', retry: retry('in-order') }, failsOnce('item-7'));
    expect(handled.at(-1)).toBe(7);
    expect(handled).toHaveLength(TOTAL);
  });

  it('[DL3] what is listed as not retried has one attempt', () => {
    const always: NativeHandler = () => {
      throw new Error('never');
    };
    const { result } = run({ retry: retry('in-order', 5, 'CARD_DECLINED, HANDLER_THREW') }, always);
    expect(result.view.nodes['node:sink']).toMatchObject({ failed: TOTAL, retried: 0, deadLettered: TOTAL });
  });

  it('[DL7] [HD1] messages that share state are never handled side by side, whatever order is declared', () => {
    const document = flow()
      .node('replay', 'source', { speed: { mode: 'full' } })
      .node('topic', 'in', { partitions: 4 })
      .node('handler', 'work', { order: 'none', concurrency: 8, instances: 4 })
      .edges('source > in', 'in > work')
      .document();
    const counting: NativeHandler = (event, ctx) => {
      void event;
      ctx.state.set('count', ((ctx.state.get('count') as number | undefined) ?? 0) + 1);
    };
    const result = runVirtual({
      document,
      seed: 1,
      sources: { 'node:source': listSource(300, (index) => ({ key: `k${index % KEYS}` })) },
      handlers: { 'node:work': counting },
    });
    const counts = result.log
      .state()
      .flatMap(({ store, value }) => (store === 'state:node:work' ? [value] : []));
    expect(counts).toEqual(Array.from({ length: KEYS }, () => '50'));
  });
});
