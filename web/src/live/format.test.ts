import { describe, expect, it } from 'vitest';
import {
  compactNumber,
  exactNumber,
  formatBytes,
  formatDurationMs,
  formatDurationUs,
  formatElapsed,
  formatRate,
} from './format.ts';

describe('formats', () => {
  it('keeps small numbers exact and never rounds a compact one up', () => {
    expect([0, 9_999, 10_000, 12_399, 999_999, 1_249_000, 2_000_000_000].map(compactNumber)).toEqual([
      '0',
      '9,999',
      '10.0k',
      '12.3k',
      '999k',
      '1.24M',
      '2.00B',
    ]);
    expect(exactNumber(1_204_318)).toBe('1,204,318');
  });

  it('writes rates', () => {
    expect([0, 0.02, 0.5, 9.96, 120.4, 12_345].map(formatRate)).toEqual([
      '0/s',
      '<0.1/s',
      '0.5/s',
      '10.0/s',
      '120/s',
      '12.3k/s',
    ]);
  });

  it('writes durations from microseconds to hours', () => {
    expect([0, 850, 12_345, 1_250_000].map(formatDurationUs)).toEqual([
      '0 ms',
      '850 µs',
      '12.3 ms',
      '1.25 s',
    ]);
    expect([0.25, 3.456, 250, 59_900, 61_000].map(formatDurationMs)).toEqual([
      '250 µs',
      '3.46 ms',
      '250 ms',
      '59.9 s',
      '1:01',
    ]);
    expect([0, 59_999, 3_723_000].map(formatElapsed)).toEqual(['0:00', '0:59', '1:02:03']);
  });

  it('writes sizes', () => {
    expect([512, 1_536, 2_097_152].map(formatBytes)).toEqual(['512 B', '1.5 KiB', '2 MiB']);
  });
});
