import { describe, expect, it } from 'vitest';
import { isoTime } from './isoTime.ts';

describe('isoTime', () => {
  it.each([
    0, 951_782_399_999, 951_782_400_000, 1_709_164_800_123, 1_767_225_600_000, -1, -86_400_001,
    4_102_444_799_999,
  ])('writes %i as the platform does', (timeMs) => {
    expect(isoTime(timeMs)).toBe(new Date(timeMs).toISOString());
  });
});
