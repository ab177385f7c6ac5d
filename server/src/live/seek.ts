import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { Broker } from '../brokers/broker.ts';
import type { TopicPartition } from '../engine/io.ts';
import type { ExecutionPlan, StartFrom } from '../engine/plan/plan.ts';

export type SeekRequest = { node: string; topic: string | null; partition: number | null; to: StartFrom };

/** Rule CG3: turns "earliest", a time and the like into an offset for each partition that is to be moved. */
export async function seekPositions(
  broker: Broker,
  plan: ExecutionPlan,
  { node, topic, partition, to }: SeekRequest,
): Promise<(TopicPartition & { offset: number })[]> {
  const consumer = plan.consumers.find((candidate) => candidate.node === node);
  if (!consumer) throw new WorkbenchError('GROUP_NOT_FOUND', 'This run has no such consumer.');
  const topics = consumer.subscriptions.map((subscription) => subscription.topic);
  const chosen = topic === null ? topics : topics.filter((candidate) => candidate === topic);
  if (chosen.length === 0)
    throw new WorkbenchError('TOPIC_NOT_FOUND', `${consumer.name} does not read this topic.`);
  const positions: (TopicPartition & { offset: number })[] = [];
  for (const id of chosen) {
    for (const [number, { start, end }] of (await broker.offsets(id)).entries()) {
      if (partition !== null && number !== partition) continue;
      positions.push({
        topic: id,
        partition: number,
        offset: await resolve(broker, id, number, start, end, to),
      });
    }
  }
  if (positions.length === 0)
    throw new WorkbenchError('TOPIC_NOT_FOUND', `There is no partition ${partition} to be moved.`);
  return positions;
}

/** The offset that a wish stands for; one outside of the log is brought to its nearer end. */
export async function resolve(
  broker: Broker,
  topic: string,
  partition: number,
  start: number,
  end: number,
  to: StartFrom,
): Promise<number> {
  if (to.at === 'earliest') return start;
  if (to.at === 'latest') return end;
  if (to.at === 'offset') return Math.min(Math.max(to.offset, start), end);
  return Math.max(start, await broker.offsetAtTime(topic, partition, Date.parse(to.time)));
}
