import type { DeadLetterFigures } from '@millrace/shared/trace/metrics.ts';
import type { TopicRuntime } from './consumer.ts';
import type { Core } from './core.ts';
import { markCount } from './redriveJob.ts';

/** Rule DL5: for each topic of dead letters, how many wait in it and how many were sent back. Durable figures only. */
export function deadLetterFigures(core: Core): Record<string, DeadLetterFigures> {
  const figures: Record<string, DeadLetterFigures> = {};
  for (const [topicId, letters] of letterCounts(core)) {
    const topic = core.topics.get(topicId);
    if (topic) figures[topicId] = figuresOf(core, topic, letters);
  }
  return figures;
}

/** Topic of dead letters → how many messages were given up into it by those whose dead letters it takes. */
function letterCounts(core: Core): Map<string, number> {
  const counts = new Map<string, number>();
  const givers = [
    ...core.consumers.map(({ planned, counter }) => ({ topics: planned.deadLetterTopics, counter })),
    ...[...core.topics.values()].map(({ planned, counter }) => ({
      topics: planned.deadLetterTopics,
      counter,
    })),
  ];
  for (const { topics, counter } of givers) {
    for (const topic of topics)
      counts.set(topic, (counts.get(topic) ?? 0) + counter.acknowledged.deadLettered);
  }
  return counts;
}

function figuresOf(core: Core, topic: TopicRuntime, letters: number): DeadLetterFigures {
  const { issued, acknowledged } = topic.counter;
  const undurable = issued.redriven - acknowledged.redriven;
  const left = held(topic) - (markCount(core, topic.planned.topic) - undurable);
  // Whatever else is written into the topic is not waiting to be sent back.
  const waiting = hasOtherWriters(core, topic) ? Math.min(left, letters - acknowledged.redriven) : left;
  return { waiting: Math.max(0, waiting), sentBack: acknowledged.redriven };
}

/** Messages in the topic. Between its first offset and its last, compaction leaves gaps that only the counters know of. */
function held({ planned, starts, ends, counter }: TopicRuntime): number {
  if (planned.cleanup === 'compact') return counter.acknowledged.in - counter.acknowledged.expired;
  return ends.reduce((sum, end, partition) => sum + end - (starts[partition] as number), 0);
}

function hasOtherWriters({ producers, consumers }: Core, { planned }: TopicRuntime): boolean {
  if (planned.automaticFor !== null) return false;
  return (
    producers.some((producer) => producer.planned.topics.includes(planned.topic)) ||
    consumers.some((consumer) =>
      Object.values(consumer.planned.outputs).some((topics) => topics.includes(planned.topic)),
    )
  );
}
