import type { TopicSpec } from '../brokers/broker.ts';
import type { MemoryLog } from '../brokers/memory/memoryLog.ts';
import type { RestoredRun } from '../engine/io.ts';
import type { ExecutionPlan, StartFrom } from '../engine/plan/plan.ts';

/** What a driver reads from a log before it starts the core. */
export function restoredFrom(log: MemoryLog, plan: ExecutionPlan, afterCrash: boolean): RestoredRun {
  const held: Record<string, { messages: number; bytes: number }[]> = {};
  const restored: RestoredRun = {
    firsts: {},
    ends: {},
    held,
    commits: {},
    starts: {},
    state: log.state(),
    afterCrash,
  };
  for (const { topic } of plan.topics) {
    restored.firsts[topic] = log.offsets(topic).map(({ start }) => start);
    restored.ends[topic] = log.offsets(topic).map(({ end }) => end);
    held[topic] = log.offsets(topic).map(({ messages, bytes }) => ({ messages, bytes }));
  }
  for (const { group, topic, partition, offset } of log.commits()) {
    restored.commits[group] ??= {};
    const topics = restored.commits[group] as Record<string, (number | null)[]>;
    topics[topic] ??= log.offsets(topic).map(() => null);
    (topics[topic] as (number | null)[])[partition] = offset;
  }
  for (const { node, startFrom, subscriptions } of plan.consumers) {
    const topics: Record<string, number[]> = {};
    for (const { topic } of subscriptions) {
      topics[topic] = log.offsets(topic).map((_, partition) => startOf(log, topic, partition, startFrom));
    }
    restored.starts[node] = topics;
  }
  return restored;
}

/** Rule CG3: where a group begins that has committed nothing. */
function startOf(log: MemoryLog, topic: string, partition: number, startFrom: StartFrom): number {
  const { start = 0, end = 0 } = log.offsets(topic)[partition] ?? {};
  if (startFrom.at === 'earliest') return start;
  if (startFrom.at === 'latest') return end;
  if (startFrom.at === 'time') return log.offsetAtTime(topic, partition, Date.parse(startFrom.time));
  return Math.min(Math.max(startFrom.offset, start), end);
}

/** What a log is opened with. */
export function topicsOf({ topics }: ExecutionPlan): TopicSpec[] {
  return topics.map(({ topic, partitions, retention, cleanup, tombstoneMs }) => ({
    topic,
    partitions,
    retention,
    cleanup,
    tombstoneMs,
  }));
}
