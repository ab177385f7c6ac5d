import { type NodeCounters, zeroCounters } from '@millrace/shared/trace/metrics.ts';
import { restoreRandom } from '@millrace/shared/util/random.ts';
import type { RestoredRun } from '../io.ts';
import { beginBacklog, restoreByteMarks } from './backlog.ts';
import type { Core, HandlerTimer, Lane, ProducerEntry, TopicRuntime } from './core.ts';
import type { AttemptEntry } from './failures.ts';
import { touchLane } from './groups.ts';
import { LANE_IN_FLIGHT_MAX, STORED_BYTES_GUESS } from './limits.ts';
import { settleExpired } from './maintenance.ts';
import { setEntry } from './nodeState.ts';
import { restoreMark, restoreRedrive } from './redriveJob.ts';
import { armTimer } from './timers.ts';

/** Rule RN3: puts the core where the last process durably was. */
export function restore(core: Core, restored: RestoredRun): void {
  core.startedMs = core.nowMs;
  core.tracesEmitted = restored.traceRecords ?? 0;
  for (const topic of core.topics.values()) restoreTopic(topic, restored);
  for (const consumer of core.consumers) {
    for (const { lanes } of consumer.subscriptions)
      for (const lane of lanes) restorePosition(core, lane, restored);
  }
  const attempts = new Map<string, AttemptEntry>();
  for (const { store, key, value } of restored.state) {
    // Every value was written by this core, under the store's name and in the form this core reads.
    if (store === 'attempt') attempts.set(key, JSON.parse(value) as AttemptEntry);
    else restoreEntry(core, store, key, value);
  }
  for (const consumer of core.consumers) {
    for (const { lanes } of consumer.subscriptions) {
      for (const lane of lanes) restoreAttempts(core, lane, attempts.get(lane.entryKey), restored.afterCrash);
    }
  }
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

function restorePosition(core: Core, lane: Lane, restored: RestoredRun): void {
  const group = lane.consumer.planned.node;
  const topic = lane.topic.planned.topic;
  const committed = restored.commits[group]?.[topic]?.[lane.partition] ?? null;
  const start = restored.starts[group]?.[topic]?.[lane.partition] ?? 0;
  const end = lane.topic.ends[lane.partition] as number;
  const at = Math.min(committed ?? start, end);
  lane.fetchFrom = lane.finished = lane.committing = lane.tracedUntil = at;
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
  } else if (store.startsWith('state:')) {
    const consumer = core.consumersById.get(store.slice('state:'.length));
    const [scope, name] = JSON.parse(key) as [string, string];
    if (consumer) setEntry(consumer, scope, name, value);
  }
}

function restoreAttempts(core: Core, lane: Lane, entry: AttemptEntry | undefined, afterCrash: boolean): void {
  const end = lane.topic.ends[lane.partition] as number;
  const sandboxed = lane.consumer.planned.operator.runtime === 'sandbox';
  if (afterCrash && sandboxed) lane.carefulUntil = Math.min(end, lane.finished + LANE_IN_FLIGHT_MAX);
  if (entry === undefined) return;
  lane.entryStored = true;
  // An entry is written together with the commit it belongs to; anything else is left over from another position.
  if (entry.offset !== lane.finished) return;
  lane.attempts = entry.history;
  if (!afterCrash || !sandboxed) return;
  if (entry.underWay === 1) core.crashedLanes.push(lane);
  else if (entry.underWay > 1) lane.suspectUntil = Math.min(end, entry.offset + entry.underWay);
}
