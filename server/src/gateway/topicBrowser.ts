import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { StoredMessage } from '@millrace/shared/message/message.ts';
import type { RequestOf, ResponseOf } from '@millrace/shared/protocol/catalog.ts';
import type { BrowsedMessage } from '@millrace/shared/protocol/entities.ts';
import { utf8Length } from '@millrace/shared/util/utf8.ts';
import type { BrowsedEntry, MessageLog } from './ports.ts';

/** What the protocol says of `data`. */
const DATA_CHARACTERS_MAX = 64 * 1024;
const READ_BYTES_MAX = 16 * 1024 * 1024;
const READ_MESSAGES = 1000;
/** How far a search for a key goes before it answers with what it has. */
const SCANNED_MESSAGES_MAX = 50_000;

type Query = Omit<RequestOf<'topic.read'>, 'runId'>;
type Partition = { start: number; end: number };

/** A page of a topic: the newest messages, newest first, or those from an offset on, oldest first. */
export function browseTopic(log: MessageLog, query: Query): ResponseOf<'topic.read'> {
  const partitions = partitionsOf(log, query.topicId);
  if (query.partition !== null && query.partition >= partitions.length) {
    if (partitions.length === 0) return { messages: [], partitions };
    throw new WorkbenchError(
      'TOPIC_NOT_FOUND',
      `This topic has ${partitions.length} partitions, numbered from 0.`,
    );
  }
  const entries =
    query.fromOffset === null
      ? newest(log, query, partitions)
      : fromOffset(log, query, query.fromOffset, partitions);
  return { messages: entries.map(browsed), partitions };
}

export function browseMessage(
  log: MessageLog,
  topic: string,
  partition: number,
  offset: number,
): BrowsedMessage | null {
  const range = partitionsOf(log, topic)[partition];
  if (!range || offset < range.start || offset >= range.end) return null;
  const { messages } = log.read({ topic, partition, fromOffset: offset, messagesMax: 1, bytesMax: 1 });
  const stored = messages[0];
  return stored?.offset === offset ? browsed({ ...stored, partition }) : null;
}

/** A topic that nobody has written yet is empty rather than unknown. */
export function partitionsOf(log: MessageLog, topic: string): Partition[] {
  return log.topics().some((known) => known.topic === topic) ? log.offsets(topic) : [];
}

function newest(
  log: MessageLog,
  { topicId, partition, key, limit }: Query,
  partitions: Partition[],
): BrowsedEntry[] {
  if (partitions.length === 0) return [];
  // Offsets say little about how many messages there are: compaction leaves gaps.
  return log.readNewest(topicId, limit, {
    ...(key === undefined ? {} : { key }),
    ...(partition === null ? {} : { partition }),
  }).messages;
}

function fromOffset(
  log: MessageLog,
  { topicId, partition, key, limit }: Query,
  offset: number,
  partitions: Partition[],
): BrowsedEntry[] {
  const fits = (entry: StoredMessage): boolean => key === undefined || entry.message.key === key;
  const entries = partitions.flatMap(({ start, end }, index) => {
    if (partition !== null && partition !== index) return [];
    const from = Math.max(start, Math.min(offset, end));
    return readForward(log, topicId, index, from, end, limit, fits);
  });
  return entries
    .sort((a, b) => a.appendedAtMs - b.appendedAtMs || a.partition - b.partition || a.offset - b.offset)
    .slice(0, limit);
}

function readForward(
  log: MessageLog,
  topic: string,
  partition: number,
  from: number,
  end: number,
  limit: number,
  fits: (entry: StoredMessage) => boolean,
): BrowsedEntry[] {
  const found: BrowsedEntry[] = [];
  let offset = from;
  for (let scanned = 0; offset < end && found.length < limit && scanned < SCANNED_MESSAGES_MAX; ) {
    const { messages } = log.read({
      topic,
      partition,
      fromOffset: offset,
      messagesMax: READ_MESSAGES,
      bytesMax: READ_BYTES_MAX,
    });
    const last = messages.at(-1);
    if (!last) break;
    for (const stored of messages)
      if (found.length < limit && fits(stored)) found.push({ ...stored, partition });
    scanned += messages.length;
    offset = last.offset + 1;
  }
  return found;
}

function browsed({ message, offset, appendedAtMs, partition }: BrowsedEntry): BrowsedMessage {
  const { data } = message;
  const truncated = data.length > DATA_CHARACTERS_MAX;
  return {
    partition,
    offset,
    id: message.id,
    type: message.type,
    source: message.source,
    timeMs: message.timeMs,
    appendedMs: appendedAtMs,
    key: message.key,
    correlationId: message.correlationId,
    causationId: message.causationId,
    extensions: {
      ...(message.subject !== undefined ? { subject: message.subject } : {}),
      ...(message.dataschema !== undefined ? { dataschema: message.dataschema } : {}),
      ...message.extensions,
    },
    data: truncated ? data.slice(0, DATA_CHARACTERS_MAX) : data,
    bytes: utf8Length(data),
    truncated,
  };
}
