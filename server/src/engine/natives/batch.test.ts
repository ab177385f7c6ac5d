import { describe, expect, it } from 'vitest';
import { testNode } from '../../live/testNodes.ts';
import { deliveryOf, invocationOf, okOf } from '../../sandbox/contract/deliveries.ts';
import type { AttemptOutcome, Delivery } from '../io.ts';
import { STATE_VALUE_LENGTH_MAX } from '../runtime/limits.ts';
import { batchNative } from './batch.ts';

type Config = Parameters<typeof testNode<'batch'>>[1];

/** One scope of a batch node with its durable state and timers, as the core keeps them. */
function batchOf(config: Config) {
  const native = batchNative(testNode('batch', config));
  const state: Record<string, string> = {};
  const timers: { atMs: number; data: string }[] = [];
  let sent = 0;
  const handle = (deliveries: Delivery[], nowMs: number) => {
    const outcomes = native(invocationOf('node:batch', deliveries, { scope: { ...state } }), nowMs);
    return outcomes.flatMap((outcome: AttemptOutcome) => {
      const { emits, state: changes, timers: set } = okOf(outcome);
      for (const { name, value } of changes) {
        if (value === null) delete state[name];
        else state[name] = value;
      }
      for (const { delayMs, data } of set) timers.push({ atMs: nowMs + delayMs, data });
      return emits;
    });
  };
  return {
    state,
    timers,
    take: (payloads: unknown[], nowMs = 0) =>
      handle(
        payloads.map((payload) => deliveryOf(payload, sent++)),
        nowMs,
      ),
    takeRaw: (delivery: Delivery, nowMs = 0) => handle([delivery], nowMs),
    /** Fires the timers that are due, in order. */
    fire(nowMs: number) {
      const due = timers.filter(({ atMs }) => atMs <= nowMs);
      timers.splice(0, timers.length, ...timers.filter(({ atMs }) => atMs > nowMs));
      return due.flatMap(({ data }) => {
        const delivery = deliveryOf(null, 0, { timer: true, offset: -1 });
        delivery.message.data = data;
        return handle([delivery], nowMs);
      });
    },
  };
}

describe('a batch', () => {
  it('[KD5] goes out when it holds enough messages, in one invocation or over several', () => {
    const batch = batchOf({ items: 3, waitMs: 1000 });
    expect(batch.take([1, 2, 3, 4]).map(({ data }) => data)).toEqual(['[1,2,3]']);
    expect(batch.take([5])).toEqual([]);
    expect(batch.take([6, 7]).map(({ data }) => data)).toEqual(['[4,5,6]']);
    expect(Object.keys(batch.state).toSorted()).toEqual(['batch', 'item:0']);
  });

  it('[KD5] goes out when its first message has waited long enough', () => {
    const batch = batchOf({ items: 10, waitMs: 1000 });
    batch.take([1], 100);
    batch.take([2], 900);
    expect(batch.fire(1099)).toEqual([]);
    expect(batch.fire(1100).map(({ data }) => data)).toEqual(['[1,2]']);
    expect(batch.state).toEqual({});
    expect(batch.timers).toEqual([]);
  });

  it('[KD5] does not go out early because an earlier batch had set a timer', () => {
    const batch = batchOf({ items: 2, waitMs: 1000 });
    batch.take([1, 2], 0);
    batch.take([3], 600);
    expect(batch.fire(1000)).toEqual([]);
    expect(batch.fire(1600).map(({ data }) => data)).toEqual(['[3]']);
    expect(batch.state).toEqual({});
  });

  it('[KD8] sets few timers, however fast batches fill up, and still keeps the last one in time', () => {
    const batch = batchOf({ items: 2, waitMs: 1000 });
    for (let n = 0; n < 100; n++) batch.take([n, n], n);
    expect(batch.timers.length).toBeLessThanOrEqual(4);
    batch.take(['last'], 100);
    const sent: string[] = [];
    for (let nowMs = 100; nowMs <= 1100; nowMs++) sent.push(...batch.fire(nowMs).map(({ data }) => data));
    expect(sent).toEqual(['["last"]']);
    expect(batch.timers).toEqual([]);
    expect(batch.state).toEqual({});
  });

  it('[KD5] goes out before its payload would take more than the limit', () => {
    const batch = batchOf({ items: 100, bytesMax: 1024 });
    const text = 'x'.repeat(500);
    expect(batch.take([text, text])).toEqual([]);
    expect(batch.take([text]).map(({ data }) => data)).toEqual([JSON.stringify([text, text])]);
  });

  it('[KD8] lets a message that fits no batch go alone, after those before it', () => {
    const batch = batchOf({ items: 100, bytesMax: 8_388_608 });
    const large = 'x'.repeat(STATE_VALUE_LENGTH_MAX);
    expect(batch.take([1, large, 2]).map(({ data }) => data.length)).toEqual([3, large.length + 4]);
    expect(batch.state['item:0']).toBe('2');
  });

  it('[KD7] leaves payloads as they are, byte for byte', () => {
    const batch = batchOf({ items: 2 });
    const first = deliveryOf({});
    first.message.data = '{"big": 12345678901234567890}';
    batch.takeRaw(first);
    expect(batch.take([1.5]).map(({ data }) => data)).toEqual(['[{"big": 12345678901234567890},1.5]']);
  });

  it('[KD7] describes itself when asked to', () => {
    const batch = batchOf({ items: 2, content: 'described' });
    const [described] = batch.take([1, 2]);
    expect(JSON.parse(described?.data ?? '')).toEqual({
      count: 2,
      firstTime: '2026-01-01T00:00:00.000Z',
      lastTime: '2026-01-01T00:00:00.001Z',
      items: [1, 2],
    });
  });

  it('[KD7] has the type of its first message, or its own, and the key that its messages share', () => {
    const mixed = deliveryOf(2, 2);
    mixed.message.type = 'other.happened';
    for (const [config, expected] of [
      [{ scope: 'partition' }, { type: 'test.happened', key: null }],
      [{ scope: 'key' }, { type: 'test.happened', key: 'key-2' }],
      [{ eventType: 'batch.made' }, { type: 'batch.made', key: null }],
    ] as const) {
      const batch = batchOf({ items: 2, ...config });
      batch.take([1]);
      expect(batch.takeRaw(mixed)).toMatchObject([expected]);
    }
  });

  it('[KD7] keeps the type of its first message when time runs out', () => {
    const batch = batchOf({ items: 2, waitMs: 10 });
    batch.take([1], 0);
    expect(batch.fire(10)).toMatchObject([{ type: 'test.happened' }]);
  });
});
