import type { Message } from '@millrace/shared/message/message.ts';
import type { AttemptHistory, Lane, TopicRuntime } from './consumer.ts';
import type { Core } from './core.ts';
import { count } from './counters.ts';
import { appendMessage } from './groups.ts';
import { letterOf } from './letters.ts';
import { partitionOf } from './placement.ts';
import type { Place } from './traces.ts';

/** Rule DL4: the message goes on with everything that is known of how it failed. Answers the dead letter. */
export function sendToDeadLetters(
  core: Core,
  lane: Lane,
  message: Message,
  place: Place,
  history: AttemptHistory,
): { letter: Message; topic: TopicRuntime } {
  const { planned } = lane.consumer;
  const letter = letterOf(message, {
    group: planned.node,
    source: planned.source,
    topicName: lane.topic.planned.name,
    partition: place.partition,
    offset: place.offset,
    ...history,
  });
  let first: TopicRuntime | undefined;
  for (const id of planned.deadLetterTopics) {
    const topic = core.topics.get(id) as TopicRuntime;
    first ??= topic;
    appendMessage(core, topic, partitionOf(topic, letter.key), letter);
    count(core, topic.counter).in++;
  }
  return { letter, topic: first as TopicRuntime };
}
