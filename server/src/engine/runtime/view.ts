import type { GroupProgress, NodeCondition } from '@millrace/shared/trace/metrics.ts';
import type { EngineError, EngineView } from '../io.ts';
import type { ConsumerRuntime, TopicRuntime } from './consumer.ts';
import type { Core, ProducerRuntime } from './core.ts';
import { activeFault, faultsOfKind } from './faults/fault.ts';
import { shownRedrives } from './redriveJob.ts';
import { isOver } from './status.ts';
import { isInTrouble } from './trouble.ts';
import { deadLetterFigures } from './waitingLetters.ts';

/** What may be shown: durable counts and positions only (TP3, TR2). */
export function viewOf(core: Core, nowMs: number): EngineView {
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
  for (const [id, topic] of core.topics) {
    view.topics[id] = { start: [...topic.starts], end: [...topic.ends] };
    const condition = topicCondition(core, topic, nowMs);
    if (condition !== null) view.conditions[id] = condition;
  }
  for (const producer of core.producers)
    view.conditions[producer.planned.node] = producerCondition(core, producer, nowMs);
  for (const consumer of core.consumers) {
    view.conditions[consumer.planned.node] = consumerCondition(core, consumer, nowMs);
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

function producerCondition(core: Core, producer: ProducerRuntime, nowMs: number): NodeCondition {
  const error = producer.error ?? producer.failure;
  if (error !== null) return { state: 'failed', ...reasonOf(error) };
  const { planned } = producer;
  const last = reasonOf(producer.trouble?.error);
  if (
    planned.operator.pacing.mode !== 'pushed' &&
    producer.sourceDone &&
    producer.head >= producer.buffer.length
  ) {
    return producer.unacknowledged > 0
      ? { state: 'active', ...last, inFlight: producer.unacknowledged }
      : { state: 'finished', ...last };
  }
  if (isOver(core)) return { state: 'finished', ...last };
  if (core.status !== 'running') return { state: 'idle', ...last };
  const inFlight = producer.unacknowledged;
  if (producer.blocked !== null) return { state: 'blocked', reason: producer.blocked, inFlight };
  if (producer.dropping !== null)
    return { state: 'active', reason: `Leaves messages out: ${producer.dropping}`, inFlight };
  return { state: isInTrouble(producer, nowMs) ? 'failing' : 'active', ...last, inFlight };
}

/** A topic does nothing of its own accord; it says what does not fit its schema. */
function topicCondition(core: Core, topic: TopicRuntime, nowMs: number): NodeCondition | null {
  if (topic.trouble === null) return null;
  const last = reasonOf(topic.trouble.error);
  if (isOver(core)) return { state: 'finished', ...last };
  return { state: isInTrouble(topic, nowMs) ? 'failing' : 'active', ...last };
}

function consumerCondition(core: Core, consumer: ConsumerRuntime, nowMs: number): NodeCondition {
  const inFlight = inFlightOf(core, consumer);
  let waits = false;
  let behind = false;
  for (const { lanes, topic } of consumer.subscriptions) {
    for (const lane of lanes) {
      if (lane.tried > 0) waits = true;
      if (lane.committed < (topic.ends[lane.partition] as number)) behind = true;
    }
  }
  const last = reasonOf(consumer.trouble?.error);
  if (consumer.group.paused && !isOver(core))
    return { state: 'blocked', reason: 'Its group is paused.', inFlight };
  if (behind && !isOver(core) && consumer.group.instances.every(({ up }) => !up))
    return { state: 'blocked', reason: 'None of its instances is up.', inFlight };
  if (isFailed(core, consumer)) return { state: 'failed', ...last };
  if (isOver(core)) return { state: 'finished', ...last };
  if (waits) return { state: 'waiting-retry', ...last, inFlight };
  if (isInTrouble(consumer, nowMs)) return { state: 'failing', ...last, inFlight };
  if (inFlight > 0 || (behind && core.status === 'running')) return { state: 'active', ...last, inFlight };
  return { state: 'idle', ...last };
}

function isFailed(core: Core, consumer: ConsumerRuntime): boolean {
  return (
    core.ending?.status === 'failed' &&
    consumer.planned.afterLastAttempt === 'stop' &&
    consumer.trouble !== null &&
    consumer.trouble.error.code === core.ending.error?.code
  );
}

function reasonOf(error: EngineError | undefined): Pick<NodeCondition, 'reason' | 'code'> {
  return error === undefined ? {} : { reason: error.message, code: error.code };
}
