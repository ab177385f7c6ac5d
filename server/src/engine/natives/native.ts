import type { AttemptOutcome, Invocation } from '../io.ts';

/**
 * What a kind of our own does to its messages, as a pure function: the live driver and the simulator run the same one.
 * Answers like the sandbox: outcomes of the deliveries, in order. The driver adds how long it took.
 */
export type Native = (invocation: Invocation, nowMs: number) => AttemptOutcome[];

export type NativeOutcome = Extract<AttemptOutcome, { status: 'ok' }>;

export function nothingYet(): NativeOutcome {
  return { status: 'ok', durationUs: 1, emits: [], state: [], timers: [], logs: [] };
}
