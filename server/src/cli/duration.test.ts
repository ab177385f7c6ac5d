import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from './duration.ts';

describe('durations', () => {
  it('reads what people type', () => {
    expect(['250ms', '30s', '1.5m', '2h', ' 5s '].map(parseDuration)).toEqual([
      250, 30_000, 90_000, 7_200_000, 5000,
    ]);
    expect(['', '5', 's', '-3s', '3 days', 'drained'].map(parseDuration)).toEqual([
      null,
      null,
      null,
      null,
      null,
      null,
    ]);
  });

  it('shows them in a fitting unit', () => {
    expect([80, 1234, 75_000].map(formatDuration)).toEqual(['80 ms', '1.2 s', '1 min 15 s']);
  });
});
