import { type NodeCounters, zeroCounters } from '@millrace/shared/trace/metrics.ts';
import type { Counter } from './consumer.ts';
import type { Core } from './core.ts';

export function createCounter(node: string): Counter {
  return { node, issued: zeroCounters(), acknowledged: zeroCounters(), dirty: false };
}

/** The counters to change; they are written with the open group, and shown once that is durable (TR2). */
export function count(core: Core, counter: Counter): NodeCounters {
  if (!counter.dirty) {
    counter.dirty = true;
    core.writes.dirtyCounters.push(counter);
  }
  return counter.issued;
}
