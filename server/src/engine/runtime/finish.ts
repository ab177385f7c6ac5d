import type { Entry, Lane } from './consumer.ts';
import type { Core } from './core.ts';
import { count } from './counters.ts';
import { noteDuplicate } from './idempotency.ts';
import { finishEntry } from './window.ts';

/** The message is over, however it ended; its commit goes with the open group, or the one after it (DL1). */
export function finishMessage(core: Core, lane: Lane, entry: Entry): void {
  finishEntry(core, lane, entry);
  countFinished(core, lane);
}

export function countFinished(core: Core, lane: Lane): void {
  count(core, lane.consumer.counter).in++;
  count(core, lane.topic.counter).out++;
}

/** Over without an attempt: handled before under this key (DL6), or sent back to another group (DL5). */
export function finishUnhandled(core: Core, lane: Lane, entry: Entry): void {
  const { dedup } = lane.consumer;
  const { message, offset } = entry.stored;
  if (entry.dedupKey !== undefined && dedup?.seen.has(entry.dedupKey)) {
    const place = { topic: lane.topic.planned.topic, partition: lane.partition, offset };
    noteDuplicate(core, lane, { message, place, entry, timer: null, history: null }, entry.dedupKey);
  }
  finishMessage(core, lane, entry);
}
