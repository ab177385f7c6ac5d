import type { Message } from '@millrace/shared/message/message.ts';
import type { ByteMarks, Lane, OpenAppend, Subscription, TopicRuntime } from './consumer.ts';
import { storedBytes } from './laneQueue.ts';
import { BYTE_MARKS_MAX } from './limits.ts';

/**
 * Rule TP6: how far readers are behind, in messages and in bytes.
 *
 * Messages are exact: end − committed. Bytes are exact at the ends of writes: each partition keeps how many bytes stand
 * before the end of every write that a reader is still behind; between two of these marks they are spread evenly. A reader
 * that has caught up is exactly 0 bytes behind, however it got there: by handling, by a seek, or because messages were
 * deleted. After a restart, what was in the log before counts at the mean size that storage gives.
 */

export function createByteMarks(): ByteMarks {
  return { total: 0, marks: [{ offset: 0, bytes: 0 }] };
}

/** What the log held before this process began. */
export function restoreByteMarks(start: number, end: number, bytes: number): ByteMarks {
  const marks = [{ offset: start, bytes: 0 }];
  if (end > start) marks.push({ offset: end, bytes });
  return { total: end > start ? bytes : 0, marks };
}

/** A message has been given to the open write group. */
export function noteQueued(topic: TopicRuntime, append: OpenAppend, message: Message): void {
  const bytes = storedBytes({ message });
  append.bytes += bytes;
  for (const reader of topic.readers) {
    reader.backlog++;
    reader.backlogBytes += bytes;
  }
}

/** The append is durable and ends at `end`. */
export function noteAppended(topic: TopicRuntime, partition: number, end: number, bytes: number): void {
  if (topic.readers.length === 0) return;
  const sizes = topic.sizes[partition] as ByteMarks;
  sizes.total += bytes;
  sizes.marks.push({ offset: end, bytes: sizes.total });
  if (sizes.marks.length > BYTE_MARKS_MAX) thinOut(topic, partition, sizes);
}

/** Drops marks that every reader has passed; where readers are far behind, every second one, at the cost of precision. */
function thinOut(topic: TopicRuntime, partition: number, sizes: ByteMarks): void {
  const lowest = Math.min(...topic.readers.map(({ lanes }) => (lanes[partition] as Lane).committed));
  const { marks } = sizes;
  let passed = 0;
  while (passed + 1 < marks.length && (marks[passed + 1] as { offset: number }).offset <= lowest) passed++;
  marks.splice(0, passed);
  if (marks.length <= BYTE_MARKS_MAX / 2) return;
  const last = marks.length - 1;
  sizes.marks = marks.filter((_, index) => index % 2 === 0 || index === last);
}

/** About how many bytes stand before an offset. Below the first mark, messages count at the mean of those that are known. */
export function bytesBefore({ marks }: ByteMarks, offset: number): number {
  const first = marks[0] as { offset: number; bytes: number };
  if (offset < first.offset) {
    const end = marks.at(-1) as { offset: number; bytes: number };
    const mean = end === first ? 0 : (end.bytes - first.bytes) / (end.offset - first.offset);
    return Math.round(first.bytes - mean * (first.offset - offset));
  }
  let low = 0;
  let high = marks.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((marks[middle] as { offset: number }).offset <= offset) low = middle;
    else high = middle - 1;
  }
  const from = marks[low] as { offset: number; bytes: number };
  if (offset === from.offset) return from.bytes;
  const to = marks[low + 1];
  // Past the last mark there is nothing yet.
  if (to === undefined) return from.bytes;
  return Math.round(
    from.bytes + ((to.bytes - from.bytes) * (offset - from.offset)) / (to.offset - from.offset),
  );
}

/** Where the lane stands when its run begins. */
export function beginBacklog(lane: Lane, committed: number): void {
  const { subscription, topic, partition } = lane;
  const sizes = topic.sizes[partition] as ByteMarks;
  lane.committed = committed;
  lane.committedBytes = bytesBefore(sizes, committed);
  subscription.backlog += (topic.ends[partition] as number) - committed;
  subscription.backlogBytes += sizes.total - lane.committedBytes;
}

/** A commit of the lane is durable: forwards as messages are finished, or anywhere by a seek. */
export function moveCommitted(lane: Lane, offset: number): void {
  const { subscription, topic, partition } = lane;
  const bytes = bytesBefore(topic.sizes[partition] as ByteMarks, offset);
  subscription.backlog -= offset - lane.committed;
  subscription.backlogBytes -= bytes - lane.committedBytes;
  lane.committed = offset;
  lane.committedBytes = bytes;
}

/** Why nothing more should be appended to a topic that this reader reads, or null. */
function fullness({ consumer, topic, ...edge }: Subscription): string | null {
  const { backlog, backlogBytes, backlogMax, backlogBytesMax } = edge;
  if (backlog < backlogMax && backlogBytes < backlogBytesMax) return null;
  const where = `behind on ${topic.planned.name}; the limit is`;
  const { name } = consumer.planned;
  if (backlog >= backlogMax) return `${name} is ${backlog} messages ${where} ${backlogMax}.`;
  return `${name} is ${backlogBytes} bytes ${where} ${backlogBytesMax}.`;
}

/** The first reader of these topics that is at its limit says why; null when all have room. */
export function fullReader(topics: readonly TopicRuntime[]): string | null {
  for (const { readers } of topics) {
    for (const reader of readers) {
      const reason = fullness(reader);
      if (reason !== null) return reason;
    }
  }
  return null;
}
