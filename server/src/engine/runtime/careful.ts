import type { Entry, Flight, Lane } from './consumer.ts';
import type { Core } from './core.ts';
import { hold } from './flights.ts';
import { enqueueLane } from './laneQueue.ts';

/**
 * Going carefully after a crash. A message whose handling kills the whole process leaves no outcome behind, and would kill
 * every process after it. So after a crash, until every lane of sandboxed code has passed the offsets that can have been
 * in flight, one invocation at a time is under way in the whole run, and which messages it holds is written down, durably,
 * before it begins. If the process dies again, the note says where: a batch is then taken apart message by message, and
 * a single message gets the crash counted as an attempt, so that it reaches the dead letters in the end (DL2, DL4).
 * What is handled at most once is committed before it begins, and cannot kill twice.
 */
export function mustCare(core: Core, lane: Lane): boolean {
  const { operator, guarantee } = lane.consumer.planned;
  return core.careful.active && operator.runtime === 'sandbox' && guarantee !== 'at-most-once';
}

/** A message of a batch that has killed a process before is tried alone. */
export function mustBeAlone(lane: Lane, entry: Entry, others: Entry[]): boolean {
  const { suspects } = lane;
  if (suspects.size === 0) return false;
  return suspects.has(entry.stored.offset) || others.some(({ stored }) => suspects.has(stored.offset));
}

/** Writes down what the flight holds; it begins when that is durable. */
export function prepareCarefully(core: Core, flight: Flight): void {
  flight.careful = true;
  core.careful.holder = flight;
  // A timer that kills is found by elimination: it has no offset to be noted.
  flight.lane.noted = flight.entries.map(({ stored }) => stored.offset);
  hold(core, flight);
}

/** The invocation is over: the next lane may go, and once all have passed the dangerous offsets, all may. */
export function releaseCare(core: Core, flight: Flight): void {
  const { careful } = core;
  if (careful.holder !== flight) return;
  careful.holder = null;
  const { lane, entries } = flight;
  lane.noted = [];
  for (const { stored, phase } of entries) if (phase === 'done') lane.suspects.delete(stored.offset);
  lookForEndOfCare(core);
  wakeSandboxLanes(core);
}

export function lookForEndOfCare(core: Core): void {
  const { careful } = core;
  if (!careful.active || careful.holder !== null) return;
  for (const consumer of core.consumers) {
    // A group that a person has paused does not keep the whole run at this pace.
    if (consumer.planned.operator.runtime !== 'sandbox' || consumer.group.paused) continue;
    for (const { lanes } of consumer.subscriptions) if (lanes.some((lane) => isInDanger(core, lane))) return;
  }
  careful.active = false;
}

/** A message that waits for its retry has been survived; the run does not crawl for as long as it waits. */
function isInDanger(core: Core, lane: Lane): boolean {
  if (lane.finished >= lane.carefulUntil) return false;
  const first = lane.window[lane.head];
  return first === undefined || !(first.phase === 'waiting' && waitsUntil(first) > core.nowMs);
}

function waitsUntil({ retryAtMs, attempts }: Entry): number {
  return attempts === null ? 0 : retryAtMs;
}

function wakeSandboxLanes(core: Core): void {
  for (const consumer of core.consumers) {
    if (consumer.planned.operator.runtime !== 'sandbox') continue;
    for (const { lanes } of consumer.subscriptions) for (const lane of lanes) enqueueLane(lane);
  }
}
