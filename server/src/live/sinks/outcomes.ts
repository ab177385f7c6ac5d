import type { AttemptOutcome, Emission, EngineError, HandlerLog } from '../../engine/io.ts';

export function succeeded(
  startedMs: number,
  emits: Emission[] = [],
  logs: HandlerLog[] = [],
): AttemptOutcome {
  return { status: 'ok', durationUs: elapsedUs(startedMs), emits, state: [], timers: [], logs };
}

export function ended(
  status: 'failed' | 'timed-out' | 'rejected',
  startedMs: number,
  error: EngineError,
): AttemptOutcome {
  return { status, durationUs: elapsedUs(startedMs), error, logs: [] };
}

/** Since a time of `performance.now()`, for one of `count` deliveries that shared it. */
export function elapsedUs(startedMs: number, count = 1): number {
  return Math.max(1, Math.round(((performance.now() - startedMs) * 1000) / count));
}
