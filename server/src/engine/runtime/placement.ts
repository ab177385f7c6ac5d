import type { Message } from '@millrace/shared/message/message.ts';
import { keyOf } from '@millrace/shared/message/payloadPath.ts';
import { partitionForKey } from '@millrace/shared/util/murmur.ts';
import { utf8Length } from '@millrace/shared/util/utf8.ts';
import type { EngineError } from '../io.ts';
import type { OpenAppend, TopicRuntime } from './consumer.ts';
import type { Core, Misfit, Placed } from './core.ts';
import { count } from './counters.ts';
import { appendAlongEdge } from './faults/appending.ts';
import { appendMessage } from './groups.ts';
import { misfitLetter } from './letters.ts';
import { STICKY_MESSAGES_MAX } from './limits.ts';
import { NOWHERE, traceOf, traceWhenDurable } from './traces.ts';
import { noteSuccess, noteTrouble } from './trouble.ts';

/** What the fixed attribute names, punctuation, time and traceparent of an encoded CloudEvent take. */
const ENVELOPE_BYTES = 360;

/** Bytes of a message in the CloudEvents JSON form, about; exact in what a person controls. */
export function encodedBytes(message: Message): number {
  return (
    ENVELOPE_BYTES +
    utf8Length(message.data) +
    utf8Length(message.id) +
    utf8Length(message.source) +
    utf8Length(message.type) +
    utf8Length(message.correlationId) +
    utf8Length(message.key ?? '') +
    utf8Length(message.subject ?? '') +
    extensionBytes(message)
  );
}

function extensionBytes(message: Message): number {
  return message.extensions === undefined ? 0 : utf8Length(JSON.stringify(message.extensions));
}

/**
 * Decides what becomes of one message at one topic, and adds where it goes to `into`. Answers why it must not be written
 * anywhere (MS4, and TP5 with the policy `reject`), or null.
 */
export function admit(
  core: Core,
  topic: TopicRuntime,
  message: Message,
  into: Placed[],
  partition?: number,
): EngineError | null {
  const tooLarge = sizeRefusal(core, message);
  if (tooLarge !== null) return tooLarge;
  const error = misfitOf(core, topic, message);
  if (error === null) noteSuccess(topic);
  else noteTrouble(topic, error, core.nowMs);
  if (error === null || topic.planned.schemaPolicy === 'flag') {
    const misfit = error === null ? null : ({ policy: 'flag', error } as const);
    into.push({ topic, partition: partition ?? partitionOf(topic, message.key), message, misfit });
    return null;
  }
  if (topic.planned.schemaPolicy === 'reject') return error;
  park(core, topic, message, error, into);
  return null;
}

function park(core: Core, home: TopicRuntime, original: Message, error: EngineError, into: Placed[]): void {
  const source = `/flows/${core.plan.flowId}/nodes/${home.planned.topic}`;
  const letter = misfitLetter(home, source, original, error, core.nowMs);
  for (const id of home.planned.deadLetterTopics) {
    const topic = core.topics.get(id) as TopicRuntime;
    const misfit: Misfit = { policy: 'dead-letter', error, home, original };
    into.push({ topic, partition: partitionOf(topic, letter.key), message: letter, misfit });
  }
}

/**
 * Appends what was admitted, and counts and traces what did not fit on its way. Answers the append; the message is its last.
 * `from` is the node it comes from along an edge of the drawing, null for what comes along none.
 */
export function appendPlaced(core: Core, placed: Placed, from: string | null): OpenAppend {
  const { topic, partition, message, misfit } = placed;
  const append =
    from === null
      ? appendMessage(core, topic, partition, message)
      : appendAlongEdge(core, from, topic, partition, message);
  count(core, topic.counter).in++;
  if (misfit !== null) noteMisfit(core, placed, misfit);
  return append;
}

function noteMisfit(core: Core, { topic, message }: Placed, misfit: Misfit): void {
  const parked = misfit.policy === 'dead-letter';
  const at = parked ? misfit.home : topic;
  // A message that goes to several dead-letter topics is one dead letter.
  if (parked && at.planned.deadLetterTopics[0] !== topic.planned.topic) return;
  const counters = count(core, at.counter);
  if (parked) counters.deadLettered++;
  else counters.flagged++;
  const subject = parked ? misfit.original : message;
  const kind = parked ? 'dead-lettered' : 'flagged';
  const record = traceOf(kind, core.nowMs, at.planned.topic, subject, NOWHERE, 0);
  record.errorCode = misfit.error.code;
  record.errorMessage = misfit.error.message;
  if (parked) record.detail = topic.planned.topic;
  traceWhenDurable(core, record);
}

/** Rule MS4. */
function sizeRefusal(core: Core, message: Message): EngineError | null {
  const { messageBytesMax } = core.settings;
  // No UTF-16 unit takes more than three bytes: most messages need no exact count.
  const roughly =
    ENVELOPE_BYTES +
    3 *
      (message.data.length +
        message.id.length +
        message.source.length +
        message.type.length +
        message.correlationId.length +
        (message.key?.length ?? 0) +
        (message.subject?.length ?? 0));
  if (roughly <= messageBytesMax && message.extensions === undefined) return null;
  const bytes = encodedBytes(message);
  if (bytes <= messageBytesMax) return null;
  return {
    code: 'MESSAGE_TOO_LARGE',
    message: `The message takes ${bytes} bytes; at most ${messageBytesMax} are allowed. Send less, or raise the flow's largest message.`,
  };
}

/** Rule TP5: why the payload does not fit the schema of the topic, or null. */
export function misfitOf(core: Core, topic: TopicRuntime, message: Message): EngineError | null {
  if (topic.planned.schemaId === null || !core.checkPayload) return null;
  const fault = core.checkPayload(topic.planned.topic, message.data);
  if (fault === null) return null;
  return {
    code: 'PAYLOAD_INVALID',
    message: `The payload does not fit the schema of ${topic.planned.name}: ${fault}`,
  };
}

/** The key that a message without one gets from the topic's path into the payload. */
export function keyByPath(keyPath: string, data: string): string | null {
  return keyPath === '' ? null : keyOf(data, keyPath);
}

/** Rule TP2: a key decides the partition as Kafka would; without one the topic's current sticky partition takes it. */
export function partitionOf(topic: TopicRuntime, key: string | null): number {
  const { partitions } = topic.planned;
  if (partitions === 1) return 0;
  if (key !== null && key !== '') return partitionForKey(key, partitions);
  if (topic.stickyCount >= STICKY_MESSAGES_MAX) endBatch(topic);
  topic.stickyCount++;
  return topic.sticky;
}

/** After a batch, messages without a key go to the next partition. */
export function endBatch(topic: TopicRuntime): void {
  if (topic.stickyCount === 0) return;
  topic.stickyCount = 0;
  topic.sticky = (topic.sticky + 1) % topic.planned.partitions;
}
