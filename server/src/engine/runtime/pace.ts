import type { Lane, Pace } from './consumer.ts';
import type { Core } from './core.ts';
import { addWake } from './wakes.ts';

/** A share of a token below which rounding, not the clock, keeps a message back. */
const TOKEN_EPSILON = 1e-6;

/** How many messages a consumer that is paced may take now; asks to be woken when it is none. */
export function paceAllows(core: Core, lane: Lane): number {
  const { pace } = lane.consumer;
  if (pace === null) return Number.POSITIVE_INFINITY;
  pace.tokens = Math.min(pace.burst, pace.tokens + ((core.nowMs - pace.atMs) * pace.perSecond) / 1000);
  pace.atMs = core.nowMs;
  const allowed = Math.floor(pace.tokens + TOKEN_EPSILON);
  if (allowed > 0) return allowed;
  addWake(core.wakes, core.nowMs + Math.ceil(((1 - pace.tokens) / pace.perSecond) * 1000), {
    kind: 'lane',
    lane,
  });
  return 0;
}

export function spendPace(pace: Pace, messages: number): void {
  pace.tokens = Math.max(0, pace.tokens - messages);
}
