import { describe, expect, it } from 'vitest';
import { flow, listSource } from '../simulator/testing/flowBuilder.ts';
import { runVirtual, type VirtualRunOptions } from '../simulator/virtualRun.ts';

const AT_TOPIC = { topic: 'node:out', partition: 0, fromOffset: 0, messagesMax: 100_000, bytesMax: 1e9 };

function payloads(result: ReturnType<typeof runVirtual>): unknown[] {
  return result.log.read(AT_TOPIC).messages.map(({ message }) => JSON.parse(message.data));
}

function messages(result: ReturnType<typeof runVirtual>) {
  return result.log.read(AT_TOPIC).messages.map(({ message }) => message);
}

describe('a transform', () => {
  it('[KD2] traces as dropped what its expression gives no payload, and what leads nowhere', () => {
    const result = runVirtual({
      document: flow()
        .node('generator', 'src', { count: 4 })
        .node('topic', 'in', { partitions: 1 })
        .node('transform', 't')
        .edges('src > in', 'in > t')
        .document(),
      seed: 1,
      sources: { 'node:src': listSource(4, (index) => ({ data: String(index), key: 'k' })) },
      // What its module does, without a sandbox: odd numbers have a payload.
      handlers: {
        'node:t': ({ data }, { emit }) => {
          if ((data as number) % 2 === 1) emit('out', data);
        },
      },
    });
    const dropped = result.traces.filter(({ kind }) => kind === 'dropped').map(({ detail }) => detail);
    expect(dropped).toEqual([
      'The expression gave undefined.',
      'Nothing is connected to output out.',
      'The expression gave undefined.',
      'Nothing is connected to output out.',
    ]);
    expect(result.view.status).toBe('completed');
  });
});

describe('a throttle', () => {
  it('[KD3] lets no more through than its rate and burst, over all partitions and instances together', () => {
    const count = 60;
    const result = runVirtual({
      document: flow()
        .node('generator', 'src', { count, ratePerSecond: 10_000 })
        .node('topic', 'in', { partitions: 4 })
        .node('throttle', 't', { ratePerSecond: 20, burst: 5, instances: 2 })
        .node('topic', 'out', { partitions: 1 })
        .edges('src > in', 'in > t', 't > out')
        .document(),
      seed: 1,
      sources: { 'node:src': listSource(count, (index) => ({ data: String(index), key: `k${index}` })) },
    });
    expect(result.view.status).toBe('completed');
    const atMs = result.traces.filter(({ kind }) => kind === 'delivered').map(({ timeMs }) => timeMs);
    expect(atMs).toHaveLength(count);
    for (const [index, fromMs] of atMs.entries()) {
      const within = atMs.slice(index).filter((timeMs) => timeMs < fromMs + 1000).length;
      expect(within, `messages in the second from ${fromMs}`).toBeLessThanOrEqual(20 + 5);
    }
    // It is slow, and no slower than it says: five at once, the others at their rate.
    const tookMs = (atMs.at(-1) ?? 0) - (atMs[0] ?? 0);
    expect(tookMs).toBeGreaterThanOrEqual(((count - 5) / 20) * 1000 - 50);
    expect(tookMs).toBeLessThan(((count - 5) / 20) * 1000 + 500);
  });

  it('[KD4] passes messages on as they are, in order', () => {
    const result = runVirtual({
      document: flow()
        .node('generator', 'src', { count: 5 })
        .node('topic', 'in', { partitions: 1 })
        .node('throttle', 't', { ratePerSecond: 100, burst: 5 })
        .node('topic', 'out', { partitions: 1 })
        .edges('src > in', 'in > t', 't > out')
        .document(),
      seed: 1,
      sources: {
        'node:src': listSource(5, (index) => ({
          data: `{"n": ${index}, "big":12345678901234567890}`,
          key: 'k',
        })),
      },
    });
    expect(messages(result).map(({ data, key, type }) => ({ data, key, type }))).toEqual(
      Array.from({ length: 5 }, (_, index) => ({
        data: `{"n": ${index}, "big":12345678901234567890}`,
        key: 'k',
        type: 'test.made',
      })),
    );
  });
});

describe('a batch', () => {
  const COUNT = 300;
  const batched = (seed: number, scope: 'key' | 'partition', options: Partial<VirtualRunOptions> = {}) =>
    runVirtual({
      document: flow()
        .node('generator', 'src', { count: COUNT })
        .node('topic', 'in', { partitions: 3 })
        .node('batch', 'b', { items: 7, waitMs: 40, scope })
        .node('topic', 'out', { partitions: 1 })
        .edges('src > in', 'in > b', 'b > out')
        .document(),
      seed,
      sources: {
        'node:src': listSource(COUNT, (index) => ({
          data: String(index),
          key: `k${index % 5}`,
          dueMs: index,
        })),
      },
      ...options,
    });

  it('[KD5] makes batches of a key of messages of that key, in order', () => {
    const result = batched(1, 'key');
    expect(result.view.status).toBe('completed');
    for (const { key, data } of messages(result)) {
      const numbers = JSON.parse(data) as number[];
      expect(numbers.map((n) => `k${n % 5}`)).toEqual(numbers.map(() => key));
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
      expect(numbers.length).toBeLessThanOrEqual(7);
    }
    expect((payloads(result) as number[][]).flat().toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: COUNT }, (_, n) => n),
    );
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    '[KD6] loses and doubles nothing when the process dies and storage refuses writes (seed %i)',
    (seed) => {
      const faults = { crashesAfterMs: [30, 31, 90, 150, 151, 260], writesRefused: 0.1 };
      for (const scope of ['key', 'partition'] as const) {
        const result = batched(seed, scope, { faults });
        expect(result.crashes).toBe(6);
        expect(result.view.status).toBe('completed');
        expect((payloads(result) as number[][]).flat().toSorted((a, b) => a - b)).toEqual(
          Array.from({ length: COUNT }, (_, n) => n),
        );
      }
    },
  );
});
