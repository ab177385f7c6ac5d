import { describe, expect, it } from 'vitest';
import { formatQuantity, parseQuantity, quantityOf } from './quantity.ts';

describe('times and sizes as people write them', () => {
  it('reads units by any of their names, and sums of them', () => {
    const duration = (text: string) => parseQuantity('duration', text);
    expect(duration('24h')).toBe(86_400_000);
    expect(duration('10 min')).toBe(600_000);
    expect(duration('1.5 s')).toBe(1500);
    expect(duration('1,5 s')).toBe(1500);
    expect(duration('1 h 30 minutes')).toBe(5_400_000);
    expect(duration('2 Days')).toBe(172_800_000);
    expect(parseQuantity('bytes', '64 MiB')).toBe(67_108_864);
    expect(parseQuantity('bytes', '1gb')).toBe(1_073_741_824);
  });

  it('refuses what is none', () => {
    for (const text of ['', '24', 'h', '3 parsecs', '10 min or so', '5 MiB'])
      expect(parseQuantity('duration', text), text).toBeNull();
    expect(parseQuantity('bytes', '5 min')).toBeNull();
  });

  it('shows the largest unit that fits, and says when it rounds', () => {
    const duration = (ms: number) => formatQuantity('duration', ms);
    expect([0, 200, 1500, 90_000, 86_400_000, 172_800_000].map(duration)).toEqual([
      '0 ms',
      '200 ms',
      '1.5 s',
      '1.5 min',
      '24 h',
      '2 d',
    ]);
    expect(duration(100_000)).toBe('about 1.67 min');
    expect(formatQuantity('bytes', 67_108_864)).toBe('64 MiB');
    expect(formatQuantity('bytes', 1000)).toBe('1000 B');
  });

  it('knows which units of the schemas it is for', () => {
    expect(['ms', 'bytes', 'bytes per partition', 'messages', null].map(quantityOf)).toEqual([
      'duration',
      'bytes',
      'bytes',
      null,
      null,
    ]);
  });
});
