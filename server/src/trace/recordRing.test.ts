import type { Message } from '@millrace/shared/message/message.ts';
import type { TraceRecord } from '@millrace/shared/trace/record.ts';
import type { RecordRun } from '@millrace/shared/trace/recordRun.ts';
import { traceRecord } from '@millrace/shared/trace/testing/traceRecord.ts';
import { createRandom } from '@millrace/shared/util/random.ts';
import { describe, expect, it } from 'vitest';
import { NO_RECORD, RecordRing } from './recordRing.ts';

const recordOf = (number: number, over: Partial<TraceRecord> = {}) =>
  traceRecord({
    kind: 'handled',
    timeMs: 1_700_000_000_000 + number,
    messageId: `m${number}`,
    partition: -1,
    offset: number * 1e9,
    attempt: number % 7,
    durationUs: number / 3,
    ...over,
  });

const messageOf = (number: number): Message => ({
  id: `m${number}`,
  source: '/flows/test/nodes/source',
  type: 'test.made',
  timeMs: 0,
  key: null,
  correlationId: `m${number}`,
  causationId: null,
  data: '{}',
});

describe('RecordRing', () => {
  it.each([1, 2, 3, 4, 5])('gives back chains of what is still there, as it was (seed %i)', (seed) => {
    const random = createRandom(seed);
    const recordsMax = 5000 + random.int(10_000);
    const ring = new RecordRing({ recordsMax, bytesMax: 1e9 });
    const chains = Array.from({ length: 50 }, () => ({ last: NO_RECORD, records: [] as TraceRecord[] }));
    const order: number[] = [];
    for (let number = 0; number < 40_000; number++) {
      const at = random.int(chains.length);
      const chain = chains[at]!;
      const record = recordOf(number, { errorMessage: number % 5 === 0 ? `broken ${number}` : null });
      ring.enter(record);
      chain.last = ring.push(0, chain.last);
      chain.records.push(record);
      order.push(at);
    }
    expect(ring.length).toBe(recordsMax);
    chains.forEach((chain, at) => {
      const still = order.slice(-recordsMax).filter((of) => of === at).length;
      expect(ring.chain(chain.last)).toEqual(chain.records.slice(-still));
    });
  });

  it('[TR3] is bounded in bytes, too', () => {
    const ring = new RecordRing({ recordsMax: 100_000, bytesMax: 1_000_000 });
    let last = NO_RECORD;
    for (let i = 0; i < 2000; i++) {
      ring.enter(recordOf(i, { errorMessage: 'x'.repeat(5000) }));
      last = ring.push(0, last);
    }
    expect(ring.bytes).toBeLessThanOrEqual(1_000_000);
    expect(ring.length).toBeGreaterThan(50);
    expect(ring.chain(last)).toHaveLength(ring.length);
    expect(ring.chain(last).at(-1)?.errorMessage).toHaveLength(5000);
  });

  it('lets runs go as a whole, and holds no more of a long one than it may', () => {
    const ring = new RecordRing({ recordsMax: 100, bytesMax: 1e9 });
    const run = (from: number, count: number): RecordRun => ({
      ...recordOf(from),
      messages: Array.from({ length: count }, (_, index) => messageOf(from + index)),
      offsets: Array.from({ length: count }, (_, index) => from + index),
    });
    let last = NO_RECORD;
    for (let from = 0; from < 400; from += 40) {
      ring.enter(run(from, 40));
      for (let i = 0; i < 40; i++) last = ring.push(i, last);
    }
    expect(ring.length).toBe(80);
    expect(ring.chain(last).map(({ offset }) => offset)).toEqual(
      Array.from({ length: 80 }, (_, index) => 320 + index),
    );
    ring.enter(run(1000, 150));
    const numbers = Array.from({ length: 150 }, (_, index) => ring.push(index, NO_RECORD));
    expect(numbers.filter((number) => number !== NO_RECORD)).toHaveLength(100);
    expect(ring.chain(numbers[99]!)).toMatchObject([{ messageId: 'm1099', offset: 1099 }]);
  });
});
