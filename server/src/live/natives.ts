import { performance } from 'node:perf_hooks';
import type { Native } from '../engine/natives/native.ts';
import type { Invoker } from './liveDriver.ts';

/** Runs a native of the engine in real time; the deliveries of an invocation share how long it took. */
export function nativeInvoker(native: Native): Invoker {
  return async (invocation, nowMs) => {
    const startedMs = performance.now();
    const outcomes = native(invocation, nowMs);
    const durationUs = Math.round(((performance.now() - startedMs) * 1000) / Math.max(1, outcomes.length));
    for (const outcome of outcomes) outcome.durationUs = Math.max(1, durationUs);
    return outcomes;
  };
}
