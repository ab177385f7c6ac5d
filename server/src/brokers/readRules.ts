import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { Message } from '@millrace/shared/message/message.ts';
import type { PartitionOffsets, ReadRequest } from './broker.ts';

/** What ids, times and lengths of a message count for when a read or a cache is bounded by bytes. */
const MESSAGE_OVERHEAD_BYTES = 160;

/** About what a message takes, in memory and on disk; cheap, because every read asks it of every message. */
export function messageBytes(message: Message): number {
  return message.data.length + (message.key?.length ?? 0) + MESSAGE_OVERHEAD_BYTES;
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
