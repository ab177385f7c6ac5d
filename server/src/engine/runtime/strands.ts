import type { Message, StoredMessage } from '@millrace/shared/message/message.ts';
import type { Entry, HandlerTimer, Lane, Strand } from './consumer.ts';
import type { Core } from './core.ts';
import { placeInQueue } from './faults/handling.ts';
import { enqueueLane } from './laneQueue.ts';
import { scopeOf } from './scopes.ts';
import { addWake } from './wakes.ts';

/**
 * Rule DL7. A strand is a sequence of messages of one lane that are handled one after the other: all of the partition, or
 * those of one key. Strands of a lane run side by side. Without any order, a single strand hands out its messages to
 * whoever is free.
 */
const WHOLE_LANE = '';

/** Messages that share `ctx.state` are never handled side by side, whatever order is declared. */
function strandKeyOf(lane: Lane, message: Message): string {
  const { order, operator } = lane.consumer.planned;
  if (order === 'partition') return WHOLE_LANE;
  if (operator.keepsState) return scopeOf(lane, message);
  return order === 'key' ? (message.key ?? WHOLE_LANE) : WHOLE_LANE;
}

function strandOf(lane: Lane, key: string): Strand {
  const known = lane.strands.get(key);
  if (known) return known;
  const { order, operator } = lane.consumer.planned;
  const strand: Strand = {
    lane,
    key,
    exclusive: order !== 'none' || operator.keepsState,
    queue: [],
    head: 0,
    timers: [],
    flights: 0,
    retryAtMs: 0,
    held: false,
    queued: false,
  };
  lane.strands.set(key, strand);
  return strand;
}

/** Puts a message that was read at the end of its strand. */
export function addToStrand(core: Core, lane: Lane, stored: StoredMessage): Entry {
  const strand = strandOf(lane, strandKeyOf(lane, stored.message));
  const done = lane.restoredDone.delete(stored.offset);
  const attempts = lane.restoredTries.get(stored.offset) ?? null;
  lane.restoredTries.delete(stored.offset);
  const entry: Entry = {
    stored,
    strand,
    phase: done ? 'done' : 'waiting',
    attempts: done ? null : attempts,
    retryAtMs: 0,
    gate: 0,
    traced: 0,
    again: stored.offset < lane.redeliveredUntil,
    doneGroup: 0,
    dedupKey: undefined,
  };
  if (done) return entry;
  if (attempts !== null) lane.tried++;
  if (core.faults.size === 0) strand.queue.push(entry);
  else strand.queue.splice(placeInQueue(core, lane, entry), 0, entry);
  readyStrand(strand);
  return entry;
}

export function waitingEntries(strand: Strand): number {
  return strand.queue.length - strand.head;
}

/** Puts the strand among those of its lane that may have something to invoke. */
export function readyStrand(strand: Strand): void {
  if (strand.queued) return;
  strand.queued = true;
  strand.lane.readyStrands.push(strand);
}

/** Whether it could invoke something, apart from its turn and from how long a retry has to wait. */
export function strandHasWork(strand: Strand): boolean {
  if (strand.exclusive && strand.flights > 0) return false;
  return strand.timers.length > 0 || waitingEntries(strand) > 0;
}

const COMPACT_AT = 256;

export function takeFirst(strand: Strand): Entry {
  const entry = strand.queue[strand.head++] as Entry;
  if (strand.head === strand.queue.length) {
    strand.queue.length = 0;
    strand.head = 0;
  } else if (strand.head >= COMPACT_AT) {
    strand.queue.splice(0, strand.head);
    strand.head = 0;
  }
  return entry;
}

/** Takes a message that waits from wherever it stands in its strand. False when it waits aside for its retry. */
export function takeOut(entry: Entry): boolean {
  const { queue, head } = entry.strand;
  const at = queue.indexOf(entry, head);
  if (at < 0) return false;
  if (at === head) takeFirst(entry.strand);
  else queue.splice(at, 1);
  return true;
}

/** Back to the front, in their order: they were handed out and not come to. */
export function putBack(entries: Entry[]): void {
  for (let i = entries.length - 1; i >= 0; i--) {
    const entry = entries[i] as Entry;
    if (entry.phase !== 'flying') continue;
    putFirst(entry);
  }
}

export function putFirst(entry: Entry): void {
  const { strand } = entry;
  entry.phase = 'waiting';
  if (strand.head > 0) strand.queue[--strand.head] = entry;
  else strand.queue.unshift(entry);
  readyStrand(strand);
}

/** Rule DL3: in order, the strand waits with its first message; out of order, the message waits aside. */
export function putOffRetry(core: Core, entry: Entry, retryAtMs: number): void {
  const { strand } = entry;
  entry.retryAtMs = retryAtMs;
  if (strand.exclusive && strand.lane.consumer.planned.retry.order === 'in-order') {
    putFirst(entry);
    strand.retryAtMs = retryAtMs;
    addWake(core.wakes, retryAtMs, { kind: 'strand', strand });
    return;
  }
  entry.phase = 'waiting';
  addWake(core.wakes, retryAtMs, { kind: 'retry', lane: strand.lane, entry });
}

/** A message that waited aside is next in its strand. */
export function onRetryDue(core: Core, lane: Lane, entry: Entry): void {
  // It was moved away (CG3) or taken by a step meanwhile, or waits for a later time.
  if (entry.phase !== 'waiting' || entry.retryAtMs === 0 || entry.retryAtMs > core.nowMs) return;
  entry.retryAtMs = 0;
  rejoin(lane, entry);
  putFirst(entry);
  enqueueLane(lane);
}

/** The strand of its key may have been forgotten, and begun anew, while the message waited aside. */
export function rejoin(lane: Lane, entry: Entry): void {
  const known = lane.strands.get(entry.strand.key);
  if (known) entry.strand = known;
  else lane.strands.set(entry.strand.key, entry.strand);
}

export function onStrandDue(strand: Strand): void {
  readyStrand(strand);
  enqueueLane(strand.lane);
}

export function addTimer(lane: Lane, timer: HandlerTimer): void {
  const key = lane.consumer.planned.order === 'partition' ? WHOLE_LANE : timer.scope;
  const strand = strandOf(lane, key);
  strand.timers.push(timer);
  readyStrand(strand);
  enqueueLane(lane);
}

/** A strand of a key that nothing is left of is forgotten, so that a lane does not grow with its keys. */
export function forgetIfEmpty(strand: Strand): void {
  if (strand.key === WHOLE_LANE || strand.flights > 0 || strandHasWork(strand)) return;
  if (strand.lane.strands.get(strand.key) === strand) strand.lane.strands.delete(strand.key);
}
