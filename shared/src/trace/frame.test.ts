import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../errors/codes.ts';
import { WorkbenchError } from '../errors/workbenchError.ts';
import { uuidV7 } from '../message/ids.ts';
import { createRandom } from '../util/random.ts';
import { decodeFrame, encodeFrame, FRAME_RECORDS_MAX, frameHeader } from './frame.ts';
import { TRACE_KINDS, type TraceRecord } from './record.ts';

/** Any character but a lone surrogate; the library's own `binary` unit takes seconds to build. */
const anyCharacter = fc
  .integer({ min: 1, max: 0x10ffff })
  .filter((code) => code < 0xd800 || code > 0xdfff)
  .map((code) => String.fromCodePoint(code));

const anyText = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: anyCharacter, maxLength: 12 }),
  fc.constantFrom('', '\ud800', 'é', '漢字', 'node:a'),
);
const anyId = fc.oneof(
  fc.uuid(),
  anyText,
  fc.constantFrom(
    '00000000-0000-0000-0000-00000000000',
    'ABCDEF00-0000-4000-8000-000000000000',
    '0000000--0000-0000-0000-000000000000',
  ),
);
const anyInteger = fc.oneof(fc.integer({ min: -2, max: 300 }), fc.maxSafeInteger());
const anyNumber = fc.oneof(
  fc.integer({ min: 1_700_000_000_000, max: 1_800_000_000_000 }),
  anyInteger,
  fc.double({ noNaN: true }),
);
const nullable = <Value>(values: fc.Arbitrary<Value>): fc.Arbitrary<Value | null> =>
  fc.option(values, { nil: null });

const anyRecord: fc.Arbitrary<TraceRecord> = fc.record(
  {
    kind: fc.constantFrom(...TRACE_KINDS),
    timeMs: anyNumber,
    nodeId: anyText,
    messageId: anyId,
    correlationId: anyId,
    causationId: nullable(anyId),
    messageType: anyText,
    key: nullable(anyText),
    topic: nullable(anyText),
    partition: anyInteger,
    offset: anyInteger,
    attempt: anyInteger,
    durationUs: anyNumber,
    errorCode: nullable(fc.constantFrom(...ERROR_CODES)),
    errorMessage: nullable(anyText),
    detail: nullable(anyText),
  },
  { noNullPrototype: true },
);
const anyBatch = fc.record(
  { firstSeq: fc.maxSafeNat(), records: fc.array(anyRecord, { maxLength: 60 }) },
  { noNullPrototype: true },
);

/** Each run tests other batches; a failure prints the seed and path that repeat it. */
const check = (property: fc.IRawProperty<unknown, false>, numRuns = 300): void =>
  fc.assert(property, { numRuns, verbose: 1 });

/** Records as a run makes them: four per message, growing offsets, five nodes. */
function typicalRecords(count: number): TraceRecord[] {
  const random = createRandom(7);
  const records: TraceRecord[] = [];
  for (let i = 0; records.length < count; i++) {
    const id = uuidV7(1_790_000_000_000 + i, random);
    const base = {
      messageId: id,
      correlationId: id,
      causationId: null,
      messageType: 'com.example.order.placed',
      key: `customer-${i % 97}`,
      topic: 'node:orders',
      partition: i % 6,
      offset: i,
      errorCode: null,
      errorMessage: null,
      detail: null,
    };
    for (const kind of ['produced', 'appended', 'delivered', 'handled'] as const) {
      records.push({
        ...base,
        kind,
        timeMs: 1_790_000_000_000 + i,
        nodeId: `node:${kind}`,
        attempt: kind === 'produced' ? 0 : 1,
        durationUs: kind === 'handled' ? random.int(900) : 0,
      });
    }
  }
  return records.slice(0, count);
}

/** Many cases take longer on a busy machine. */
const PROPERTY_TIMEOUT_MS = 60_000;

describe('trace frames', () => {
  it('gives back every batch exactly', { timeout: PROPERTY_TIMEOUT_MS }, () => {
    check(
      fc.property(anyBatch, (batch) => {
        const frame = encodeFrame(batch);
        expect(decodeFrame(frame)).toStrictEqual(batch);
        expect(frameHeader(frame)).toEqual({ firstSeq: batch.firstSeq, count: batch.records.length });
      }),
    );
  });

  it('reads a frame that stands inside a larger buffer at an odd place', () => {
    const batch = { firstSeq: 9, records: typicalRecords(10) };
    const frame = encodeFrame(batch);
    const around = new Uint8Array(frame.length + 8);
    around.set(frame, 3);
    expect(decodeFrame(around.subarray(3, 3 + frame.length))).toEqual(batch);
  });

  it('refuses a frame with any byte changed', { timeout: PROPERTY_TIMEOUT_MS }, () => {
    check(
      fc.property(anyBatch, fc.nat(), fc.integer({ min: 1, max: 255 }), (batch, at, flip) => {
        const frame = encodeFrame(batch);
        const index = at % frame.length;
        frame[index] = (frame[index] as number) ^ flip;
        expectCorrupt(() => decodeFrame(frame));
      }),
    );
  });

  it('refuses a frame that is cut short or goes on', { timeout: PROPERTY_TIMEOUT_MS }, () => {
    check(
      fc.property(anyBatch, fc.nat(), (batch, at) => {
        const frame = encodeFrame(batch);
        expectCorrupt(() => decodeFrame(frame.subarray(0, at % frame.length)));
        const longer = new Uint8Array(frame.length + 1);
        longer.set(frame);
        expectCorrupt(() => decodeFrame(longer));
      }),
      100,
    );
  });

  it('refuses a frame of a version it does not know, and says which', () => {
    const frame = encodeFrame({ firstSeq: 0, records: [] });
    frame[4] = 2;
    expect(() => frameHeader(frame)).toThrow(/version is 2/);
  });

  it('holds the largest batch, and no larger one', () => {
    const records = typicalRecords(FRAME_RECORDS_MAX);
    expect(decodeFrame(encodeFrame({ firstSeq: 1, records })).records).toHaveLength(FRAME_RECORDS_MAX);
    expect(() => encodeFrame({ firstSeq: 1, records: [...records, ...records.slice(0, 1)] })).toThrow(
      /limit/,
    );
  });

  it('takes less than 20 bytes a record in a typical batch', () => {
    const frame = encodeFrame({ firstSeq: 1, records: typicalRecords(1000) });
    expect(frame.length / 1000).toBeLessThan(20);
  });
});

function expectCorrupt(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(WorkbenchError);
    expect((error as WorkbenchError).code).toBe('STORAGE_CORRUPT');
    return;
  }
  expect.unreachable('a damaged frame was decoded');
}
