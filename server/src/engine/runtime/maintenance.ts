import type { MaintainedPartition, RestoredRun } from '../io.ts';
import type { PlannedTopic } from '../plan/plan.ts';
import type { TopicRuntime } from './consumer.ts';
import type { Core } from './core.ts';
import { count } from './counters.ts';
import { MAINTAIN_EVERY_MS } from './limits.ts';
import { forgetMarks } from './redriveJob.ts';
import { rangeRecord, traceWhenDurable } from './traces.ts';
import { addWake } from './wakes.ts';

/** Rule TP4: whether a topic ever loses messages. */
export function needsMaintenance({ retention, cleanup }: PlannedTopic): boolean {
  return cleanup === 'compact' || retention.ageMs > 0 || retention.bytes > 0 || retention.messages > 0;
}

/** Asks storage to clean up, one slice at a time, while the run runs. */
export function pumpMaintenance(core: Core): void {
  const { maintenance } = core;
  if (!maintenance.needed || maintenance.underWay || core.status !== 'running') return;
  if (core.nowMs < maintenance.dueMs) return;
  maintenance.underWay = true;
  core.effects.push({ type: 'maintain' });
}

/** What has gone is gone already; the counts of it are durable with the next write. */
export function onMaintained(core: Core, changed: MaintainedPartition[], more: boolean): void {
  const { maintenance } = core;
  maintenance.underWay = false;
  maintenance.dueMs = more ? core.nowMs : core.nowMs + MAINTAIN_EVERY_MS;
  addWake(core.wakes, maintenance.dueMs, { kind: 'producer' });
  for (const partition of changed) {
    const topic = core.topics.get(partition.topic);
    if (topic) noteExpired(core, topic, partition);
  }
}

function noteExpired(core: Core, topic: TopicRuntime, changed: MaintainedPartition): void {
  const { partition, start, expired, compacted } = changed;
  topic.starts[partition] = start;
  forgetMarks(core, topic, partition, start);
  if (expired + compacted === 0) return;
  const parts = [
    ...(expired > 0 ? [`${expired} deleted by retention, partition ${partition} begins at ${start}`] : []),
    ...(compacted > 0 ? [`${compacted} compacted away, newer ones have their keys`] : []),
  ];
  countExpired(core, topic, partition, expired + compacted, parts.join('; '));
}

function countExpired(
  core: Core,
  topic: TopicRuntime,
  partition: number,
  messages: number,
  why: string,
): void {
  count(core, topic.counter).expired += messages;
  const id = topic.planned.topic;
  const offset = partition < 0 ? -1 : (topic.starts[partition] as number);
  traceWhenDurable(core, rangeRecord('expired', core.nowMs, id, { topic: id, partition, offset }, why));
}

/** Storage may have deleted something when the last process died before it could count it: what is missing tells (TR2). */
export function settleExpired(core: Core, topic: TopicRuntime, restored: RestoredRun): void {
  const held = restored.held?.[topic.planned.topic];
  if (!held) return;
  const there = held.reduce((sum, { messages }) => sum + messages, 0);
  const given = topic.ends.reduce((sum, end) => sum + end, 0);
  const uncounted = given - there - topic.counter.issued.expired;
  if (uncounted > 0)
    countExpired(
      core,
      topic,
      -1,
      uncounted,
      `${uncounted} deleted by retention or compaction before the restart`,
    );
}
