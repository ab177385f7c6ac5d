import type { Delivery, EngineEffect } from '../io.ts';
import type { Entry, Flight, HandlerTimer, Instance, Lane, Strand } from './consumer.ts';
import type { Core } from './core.ts';
import { touchLane } from './groups.ts';
import { clearPending, markPending } from './idempotency.ts';
import { enqueueLane } from './laneQueue.ts';
import { scopeOf } from './scopes.ts';
import { forgetIfEmpty, putBack, readyStrand } from './strands.ts';
import { timerMessage, timerPlace } from './timers.ts';
import { emitPlain, emitTrace, traceOf } from './traces.ts';
import { finishEntry } from './window.ts';

export type Batch = { entries: Entry[]; timers: HandlerTimer[] };

/** Takes a place of the instance, and holds the strands of what it will handle. */
export function newFlight(core: Core, lane: Lane, instance: Instance, { entries, timers }: Batch): Flight {
  const strands = new Set<Strand>(entries.map(({ strand }) => strand));
  const [timer] = timers;
  if (timer !== undefined) {
    const key = lane.consumer.planned.order === 'partition' ? '' : timer.scope;
    strands.add(lane.strands.get(key) as Strand);
  }
  const flight: Flight = {
    id: core.nextId++,
    lane,
    entries,
    timers,
    strands: [...strands],
    instance,
    epoch: instance.epoch,
    gate: 0,
    careful: false,
    forStep: false,
    committedFirst: false,
    late: false,
  };
  for (const strand of flight.strands) strand.flights++;
  for (const entry of entries) markPending(lane.consumer, entry);
  lane.flights++;
  lane.consumer.flights++;
  instance.flights++;
  return flight;
}

/** Gives everything back that the flight held. What it was to handle is the caller's business. */
export function releaseFlight(flight: Flight): void {
  const { lane, instance } = flight;
  for (const strand of flight.strands) {
    strand.flights--;
    readyStrand(strand);
  }
  clearPending(flight);
  lane.flights--;
  lane.consumer.flights--;
  instance.flights--;
  enqueueLane(lane);
}

/** Rule DL1, at most once: the messages are committed before they are handled, and nothing brings them back. */
export function prepare(core: Core, flight: Flight): void {
  const { lane } = flight;
  flight.committedFirst = true;
  for (const entry of flight.entries) {
    lane.taken.push(entry.stored.offset);
    finishEntry(core, lane, entry);
  }
  hold(core, flight);
}

/** The flight begins when the open group is durable. */
export function hold(core: Core, flight: Flight): void {
  flight.gate = core.writes.open.number;
  core.prepared.push(flight);
  touchLane(core, flight.lane);
}

/** Begins what was waiting for its write. */
export function pumpPrepared(core: Core): void {
  if (core.prepared.length === 0) return;
  const mayBegin = core.status === 'running' || core.drainUntilMs !== null;
  for (const flight of [...core.prepared]) {
    if (flight.gate > core.writes.acknowledged) continue;
    // What is committed already is under way in all but name; the rest waits with the run.
    if (!mayBegin && !flight.forStep && !flight.committedFirst) continue;
    core.prepared.splice(core.prepared.indexOf(flight), 1);
    launch(core, flight);
  }
}

/** What has not begun is given up again, where nothing of it is committed. */
export function cancelPrepared(core: Core, matches: (flight: Flight) => boolean): void {
  for (const flight of [...core.prepared]) {
    if (flight.committedFirst || !matches(flight)) continue;
    core.prepared.splice(core.prepared.indexOf(flight), 1);
    returnToStrands(flight);
    releaseFlight(flight);
    if (core.careful.holder === flight) core.careful.holder = null;
    flight.lane.noted = [];
    touchLane(core, flight.lane);
    for (const strand of flight.strands) forgetIfEmpty(strand);
  }
}

/** The messages and timers of a flight wait again, in their order. */
export function returnToStrands({ entries, timers, strands }: Flight): void {
  putBack(entries);
  if (timers.length > 0) (strands[0] as Strand).timers.unshift(...timers);
}

export function launch(core: Core, flight: Flight): void {
  const { lane, entries, timers } = flight;
  const { consumer } = lane;
  core.flights.set(flight.id, flight);
  const deliveries: Delivery[] = [];
  for (const timer of timers) deliveries.push(timerDelivery(core, lane, timer));
  for (const entry of entries) deliveries.push(delivery(core, lane, entry));
  const state: Record<string, Record<string, string>> = {};
  // Mostly there are many scopes with nothing in them, or no state at all.
  if (consumer.state.size > 0) {
    for (const { scope } of deliveries) {
      const stored = consumer.state.get(scope);
      if (stored !== undefined && state[scope] === undefined) state[scope] = Object.fromEntries(stored);
    }
  }
  const effect: EngineEffect = {
    type: 'invoke',
    invocationId: flight.id,
    node: consumer.planned.node,
    instance: flight.instance.index,
    seed: consumer.seed,
    deliveries,
    state,
    goesOn: consumer.goesOn && timers.length === 0,
  };
  core.effects.push(effect);
}

function delivery(core: Core, lane: Lane, entry: Entry): Delivery {
  const { message, offset } = entry.stored;
  const topic = lane.topic.planned.topic;
  const { partition } = lane;
  const attempt = (entry.attempts?.attempts ?? 0) + 1;
  // What an earlier invocation held but did not come to has been traced already.
  if (entry.traced < attempt) {
    entry.traced = attempt;
    const kind = entry.again ? 'redelivered' : 'delivered';
    const place = { topic, partition, offset };
    emitPlain(core, kind, lane.consumer.planned.node, message, place, attempt);
    entry.again = false;
  }
  return { message, topic, partition, offset, attempt, scope: scopeOf(lane, message), timer: false };
}

function timerDelivery(core: Core, lane: Lane, timer: HandlerTimer): Delivery {
  const message = timerMessage(lane.consumer, timer);
  const attempt = (timer.history?.attempts ?? 0) + 1;
  const place = timerPlace(lane);
  emitTrace(core, traceOf('timer-fired', core.nowMs, lane.consumer.planned.node, message, place, attempt));
  return { message, ...place, attempt, scope: timer.scope, timer: true };
}
