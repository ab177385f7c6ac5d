/** Milliseconds since 1970 that never run backwards. */
export type WallClock = { nowMs(): number };

/**
 * The wall clock at the moment of the call, then carried on by the monotonic clock, so that a clock set back by an hour
 * delays no retry and reorders no trace. A run that goes on begins no earlier than what it wrote last (`notBeforeMs`), for
 * the same reason: its timers, calendars and the times in its log are those of the clock it had.
 */
export function createWallClock(notBeforeMs = 0): WallClock {
  const base = Math.max(Date.now(), notBeforeMs) - performance.now();
  return { nowMs: () => Math.floor(base + performance.now()) };
}
