import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import type { Broker, PartitionSize, TopicSpec } from '../brokers/broker.ts';
import type { RestoredRun } from '../engine/io.ts';
import type { ExecutionPlan, PlannedTopic } from '../engine/plan/plan.ts';
import { resolve } from './seek.ts';

/** What a broker has to know of a planned topic. */
export function topicSpecOf({ topic, partitions, retention, cleanup, tombstoneMs }: PlannedTopic): TopicSpec {
  return { topic, partitions, retention, cleanup, tombstoneMs };
}

/**
 * Reads what the run committed before: end offsets, commits, durable state, and where groups without a commit begin
 * (CG3). A new run gets empty answers to the same questions.
 */
export async function restoreRun(
  broker: Broker,
  plan: ExecutionPlan,
  document: FlowDocument,
  afterCrash: boolean,
): Promise<RestoredRun> {
  const offsets = new Map<string, PartitionSize[]>();
  for (const { topic } of plan.topics) offsets.set(topic, await broker.offsets(topic));

  const commits: RestoredRun['commits'] = {};
  for (const commit of await broker.commits()) {
    const partitions = offsets.get(commit.topic)?.length ?? 0;
    commits[commit.group] ??= {};
    const group = commits[commit.group] as Record<string, (number | null)[]>;
    group[commit.topic] ??= new Array<number | null>(partitions).fill(null);
    (group[commit.topic] as (number | null)[])[commit.partition] = commit.offset;
  }

  const starts: RestoredRun['starts'] = {};
  for (const consumer of plan.consumers) {
    const topics: Record<string, number[]> = {};
    for (const { topic } of consumer.subscriptions) {
      topics[topic] = await startOffsets(broker, document, consumer.node, topic, offsets.get(topic) ?? []);
    }
    starts[consumer.node] = topics;
  }

  const firsts: RestoredRun['firsts'] = {};
  const ends: RestoredRun['ends'] = {};
  const held: RestoredRun['held'] = {};
  for (const [topic, partitions] of offsets) {
    firsts[topic] = partitions.map(({ start }) => start);
    ends[topic] = partitions.map(({ end }) => end);
    held[topic] = partitions.map(({ messages, bytes }) => ({ messages, bytes }));
  }
  return { firsts, ends, held, commits, starts, state: await broker.state(), afterCrash };
}

/** When the run wrote its newest message, by the clock it had then; 0 where it has written none. */
export async function newestAppendMs(
  broker: Broker,
  { firsts, ends }: Pick<RestoredRun, 'firsts' | 'ends'>,
): Promise<number> {
  let newestMs = 0;
  for (const [topic, partitions] of Object.entries(ends)) {
    for (const [partition, end] of partitions.entries()) {
      // Nothing was written, or all of it has expired.
      if (end === firsts[topic]?.[partition]) continue;
      const last = { topic, partition, fromOffset: end - 1, messagesMax: 1, bytesMax: 1 };
      const { messages } = await broker.read(last);
      newestMs = Math.max(newestMs, messages[0]?.appendedAtMs ?? 0);
    }
  }
  return newestMs;
}

async function startOffsets(
  broker: Broker,
  document: FlowDocument,
  nodeId: string,
  topic: string,
  partitions: PartitionSize[],
): Promise<number[]> {
  const node = document.nodes.find((candidate) => candidate.id === nodeId);
  const from = node && 'startFrom' in node.config ? node.config.startFrom : ({ at: 'earliest' } as const);
  const result: number[] = [];
  for (const [partition, { start, end }] of partitions.entries()) {
    result.push(await resolve(broker, topic, partition, start, end, from));
  }
  return result;
}
