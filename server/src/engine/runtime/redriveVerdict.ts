import { deadLetterFacts } from '@millrace/shared/deadLetters/cause.ts';
import { REDRIVES_MAX, type RedriveCounts, restoreLetter } from '@millrace/shared/deadLetters/redrive.ts';
import { type Message, type StoredMessage, TIMER_TYPE } from '@millrace/shared/message/message.ts';
import type { HandlerTimer, Lane, TopicRuntime } from './consumer.ts';
import type { Core, Placed } from './core.ts';
import { admit, partitionOf } from './placement.ts';
import { isMarked, partOf } from './redriveJob.ts';
import type { RedriveJob } from './redriveState.ts';
import { scopeOf } from './scopes.ts';

/** What becomes of one dead letter. A dry run asks the same question and counts the answer. */
export type Verdict =
  | { verdict: Exclude<keyof RedriveCounts, 'looked' | 'redriven'> }
  | { verdict: 'redriven'; target: TopicRuntime; message: Message; again: Again };
/** How it begins anew: in the topic it came from, or as the timer it was. */
export type Again = { placed: Placed[] } | { timer: HandlerTimer };

export function verdictOf(core: Core, job: RedriveJob, { message, offset }: StoredMessage): Verdict {
  const { part, partition } = job;
  const { topicId } = partOf(job);
  const isSelected = job.selectors[part];
  const facts = deadLetterFacts(message);
  if (facts === null || !isSelected?.({ message, partition, offset })) return { verdict: 'passed' };
  if (isMarked(core, topicId, partition, offset)) return { verdict: 'already' };
  if (facts.redrives >= REDRIVES_MAX) return { verdict: 'guarded' };
  const target = [...core.topics.values()].find(({ planned }) => planned.name === facts.topicName);
  if (!target) return { verdict: 'homeless' };
  // What a topic refused goes through its door again; everything else was in it already.
  if (facts.nodeId === target.planned.topic) return refusedByTopic(core, target, message);
  const reader = target.readers.find(({ consumer }) => consumer.planned.node === facts.nodeId);
  if (!reader) return { verdict: 'homeless' };
  const back = restoreLetter(message, facts.nodeId);
  const home = homeOf(target, facts.partition);
  if (message.type === TIMER_TYPE && facts.offset < 0) {
    const timer = timerOf(core, reader.lanes[home ?? 0] as Lane, back);
    return { verdict: 'redriven', target, message: back, again: { timer } };
  }
  const keyed = back.key !== null && back.key !== '';
  const to = keyed || home === null ? partitionOf(target, back.key) : home;
  const placed = [{ topic: target, partition: to, message: back, misfit: null }];
  return { verdict: 'redriven', target, message: back, again: { placed } };
}

/** A message without a key stays where it was, as long as there is such a partition. */
function homeOf(target: TopicRuntime, partition: number): number | null {
  return partition >= 0 && partition < target.planned.partitions ? partition : null;
}

function refusedByTopic(core: Core, target: TopicRuntime, letter: Message): Verdict {
  const message = restoreLetter(letter, null);
  const placed: Placed[] = [];
  const refusal = admit(core, target, message, placed);
  return refusal === null
    ? { verdict: 'redriven', target, message, again: { placed } }
    : { verdict: 'homeless' };
}

/** A timer that failed for good is set once more, due at once. */
function timerOf(core: Core, lane: Lane, message: Message): HandlerTimer {
  return {
    id: message.id,
    node: lane.consumer.planned.node,
    topic: lane.topic.planned.topic,
    partition: lane.partition,
    scope: scopeOf(lane, message),
    key: message.key,
    dueMs: core.nowMs,
    causeId: message.causationId ?? message.id,
    correlationId: message.correlationId,
    data: message.data,
    history: null,
    ...(message.extensions === undefined ? {} : { extensions: message.extensions }),
  };
}
