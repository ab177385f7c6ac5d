import { describe, expect, it } from 'vitest';
import { hash128, hash128Lines } from '../util/murmur.ts';
import { createRandom } from '../util/random.ts';
import { derivedId, spanIdOf, traceIdOf, uuidV7 } from './ids.ts';

const TIME_MS = 1_700_000_000_123;
const CAUSE = '018bcfe5-6800-7d3f-9a5b-0123456789ab';

describe('ids', () => {
  it('[MS2] are UUIDv7s with the time in front', () => {
    const random = createRandom(7);
    expect(
      [0, 1, 1_700_000_000_000, 1_700_000_000_000.9, 281_474_976_710_655].map((timeMs) =>
        uuidV7(timeMs, random),
      ),
    ).toEqual([
      '00000000-0000-7ba6-8a8c-f7022d450bc7',
      '00000000-0001-751d-8f41-cd9c5d770b2e',
      '018bcfe5-6800-7ef6-bb25-0c40b0c814b8',
      '018bcfe5-6800-7578-afff-4a81fbe66632',
      'ffffffff-ffff-7265-8f74-a50676c3c08a',
    ]);
  });

  it('[MS2] stay UUIDs for times that 48 bits cannot hold', () => {
    const random = createRandom(7);
    expect(uuidV7(-5, random)).toMatch(/^00000000-0000-7/);
    expect(uuidV7(2 ** 60, random)).toMatch(/^ffffffff-ffff-7/);
  });

  // A run that is resumed by a later version must derive the same ids, else duplicates are no longer recognised.
  it.each([
    [CAUSE, 'node:zwölf', 0, '018bcfe5-6800-8cfc-98a6-27365992b712'],
    ['018bcfe5-6800-8d3f-aa5b-0123456789ab', 'node:one', 7, '018bcfe5-6800-84d7-bf84-c68bc2fc3142'],
    ['018BCFE5-6800-7d3f-9a5b-0123456789ab', 'node:zwölf', 14, '018bcfe5-687b-86e1-974e-f10d0a9ddfd7'],
    ['018bcfe5-6800-4d3f-9a5b-0123456789ab', 'node:one', 21, '018bcfe5-687b-89fa-8481-9f6e2e3af293'],
    ['018bcfe5-6800-7d3f-ca5b-0123456789ab', 'node:zwölf', 28, '018bcfe5-687b-898f-bb67-587bccb8f050'],
    ['018bcfe5-6800-7d3f-9a5b-0123456789aü', 'node:one', 35, '018bcfe5-687b-8a91-b763-5e7db67423a2'],
    ['order-4711', 'node:zwölf', 42, '018bcfe5-687b-88ea-b231-e4b5a9278887'],
    ['', 'node:one', 49, '018bcfe5-687b-837a-95a2-326b988b16cb'],
    ['bestellung-ü-😀', 'node:zwölf', 56, '018bcfe5-687b-884b-bc49-bc677ccc4acc'],
  ])('[MS2] derived from %s by %s are the same for ever', (cause, node, index, id) => {
    expect(derivedId(cause, TIME_MS, node, index)).toBe(id);
  });

  it('[MS3] of traces and spans are the same for ever', () => {
    expect(traceIdOf(CAUSE)).toBe('84e3170fc66494bc9dee660a53c6cb2d');
    expect(spanIdOf(CAUSE, '')).toBe('b935a966a6c08e5c');
    expect(spanIdOf('a', 'node:one')).toBe('69e5ffb19a561e9c');
  });
});

describe('hashes of lines', () => {
  it.each([
    ['a', 'b', '1'],
    ['', '', ''],
    ['ü', 'b', '1'],
    ['a', '😀', '1'],
    ['a', 'b', '€'],
    ['x'.repeat(5000), 'b', '1'],
  ])('are those of the text they make: %#', (first, second, third) => {
    expect(hash128Lines(first, second, third)).toEqual(hash128(`${first}\n${second}\n${third}`));
  });
});
