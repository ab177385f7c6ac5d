import type { TraceRecord } from '@millrace/shared/trace/record.ts';
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
      chain.last = ring.push(record, chain.last);
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
    for (let i = 0; i < 2000; i++) last = ring.push(recordOf(i, { errorMessage: 'x'.repeat(5000) }), last);
    expect(ring.bytes).toBeLessThanOrEqual(1_000_000);
    expect(ring.length).toBeGreaterThan(50);
    expect(ring.chain(last)).toHaveLength(ring.length);
    expect(ring.chain(last).at(-1)?.errorMessage).toHaveLength(5000);
  });
});
