import { afterEach, describe, expect, it, vi } from 'vitest';
import { createWallClock } from './wallClock.ts';

const HOUR_MS = 3_600_000;

describe('the wall clock', () => {
  afterEach(() => vi.useRealTimers());

  it('tells whole milliseconds of the wall clock', () => {
    const before = Date.now();
    const now = createWallClock().nowMs();
    expect(Number.isInteger(now)).toBe(true);
    expect(now).toBeGreaterThanOrEqual(before - 1);
    expect(now).toBeLessThanOrEqual(Date.now() + 1);
  });

  it('never runs backwards, also when the clock of the machine is set back', () => {
    const clock = createWallClock();
    const before = clock.nowMs();
    vi.useFakeTimers({ toFake: ['Date'], now: before - HOUR_MS });
    let last = before;
    for (let turn = 0; turn < 1000; turn++) {
      const now = clock.nowMs();
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
    expect(last - before).toBeLessThan(HOUR_MS);
    expect(createWallClock().nowMs(), 'a clock made afterwards goes by the new time').toBeLessThan(before);
    expect(createWallClock(last).nowMs(), 'unless it is to go on from a time').toBeGreaterThanOrEqual(last);
  });
});
