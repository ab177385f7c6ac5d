import { describe, expect, it } from 'vitest';
import { RESTARTS_MAX, RestartLimit } from './restartLimit.ts';

describe('starting a process again', () => {
  it('[RN3] waits longer each time, and gives up what dies too often within a minute', () => {
    const limit = new RestartLimit();
    const delays = Array.from({ length: RESTARTS_MAX }, (_, index) => limit.delayAfterDeath(1000 + index));
    expect(delays.slice(0, 7)).toEqual([100, 200, 400, 800, 1600, 2000, 2000]);
    expect(limit.delayAfterDeath(2000)).toBeNull();
    expect(limit.total).toBe(RESTARTS_MAX);
  });

  it('[RN3] forgets deaths of more than a minute ago', () => {
    const limit = new RestartLimit();
    for (let index = 0; index < RESTARTS_MAX; index++) limit.delayAfterDeath(index);
    expect(limit.delayAfterDeath(59_000)).toBeNull();
    expect(limit.delayAfterDeath(60_000 + RESTARTS_MAX)).toBe(100);
    expect(limit.total).toBe(RESTARTS_MAX + 1);
  });
});
