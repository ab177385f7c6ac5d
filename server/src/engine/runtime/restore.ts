import type { ActiveFault } from '@millrace/shared/faults/fault.ts';
import { type NodeCounters, zeroCounters } from '@millrace/shared/trace/metrics.ts';
import { restoreRandom } from '@millrace/shared/util/random.ts';
import type { RestoredRun } from '../io.ts';
import { beginBacklog, restoreByteMarks } from './backlog.ts';
import type { ConsumerRuntime, HandlerTimer, Lane, TopicRuntime } from './consumer.ts';
import type { Core, ProducerEntry } from './core.ts';
import { count } from './counters.ts';
import { restoreFault } from './faults/commands.ts';
import { FAULT_STORE } from './faults/fault.ts';
import { countFinished } from './finish.ts';
import { GROUP_STORE, type GroupEntry } from './groupCommands.ts';
import { touchLane } from './groups.ts';
import { restoreSeen, SEEN_STORE, type SeenEntry } from './idempotency.ts';
import { LANE_STORE, type LaneEntry, restoreLane } from './laneEntry.ts';
import { LANE_IN_FLIGHT_MAX, STORED_BYTES_GUESS } from './limits.ts';
import { settleExpired } from './maintenance.ts';
import { setEntry } from './nodeState.ts';
import { createInstances, rebalance } from './rebalance.ts';
import { restoreMark, restoreRedrive } from './redriveJob.ts';
import { armTimer } from './timers.ts';
import { NOWHERE, rangeRecord, traceWhenDurable } from './traces.ts';

/** Rule RN3: puts the core where the last process durably was. */
export function restore(core: Core, restored: RestoredRun): void {
  core.startedMs = core.nowMs;
  core.tracesEmitted = restored.traceRecords ?? 0;
  for (const topic of core.topics.values()) restoreTopic(topic, restored);
  for (const consumer of core.consumers) {
    for (const { lanes } of consumer.subscriptions)
      for (const lane of lanes) restorePosition(core, lane, restored);
  }
  const entries = new Map<string, LaneEntry>();
  const seen = new Map<string, SeenEntry[]>();
  for (const { store, key, value } of restored.state) {
    // Every value was written by this core, under the store's name and in the form this core reads.
    if (store === LANE_STORE) entries.set(key, JSON.parse(value) as LaneEntry);
    else if (store.startsWith(SEEN_STORE))
      listOf(seen, store.slice(SEEN_STORE.length)).push({ key, atMs: Number(value) });
    else restoreEntry(core, store, key, value);
  }
  for (const consumer of core.consumers) {
    restoreSeen(consumer, seen.get(consumer.planned.node) ?? []);
    for (const { lanes } of consumer.subscriptions) {
      for (const lane of lanes) restoreInHand(core, lane, entries.get(lane.entryKey), restored.afterCrash);
    }
    rebalance(core, consumer, 'the run began');
  }
  for (const { store, value } of restored.state)
    if (store === FAULT_STORE) restoreFault(core, JSON.parse(value) as ActiveFault);
  for (const topic of core.topics.values()) settleExpired(core, topic, restored);
  core.careful.active = restored.afterCrash;
}

function restoreTopic(topic: TopicRuntime, restored: RestoredRun): void {
  const id = topic.planned.topic;
  for (let partition = 0; partition < topic.ends.length; partition++) {
    const end = restored.ends[id]?.[partition] ?? 0;
    const start = restored.firsts[id]?.[partition] ?? 0;
    topic.starts[partition] = start;
    topic.ends[partition] = end;
    const bytes = restored.held?.[id]?.[partition]?.bytes ?? (end - start) * STORED_BYTES_GUESS;
    topic.sizes[partition] = restoreByteMarks(start, end, bytes);
  }
}

function listOf<Value>(lists: Map<string, Value[]>, key: string): Value[] {
  const known = lists.get(key) ?? [];
  lists.set(key, known);
  return known;
}

function restorePosition(core: Core, lane: Lane, restored: RestoredRun): void {
  const group = lane.consumer.planned.node;
  const topic = lane.topic.planned.topic;
  const committed = restored.commits[group]?.[topic]?.[lane.partition] ?? null;
  const start = restored.starts[group]?.[topic]?.[lane.partition] ?? 0;
  const end = lane.topic.ends[lane.partition] as number;
  const at = Math.min(committed ?? start, end);
  lane.fetchFrom = lane.finished = lane.settled = lane.committing = at;
  beginBacklog(lane, at);
  if (committed === null && lane.consumer.planned.startFrom.at !== 'earliest') {
    // Rule CG3: where a group began is decided once. Without this commit, "latest" would move with every restart.
    lane.committing = -1;
    touchLane(core, lane);
  }
  if (restored.afterCrash) lane.redeliveredUntil = Math.min(end, at + LANE_IN_FLIGHT_MAX);
}

function restoreEntry(core: Core, store: string, key: string, value: string): void {
  if (store === 'counters') {
    const counter = core.counters.find(({ node }) => node === key);
    if (!counter) return;
    counter.issued = { ...zeroCounters(), ...(JSON.parse(value) as NodeCounters) };
    counter.acknowledged = { ...counter.issued };
  } else if (store === 'cursor') {
    const producer = core.producersById.get(key);
    if (!producer) return;
    const saved = JSON.parse(value) as ProducerEntry;
    producer.readCursor = producer.producedCursor = saved.cursor;
    producer.random = restoreRandom(saved.random);
    producer.shiftMs = saved.shiftMs;
    producer.error = saved.error ?? null;
  } else if (store === 'timer') {
    const timer = JSON.parse(value) as HandlerTimer;
    const consumer = core.consumersById.get(timer.node);
    if (consumer && consumer.subscriptions.length > 0) armTimer(core, consumer, timer);
  } else if (store === 'redrive') {
    restoreRedrive(core, key, value);
  } else if (store.startsWith('redriven:')) {
    restoreMark(core, store.slice('redriven:'.length), key);
  } else if (store === 'run') {
    if (key === 'started') {
      core.startedMs = Number(value);
      core.writes.startedStored = true;
    } else if (key === 'trace') core.tracesEmitted = Math.max(core.tracesEmitted, Number(value));
  } else if (store === GROUP_STORE) {
    const consumer = core.consumersById.get(key);
    if (consumer) restoreGroup(consumer, JSON.parse(value) as GroupEntry);
  } else if (store.startsWith('state:')) {
    const consumer = core.consumersById.get(store.slice('state:'.length));
    const [scope, name] = JSON.parse(key) as [string, string];
    if (consumer) setEntry(consumer, scope, name, value);
  }
}

function restoreGroup({ group }: ConsumerRuntime, { paused, instances }: GroupEntry): void {
  group.paused = paused;
  group.instances = createInstances(instances);
}

function restoreInHand(core: Core, lane: Lane, entry: LaneEntry | undefined, afterCrash: boolean): void {
  const end = lane.topic.ends[lane.partition] as number;
  const sandboxed = lane.consumer.planned.operator.runtime === 'sandbox';
  if (afterCrash && sandboxed) lane.carefulUntil = Math.min(end, lane.finished + LANE_IN_FLIGHT_MAX);
  const lost = restoreLane(core, lane, entry, afterCrash);
  if (lost.length > 0) countLost(core, lane, lost);
}

/** Rule DL1: at most once, what was committed and may not have been handled when the process died is lost. */
function countLost(core: Core, lane: Lane, offsets: number[]): void {
  const { counter, planned } = lane.consumer;
  const place = {
    ...NOWHERE,
    topic: lane.topic.planned.topic,
    partition: lane.partition,
    offset: offsets[0] as number,
  };
  const detail = `${offsets.length} messages were committed before they were handled (at most once), and the process died.`;
  traceWhenDurable(core, rangeRecord('dropped', core.nowMs, planned.node, place, detail));
  count(core, counter).dropped += offsets.length;
  for (let i = 0; i < offsets.length; i++) countFinished(core, lane);
  touchLane(core, lane);
}
