import { expect, it } from 'vitest';
import { recordTimeMs } from './recordTime.ts';

it.each([
  [1_700_000_000_000, 1_700_000_000_000],
  ['1700000000000', 1_700_000_000_000],
  ['2001/01/01 00:47', Date.UTC(2001, 0, 1, 0, 47)],
  ['2001-1-1', Date.UTC(2001, 0, 1)],
  ['2026-03-29T02:30:15.25', Date.UTC(2026, 2, 29, 2, 30, 15, 250)],
  ['2026-03-29T02:30:15Z', Date.UTC(2026, 2, 29, 2, 30, 15)],
  ['2026-03-29T02:30:15+02:00', Date.UTC(2026, 2, 29, 0, 30, 15)],
  ['Thu, 01 Jan 1970 00:00:01 GMT', 1000],
  ['2001/02/30 10:00', undefined],
  ['soon', undefined],
  ['', undefined],
  [Number.NaN, undefined],
  [null, undefined],
  [{}, undefined],
])('reads the time %j', (value, expected) => {
  expect(recordTimeMs(value)).toBe(expected);
});
