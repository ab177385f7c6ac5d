import { derivedId } from '@millrace/shared/message/ids.ts';
import type { Message } from '@millrace/shared/message/message.ts';
import { isoTime } from '@millrace/shared/time/isoTime.ts';
import type { AttemptHistory, Lane } from './consumer.ts';
import type { Core, TopicRuntime } from './core.ts';
import { count } from './counters.ts';
import { appendMessage } from './groups.ts';
import { partitionOf } from './placement.ts';
import type { Place } from './traces.ts';

/** Index of a dead letter among what one handling emits; no emission of code has it. */
const DEAD_LETTER_INDEX = -1;

/** Rule DL4: the message goes on with everything that is known of how it failed. Answers the dead letter. */
export function sendToDeadLetters(
  core: Core,
  lane: Lane,
  message: Message,
  place: Place,
  history: AttemptHistory,
): { letter: Message; topic: TopicRuntime } {
  const { planned } = lane.consumer;
  const letter: Message = {
    ...message,
    id: derivedId(message.id, message.timeMs, planned.node, DEAD_LETTER_INDEX),
    source: planned.source,
    causationId: message.id,
    extensions: { ...message.extensions, ...deadLetterAttributes(lane, message, place, history) },
  };
  let first: TopicRuntime | undefined;
  for (const id of planned.deadLetterTopics) {
    const topic = core.topics.get(id) as TopicRuntime;
    first ??= topic;
    appendMessage(core, topic, partitionOf(topic, letter.key), letter);
    count(core, topic.counter).in++;
  }
  return { letter, topic: first as TopicRuntime };
}

function deadLetterAttributes(
  lane: Lane,
  message: Message,
  place: Place,
  { attempts, first, last }: AttemptHistory,
): Record<string, string | number> {
  return {
    dltopic: lane.topic.planned.name,
    dlpartition: place.partition,
    dloffset: place.offset,
    ...(message.key === null ? {} : { dlkey: message.key }),
    dlid: message.id,
    dlgroup: lane.consumer.planned.node,
    dlattempts: attempts,
    dlfirsterrorcode: first.code,
    dlfirsterror: first.message,
    dllasterrorcode: last.code,
    dllasterror: last.message,
    ...(last.stack === '' ? {} : { dlstack: last.stack }),
    dlfirsttime: isoTime(first.atMs),
    dllasttime: isoTime(last.atMs),
  };
}
