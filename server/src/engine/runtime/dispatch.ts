import { mustBeAlone, mustCare, prepareCarefully } from './careful.ts';
import type { ConsumerRuntime, Entry, Flight, Instance, Lane, Strand } from './consumer.ts';
import type { Core } from './core.ts';
import { isDelayed, isHeld } from './faults/handling.ts';
import { finishUnhandled } from './finish.ts';
import { type Batch, launch, newFlight, prepare } from './flights.ts';
import { lookUp, waitForPending } from './idempotency.ts';
import { enqueueLane, storedBytes } from './laneQueue.ts';
import {
  INVOCATION_BYTES_MAX,
  INVOCATION_DELIVERIES_FIRST,
  INVOCATION_DELIVERIES_MAX,
  INVOCATION_TARGET_US,
  LANE_UNACKNOWLEDGED_MAX,
} from './limits.ts';
import { paceAllows, spendPace } from './pace.ts';
import {
  forgetIfEmpty,
  readyStrand,
  rejoin,
  strandHasWork,
  takeFirst,
  takeOut,
  waitingEntries,
} from './strands.ts';

/** Gives every instance that has room the next lanes in its node's queue. */
export function pumpLanes(core: Core): void {
  const { consumers, careful } = core;
  // While only one invocation may be under way in the whole run, nodes take turns.
  const first = careful.active ? careful.turn++ : 0;
  for (let i = 0; i < consumers.length; i++)
    pumpConsumer(core, consumers[(first + i) % consumers.length] as ConsumerRuntime);
}

function pumpConsumer(core: Core, consumer: ConsumerRuntime): void {
  const { ready, planned } = consumer;
  if (consumer.group.paused) return;
  // Lanes that are turned away and queued again wait for the next pump.
  let looks = ready.length;
  while (looks-- > 0 && consumer.flights < consumer.flightsMax) {
    // Lanes keep their places while one is handled carefully: woken again in a fixed order, the first would always win.
    if (core.careful.holder !== null && planned.operator.runtime === 'sandbox') return;
    const lane = ready.shift() as Lane;
    lane.queued = false;
    const instance = ownerOf(lane);
    // A lane without an owner is queued again when it gets one.
    if (instance === null) continue;
    if (instance.flights >= consumer.planned.concurrency) {
      enqueueLane(lane);
      continue;
    }
    // Strands of one lane run side by side, as far as its owner has room.
    if (startLane(core, lane, instance) && lane.readyStrands.length > 0) enqueueLane(lane);
  }
}

/** The instance that may handle the lane's messages now, or null. */
export function ownerOf(lane: Lane): Instance | null {
  const instance = lane.consumer.group.instances[lane.owner];
  return instance?.up && lane.nextOwner === lane.owner ? instance : null;
}

/** Whether the lane could invoke something, apart from its turn and from how long a retry has to wait. */
export function hasWork(lane: Lane): boolean {
  for (const strand of lane.strands.values()) if (strandHasWork(strand)) return true;
  return lane.tried > 0 && lane.window.some(({ phase }) => phase === 'waiting');
}

/** Invokes what the lane has next: due timers of a strand, or as many messages as a batch takes. False when it must wait. */
function startLane(core: Core, lane: Lane, instance: Instance): boolean {
  const { consumer } = lane;
  if (core.faults.size > 0 && isHeld(core, lane)) return false;
  if (lane.unacknowledged >= LANE_UNACKNOWLEDGED_MAX) return false;
  const paced = paceAllows(core, lane);
  if (paced === 0) return false;
  const careful = mustCare(core, lane);
  if (careful && core.careful.holder !== null) return false;
  const most = Math.min(batchMax(consumer), LANE_UNACKNOWLEDGED_MAX - lane.unacknowledged, paced);
  const batch = gather(core, lane, most, careful);
  if (batch === null) return false;
  const flight = newFlight(core, lane, instance, batch);
  if (consumer.pace !== null) spendPace(consumer.pace, flight.entries.length);
  if (consumer.planned.guarantee === 'at-most-once' && flight.entries.length > 0) prepare(core, flight);
  else if (careful) prepareCarefully(core, flight);
  else launch(core, flight);
  return true;
}

/** Collects from the lane's ready strands; null when none of them has anything that can be handled now. */
function gather(core: Core, lane: Lane, most: number, careful: boolean): Batch | null {
  const entries: Entry[] = [];
  let bytes = 0;
  let looks = lane.readyStrands.length;
  while (looks-- > 0 && entries.length < most) {
    const strand = lane.readyStrands.shift() as Strand;
    strand.queued = false;
    if (!strandHasWork(strand)) {
      forgetIfEmpty(strand);
      continue;
    }
    if (strand.timers.length > 0) {
      if (entries.length === 0) return { entries, timers: strand.timers.splice(0, most) };
      readyStrand(strand);
      continue;
    }
    const before = entries.length;
    bytes = gatherStrand(core, strand, entries, most, bytes, careful);
    // What is left of a strand that others may take from, or that has to wait for a write, is looked at again.
    if (strandHasWork(strand) && (entries.length === before || !strand.exclusive)) {
      if (strand.retryAtMs <= core.nowMs) readyStrand(strand);
    }
  }
  return entries.length === 0 ? null : { entries, timers: [] };
}

/** Takes from the front of a strand as long as the batch has room. A message that has failed is tried alone. */
function gatherStrand(
  core: Core,
  strand: Strand,
  into: Entry[],
  most: number,
  bytesBefore: number,
  careful: boolean,
): number {
  const { lane } = strand;
  let bytes = bytesBefore;
  while (waitingEntries(strand) > 0 && into.length < most) {
    const entry = strand.queue[strand.head] as Entry;
    if (entry.gate > core.writes.acknowledged) break;
    if (core.faults.size > 0 && isDelayed(core, strand, entry)) break;
    if (entry.attempts !== null && (into.length > 0 || strand.retryAtMs > core.nowMs)) break;
    if (careful && into.length > 0 && mustBeAlone(lane, entry, into)) break;
    const size = storedBytes(entry.stored);
    if (into.length > 0 && bytes + size > INVOCATION_BYTES_MAX) break;
    const verdict = passOver(core, lane, entry);
    if (verdict === 'over') {
      takeFirst(strand);
      finishUnhandled(core, lane, entry);
      continue;
    }
    if (verdict === 'wait' || (entry.dedupKey !== undefined && holdsKey(into, entry.dedupKey))) break;
    takeFirst(strand);
    entry.phase = 'flying';
    into.push(entry);
    bytes += size;
    if (entry.attempts !== null) break;
  }
  return bytes;
}

/** Messages that are over without an attempt: duplicates, and what was sent back to another group (DL5, DL6). */
function passOver(core: Core, lane: Lane, entry: Entry): 'handle' | 'over' | 'wait' {
  const addressee = entry.stored.message.extensions?.redriveto;
  if (addressee !== undefined && addressee !== lane.consumer.planned.node) return 'over';
  const seen = lookUp(core, lane.consumer, entry);
  if (seen === 'pending') waitForPending(lane);
  return seen === 'new' ? 'handle' : seen === 'seen' ? 'over' : 'wait';
}

function holdsKey(entries: Entry[], key: string): boolean {
  return entries.some(({ dedupKey }) => dedupKey === key);
}

/**
 * As many as take about INVOCATION_TARGET_US, going by how long attempts of this node have taken. What writes a batch as
 * one takes hardly longer for many than for one, so there a share of the time says nothing: made small because the disk
 * is slow, batches would only wait for it more often.
 */
function batchMax({ meanUs, planned: { operator } }: ConsumerRuntime): number {
  if (operator.runtime === 'file' || operator.runtime === 'database') return INVOCATION_DELIVERIES_MAX;
  if (meanUs === null) return INVOCATION_DELIVERIES_FIRST;
  return Math.min(
    INVOCATION_DELIVERIES_MAX,
    Math.max(1, Math.floor(INVOCATION_TARGET_US / Math.max(meanUs, 1))),
  );
}

/** Rule RN2: a step handles the lane's first message or timer, without waiting for its retry. Null when nothing can be. */
export function startStep(core: Core, lane: Lane): Flight | null {
  const instance = ownerOf(lane);
  if (instance === null) return null;
  const batch = firstOf(core, lane);
  if (batch === null) return null;
  const flight = newFlight(core, lane, instance, batch);
  flight.forStep = true;
  if (lane.consumer.planned.guarantee === 'at-most-once' && flight.entries.length > 0) prepare(core, flight);
  else if (mustCare(core, lane)) prepareCarefully(core, flight);
  else launch(core, flight);
  return flight;
}

function firstOf(core: Core, lane: Lane): Batch | null {
  for (const strand of lane.strands.values()) {
    if (strand.timers.length > 0 && strandHasWork(strand))
      return { entries: [], timers: strand.timers.splice(0, 1) };
  }
  for (const entry of lane.window.slice(lane.head)) {
    if (entry.phase !== 'waiting') continue;
    if (!takeOut(entry)) rejoin(lane, entry);
    entry.retryAtMs = 0;
    entry.strand.retryAtMs = 0;
    const verdict = passOver(core, lane, entry);
    if (verdict === 'over') {
      finishUnhandled(core, lane, entry);
      continue;
    }
    entry.phase = 'flying';
    return { entries: [entry], timers: [] };
  }
  return null;
}
