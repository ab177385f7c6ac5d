import type { EngineCommand, EngineError } from '../io.ts';
import { answerWhenDurable, refuse } from './answers.ts';
import type { ConsumerRuntime, Lane } from './consumer.ts';
import type { Core, PendingSeek } from './core.ts';
import { cancelPrepared } from './flights.ts';
import { touchLane } from './groups.ts';
import { enqueueLane } from './laneQueue.ts';
import { fetchMore } from './lanes.ts';
import { scaleGroup } from './rebalance.ts';
import { putState } from './stateStore.ts';
import { isOver } from './status.ts';

/** What is durable of a group beyond the plan: `group` store, by node. */
export type GroupEntry = { paused: boolean; instances: number };

export const GROUP_STORE = 'group';

export function pauseGroup(core: Core, requestId: number, node: string, paused: boolean): void {
  const consumer = groupOf(core, requestId, node);
  if (!consumer) return;
  consumer.group.paused = paused;
  if (paused) cancelPrepared(core, (flight) => flight.lane.consumer === consumer);
  else wakeGroup(core, consumer);
  storeGroup(core, consumer);
  answerWhenDurable(core, requestId, null);
}

export function onScaleGroup(core: Core, requestId: number, node: string, instances: number): void {
  const consumer = groupOf(core, requestId, node);
  if (!consumer) return;
  scaleGroup(core, consumer, instances);
  storeGroup(core, consumer);
  answerWhenDurable(core, requestId, null);
}

function groupOf(core: Core, requestId: number, node: string): ConsumerRuntime | null {
  const consumer = core.consumersById.get(node) ?? null;
  const error: EngineError | null = isOver(core)
    ? { code: 'RUN_NOT_ACTIVE', message: 'The run is over.' }
    : consumer === null
      ? { code: 'GROUP_NOT_FOUND', message: 'This run has no such consumer.' }
      : null;
  if (error === null) return consumer;
  refuse(core, requestId, error);
  return null;
}

function storeGroup(core: Core, { planned, group }: ConsumerRuntime): void {
  const { paused, instances } = group;
  const entry: GroupEntry = { paused, instances: instances.length };
  const plain = !paused && instances.length === planned.instances;
  putState(core, GROUP_STORE, planned.node, plain ? null : JSON.stringify(entry));
}

function wakeGroup(core: Core, { subscriptions }: ConsumerRuntime): void {
  for (const { lanes } of subscriptions) {
    for (const lane of lanes) {
      enqueueLane(lane);
      fetchMore(core, lane);
    }
  }
}

/** Rule CG3: a group is moved while it stands still. What it has in hand is finished first. */
export function onSeek(
  core: Core,
  requestId: number,
  command: Extract<EngineCommand, { type: 'seek' }>,
): void {
  const consumer = groupOf(core, requestId, command.node);
  if (!consumer) return;
  if (core.status !== 'paused' && !consumer.group.paused) {
    refuse(core, requestId, {
      code: 'GROUP_NOT_PAUSED',
      message: `Pause ${consumer.planned.name} first: a group is moved while it stands still.`,
    });
    return;
  }
  const targets: PendingSeek['targets'] = [];
  for (const { topic, partition, offset } of command.positions) {
    const lane = consumer.subscriptions.find((own) => own.topic.planned.topic === topic)?.lanes[partition];
    if (lane) targets.push({ lane, offset });
  }
  core.seeks.push({ requestId, targets });
}

/** Moves the groups that have nothing in hand any more. */
export function pumpSeeks(core: Core): void {
  for (const seek of [...core.seeks]) {
    if (seek.targets.some(({ lane }) => lane.flights > 0 || lane.inGroup || lane.committed !== lane.finished))
      continue;
    core.seeks.splice(core.seeks.indexOf(seek), 1);
    const moved = seek.targets.map(({ lane, offset }) => {
      const from = lane.finished;
      moveLane(core, lane, offset);
      return { topic: lane.topic.planned.topic, partition: lane.partition, from, to: offset };
    });
    answerWhenDurable(core, seek.requestId, { moved });
  }
}

function moveLane(core: Core, lane: Lane, offset: number): void {
  // A message that waits aside for its retry must not come back.
  for (const entry of lane.window) entry.phase = 'done';
  for (const strand of lane.strands.values()) {
    strand.queue.length = 0;
    strand.head = 0;
    strand.retryAtMs = 0;
  }
  lane.redeliveredUntil = Math.max(lane.redeliveredUntil, lane.fetchFrom);
  lane.window.length = 0;
  lane.head = lane.windowBytes = lane.ahead = lane.tried = 0;
  // Nothing is on its way: the next write, which answers the seek, commits it whatever the guarantee.
  lane.fetchFrom = lane.finished = lane.settled = lane.jumpTo = offset;
  lane.fetchId = null;
  lane.fetchAtMs = 0;
  lane.carefulUntil = 0;
  lane.closedTries = [];
  lane.closedDone = [];
  lane.restoredDone.clear();
  lane.restoredTries.clear();
  lane.suspects.clear();
  touchLane(core, lane);
  enqueueLane(lane);
  fetchMore(core, lane);
}
