import type { ConsumerRuntime, Flight, Instance, Lane } from './consumer.ts';
import type { Core } from './core.ts';
import { count } from './counters.ts';
import { countFinished } from './finish.ts';
import { cancelPrepared, releaseFlight, returnToStrands } from './flights.ts';
import { touchLane } from './groups.ts';
import { enqueueLane } from './laneQueue.ts';
import { NOWHERE, rangeRecord, traceOf, traceWhenDurable } from './traces.ts';

/**
 * Rule CG2. Partitions are divided among the instances that are up. Cooperative and sticky, as Kafka's assignor of that name:
 * whoever is still entitled to a partition keeps it and goes on; only the others move, and one that moves is handed over when
 * what its owner has in hand is over.
 */
export function rebalance(core: Core, consumer: ConsumerRuntime, why: string): void {
  const { group } = consumer;
  group.generation++;
  const lanes = consumer.subscriptions.flatMap((subscription) => subscription.lanes);
  const owners = assign(lanes, group.instances);
  const moved: string[] = [];
  for (let i = 0; i < lanes.length; i++) {
    const lane = lanes[i] as Lane;
    const owner = owners[i] as number;
    if (owner === lane.nextOwner) continue;
    moved.push(`${lane.topic.planned.name}/${lane.partition} → ${owner < 0 ? 'nobody' : owner}`);
    lane.nextOwner = owner;
    cancelPrepared(core, (flight) => flight.lane === lane);
    handOverIfFree(lane);
  }
  if (group.generation === 1 && group.instances.length === 1) return;
  const detail = `Generation ${group.generation}: ${why}; ${describeMoves(moved)}`;
  traceWhenDurable(core, rangeRecord('rebalanced', core.nowMs, consumer.planned.node, NOWHERE, detail));
}

const MOVES_TOLD_MAX = 16;

function describeMoves(moved: string[]): string {
  if (moved.length === 0) return 'no partition moves.';
  const told = moved.slice(0, MOVES_TOLD_MAX).join(', ');
  const more = moved.length - MOVES_TOLD_MAX;
  return more > 0 ? `${told} and ${more} more.` : `${told}.`;
}

/** The owner of each lane: as many for each instance, give or take one, and as few moves as that allows. */
export function assign(lanes: Pick<Lane, 'nextOwner'>[], instances: Instance[]): number[] {
  const alive = instances.filter(({ up }) => up);
  if (alive.length === 0) return lanes.map(() => -1);
  const share = Math.floor(lanes.length / alive.length);
  let larger = lanes.length % alive.length;
  const counts = new Map<number, number>(alive.map(({ index }) => [index, 0]));
  /** True when the instance may have one more. */
  const take = (index: number): boolean => {
    const has = counts.get(index);
    if (has === undefined || has > share || (has === share && larger === 0)) return false;
    if (has === share) larger--;
    counts.set(index, has + 1);
    return true;
  };
  const owners = lanes.map(({ nextOwner }) => (take(nextOwner) ? nextOwner : -1));
  return owners.map((owner) => {
    if (owner >= 0) return owner;
    const least = alive.reduce((a, b) =>
      (counts.get(b.index) as number) < (counts.get(a.index) as number) ? b : a,
    );
    take(least.index);
    return least.index;
  });
}

/** A partition changes hands only between invocations, so that no two instances ever have messages of it. */
export function handOverIfFree(lane: Lane): void {
  if (lane.owner === lane.nextOwner || lane.flights > 0) return;
  lane.owner = lane.nextOwner;
  enqueueLane(lane);
}

/** The instance dies: nothing of what it has in hand is committed, and whatever it answers later is refused. */
export function crashInstance(core: Core, consumer: ConsumerRuntime, index: number, why: string): void {
  const instance = consumer.group.instances[index];
  if (!instance?.up) return;
  instance.up = false;
  instance.epoch++;
  cancelPrepared(core, (flight) => flight.instance === instance);
  const lost = [...core.flights.values(), ...core.prepared].filter((flight) => flight.instance === instance);
  for (const flight of lost) loseFlight(core, flight);
  core.effects.push({ type: 'reset-instance', node: consumer.planned.node, instance: index });
  rebalance(core, consumer, `instance ${index} ${why}`);
}

function loseFlight(core: Core, flight: Flight): void {
  if (core.flights.delete(flight.id)) core.fenced.set(flight.id, flight);
  else core.prepared.splice(core.prepared.indexOf(flight), 1);
  const { lane, entries } = flight;
  for (const entry of entries) {
    entry.again = true;
    entry.traced = Math.min(entry.traced, entry.attempts?.attempts ?? 0);
    if (flight.committedFirst) loseTaken(core, lane, flight, entry.stored.offset);
  }
  returnToStrands(flight);
  releaseFlight(flight);
  if (core.careful.holder === flight) core.careful.holder = null;
  lane.noted = [];
  touchLane(core, lane);
}

/** Rule DL1: at most once, an end without an outcome loses the message; it is said so, and counted. */
function loseTaken(core: Core, lane: Lane, { entries }: Flight, offset: number): void {
  const { counter, planned } = lane.consumer;
  const message = entries.find(({ stored }) => stored.offset === offset)?.stored.message;
  if (!message) return;
  const place = { topic: lane.topic.planned.topic, partition: lane.partition, offset };
  const record = traceOf('dropped', core.nowMs, planned.node, message, place, 1);
  record.detail = 'It was committed before it was handled (at most once), and its instance crashed.';
  traceWhenDurable(core, record);
  count(core, counter).dropped++;
  countFinished(core, lane);
  lane.taken = lane.taken.filter((taken) => taken !== offset);
}

/** Rule CG2: what an instance of an earlier generation wants to commit is refused. */
export function refuseFenced(core: Core, invocationId: number): void {
  const flight = core.fenced.get(invocationId);
  if (!flight) return;
  core.fenced.delete(invocationId);
  const { lane, instance, entries } = flight;
  const { node } = lane.consumer.planned;
  const detail = `The commit of ${entries.length} messages by instance ${instance.index} was refused: it has lost the partition.`;
  const place = {
    topic: lane.topic.planned.topic,
    partition: lane.partition,
    offset: entries[0]?.stored.offset ?? -1,
  };
  traceWhenDurable(core, rangeRecord('rebalanced', core.nowMs, node, place, detail));
}

export function reviveInstance(core: Core, consumer: ConsumerRuntime, index: number): void {
  const instance = consumer.group.instances[index];
  if (!instance || instance.up) return;
  instance.up = true;
  rebalance(core, consumer, `instance ${index} joined`);
}

export function createInstances(number: number): Instance[] {
  return Array.from({ length: number }, (_, index) => ({ index, up: true, epoch: 0, flights: 0 }));
}

/** Instances join or leave in good order: those that leave finish what they have in hand. */
export function scaleGroup(core: Core, consumer: ConsumerRuntime, number: number): void {
  const { group } = consumer;
  const before = group.instances.length;
  if (number === before) return;
  if (number > before) group.instances.push(...createInstances(number).slice(before));
  else for (const instance of group.instances.splice(number)) instance.up = false;
  rebalance(core, consumer, number > before ? `${number - before} joined` : `${before - number} left`);
}
