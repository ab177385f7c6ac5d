import type { GroupProgress, NodeCondition } from '@millrace/shared/trace/metrics.ts';
import type { EngineView } from '../io.ts';
import type { ConsumerRuntime } from './consumer.ts';
import type { Core, ProducerRuntime } from './core.ts';
import { activeFault, faultsOfKind } from './faults/fault.ts';
import { shownRedrives } from './redriveJob.ts';
import { isOver } from './status.ts';
import { deadLetterFigures } from './waitingLetters.ts';

/** What may be shown: durable counts and positions only (TP3, TR2). */
export function viewOf(core: Core): EngineView {
  const view: EngineView = {
    status: core.status,
    nodes: {},
    conditions: {},
    topics: {},
    subscriptions: {},
    groups: {},
    faults: [...core.faults.values()].map(activeFault),
    redrives: shownRedrives(core, isOver(core)),
    deadLetters: deadLetterFigures(core),
    stalled: core.writes.stalled,
  };
  for (const { node, acknowledged } of core.counters) view.nodes[node] = { ...acknowledged };
  for (const [id, { starts, ends }] of core.topics) view.topics[id] = { start: [...starts], end: [...ends] };
  for (const producer of core.producers)
    view.conditions[producer.planned.node] = producerCondition(core, producer);
  for (const consumer of core.consumers) {
    view.conditions[consumer.planned.node] = consumerCondition(core, consumer);
    view.groups[consumer.planned.node] = groupOf(core, consumer);
    for (const subscription of consumer.subscriptions) {
      const { edgeId, lanes, topic } = subscription;
      const committed = lanes.map((lane) => lane.committed);
      const lag = committed.reduce(
        (sum, offset, partition) => sum + (topic.ends[partition] as number) - offset,
        0,
      );
      view.subscriptions[edgeId] = {
        committed,
        lag,
        backlog: subscription.backlog,
        backlogBytes: subscription.backlogBytes,
        backlogMax: subscription.backlogMax,
        backlogBytesMax: subscription.backlogBytesMax,
      };
    }
  }
  return view;
}

function groupOf(core: Core, { planned, group, subscriptions }: ConsumerRuntime): GroupProgress {
  const isPaused = (index: number): boolean =>
    faultsOfKind(core, 'pause').some(
      ({ spec: { target } }) =>
        target.nodeId === planned.node &&
        target.partition === undefined &&
        (target.instance === undefined || target.instance === index),
    );
  const owners: GroupProgress['owners'] = {};
  for (const { edgeId, lanes } of subscriptions) owners[edgeId] = lanes.map(({ owner }) => owner);
  return {
    generation: group.generation,
    paused: group.paused,
    instances: group.instances.map(({ index, up, flights }) => ({
      state: up ? (isPaused(index) ? 'paused' : 'up') : 'down',
      inFlight: flights,
    })),
    owners,
  };
}

/** Messages and timers that are being handled. */
function inFlightOf(core: Core, consumer: ConsumerRuntime): number {
  let inFlight = 0;
  for (const { lane, entries, timers } of core.flights.values())
    if (lane.consumer === consumer) inFlight += entries.length + timers.length;
  return inFlight;
}

function producerCondition(core: Core, producer: ProducerRuntime): NodeCondition {
  const error = producer.error ?? producer.failure;
  if (error !== null) return { state: 'failed', reason: error.message };
  const { planned } = producer;
  if (
    planned.operator.pacing.mode !== 'pushed' &&
    producer.sourceDone &&
    producer.head >= producer.buffer.length
  ) {
    return producer.unacknowledged > 0
      ? { state: 'active', inFlight: producer.unacknowledged }
      : { state: 'finished' };
  }
  if (isOver(core)) return { state: 'finished' };
  if (core.status !== 'running') return { state: 'idle' };
  if (producer.blocked !== null)
    return { state: 'blocked', reason: producer.blocked, inFlight: producer.unacknowledged };
  const condition: NodeCondition = { state: 'active', inFlight: producer.unacknowledged };
  if (producer.dropping !== null) condition.reason = `Leaves messages out: ${producer.dropping}`;
  else if (producer.lastRejection !== null) condition.reason = producer.lastRejection.message;
  return condition;
}

function consumerCondition(core: Core, consumer: ConsumerRuntime): NodeCondition {
  const inFlight = inFlightOf(core, consumer);
  let waits = false;
  let behind = false;
  for (const { lanes, topic } of consumer.subscriptions) {
    for (const lane of lanes) {
      if (lane.tried > 0) waits = true;
      if (lane.committed < (topic.ends[lane.partition] as number)) behind = true;
    }
  }
  const reason = consumer.lastError === null ? {} : { reason: consumer.lastError.message };
  if (consumer.group.paused && !isOver(core))
    return { state: 'blocked', reason: 'Its group is paused.', inFlight };
  if (behind && !isOver(core) && consumer.group.instances.every(({ up }) => !up))
    return { state: 'blocked', reason: 'None of its instances is up.', inFlight };
  if (isFailed(core, consumer)) return { state: 'failed', ...reason };
  if (waits && !isOver(core)) return { state: 'waiting-retry', ...reason, inFlight };
  if (inFlight > 0 || (behind && core.status === 'running')) return { state: 'active', ...reason, inFlight };
  return { state: isOver(core) ? 'finished' : 'idle', ...reason };
}

function isFailed(core: Core, consumer: ConsumerRuntime): boolean {
  return (
    core.ending?.status === 'failed' &&
    consumer.planned.afterLastAttempt === 'stop' &&
    consumer.lastError !== null &&
    consumer.lastError.code === core.ending.error?.code
  );
}
