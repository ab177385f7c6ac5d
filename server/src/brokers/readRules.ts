import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { Message } from '@millrace/shared/message/message.ts';
import type { PartitionOffsets, ReadRequest } from './broker.ts';

/** What ids, times and lengths of a message count for when a read or a cache is bounded by bytes. */
const MESSAGE_OVERHEAD_BYTES = 160;

/** About what a message takes, in memory and on disk; cheap, because every read asks it of every message. */
export function messageBytes(message: Message): number {
  return bytesOfLengths(message.data.length, message.key?.length ?? 0);
}

/** The same from what is known of a message without having it: lengths in UTF-16 units. */
export function bytesOfLengths(dataLength: number, keyLength: number): number {
  return dataLength + keyLength + MESSAGE_OVERHEAD_BYTES;
}

/** Messages of which the sizes are known before they are decoded. */
type SizedMessages = { sizeOf(index: number): number };

/** What a read may still take. The first message always fits, or a reader would never get past a large one. */
export interface ReadRoom {
  /** Takes as many of the messages `from` … `to` as fit, and answers where they end. */
  take(messages: SizedMessages, from: number, to: number): number;
  /** True when a message did not fit, or none could any more. */
  isFull(): boolean;
}

export function createReadRoom({
  messagesMax,
  bytesMax,
}: Pick<ReadRequest, 'messagesMax' | 'bytesMax'>): ReadRoom {
  let taken = 0;
  let bytes = 0;
  return {
    take(messages, from, to) {
      for (let index = from; index < to; index++) {
        if (taken > 0 && taken >= messagesMax) return index;
        bytes += messages.sizeOf(index);
        if (taken > 0 && bytes > bytesMax) return index;
        taken++;
      }
      return to;
    },
    isFull: () => taken > 0 && (taken >= messagesMax || bytes >= bytesMax),
  };
}

export function checkPartition(topic: string, partition: number, partitions: number): void {
  if (Number.isInteger(partition) && partition >= 0 && partition < partitions) return;
  throw new WorkbenchError(
    'TOPIC_NOT_FOUND',
    `Topic ${topic} has no partition ${partition}, only ${partitions}.`,
    {
      details: { topic, partition, partitions },
    },
  );
}

/** Like Kafka, a reader outside of what the log holds is told so, on either side; it is never moved silently. */
export function checkReadOffset(
  { topic, partition, fromOffset }: ReadRequest,
  { start, end }: PartitionOffsets,
): void {
  if (Number.isInteger(fromOffset) && fromOffset >= start && fromOffset <= end) return;
  throw new WorkbenchError(
    'OFFSET_OUT_OF_RANGE',
    `Offset ${fromOffset} of topic ${topic}, partition ${partition} is not in the log, which holds ${start} to ${end}.`,
    { details: { topic, partition, fromOffset, start, end } },
  );
}

export function brokerClosed(): WorkbenchError {
  return new WorkbenchError(
    'BROKER_CLOSED',
    'The broker is closed; nothing can be read or written any more.',
  );
}
