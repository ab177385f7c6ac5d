/** Milliseconds since 1970 that never run backwards. */
export type WallClock = { nowMs(): number };

/**
 * The wall clock at the moment of the call, then carried on by the monotonic clock, so that a clock set back by an hour
 * delays no retry and reorders no trace.
 */
export function createWallClock(): WallClock {
  const base = Date.now() - performance.now();
  return { nowMs: () => Math.floor(base + performance.now()) };
}
