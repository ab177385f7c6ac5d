import type { Message } from '@millrace/shared/message/message.ts';
import { keyOf } from '@millrace/shared/message/payloadPath.ts';
import { partitionForKey } from '@millrace/shared/util/murmur.ts';
import { utf8Length } from '@millrace/shared/util/utf8.ts';
import type { EngineError } from '../io.ts';
import type { Core, TopicRuntime } from './core.ts';
import { STICKY_MESSAGES_MAX } from './limits.ts';

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

/** Rules MS4 and TP5: why a message must not be written to a topic, or null. */
export function refusalOf(core: Core, topic: TopicRuntime, message: Message): EngineError | null {
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
  if (roughly > messageBytesMax || message.extensions !== undefined) {
    const bytes = encodedBytes(message);
    if (bytes > messageBytesMax) {
      return {
        code: 'MESSAGE_TOO_LARGE',
        message: `The message takes ${bytes} bytes; at most ${messageBytesMax} are allowed. Send less, or raise the flow's largest message.`,
      };
    }
  }
  if (topic.planned.schemaId !== null && core.checkPayload) {
    const fault = core.checkPayload(topic.planned.topic, message.data);
    if (fault !== null) {
      return {
        code: 'PAYLOAD_INVALID',
        message: `The payload does not fit the schema of ${topic.planned.name}: ${fault}`,
      };
    }
  }
  return null;
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
