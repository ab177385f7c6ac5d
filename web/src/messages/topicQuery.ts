import type { RequestOf } from '@millrace/shared/protocol/catalog.ts';
import type { BrowsedMessage } from '@millrace/shared/protocol/entities.ts';

export const PAGE_MESSAGES = 100;

/** What the browser shows of a topic. Reading from an offset needs a partition: offsets count within one. */
export type TopicQuery =
  | { from: 'newest'; partition: number | null; key: string }
  | { from: 'offset'; partition: number; offset: number; key: string };

export const NEWEST: TopicQuery = { from: 'newest', partition: null, key: '' };

export function requestOf(topicId: string, query: TopicQuery): Omit<RequestOf<'topic.read'>, 'runId'> {
  return {
    topicId,
    partition: query.partition,
    fromOffset: query.from === 'offset' ? query.offset : null,
    limit: PAGE_MESSAGES,
    ...(query.key.trim() === '' ? {} : { key: query.key.trim() }),
  };
}

/** Newest on top when reading the newest, log order when reading from an offset. */
export function inShownOrder(messages: readonly BrowsedMessage[], query: TopicQuery): BrowsedMessage[] {
  const sorted = [...messages];
  if (query.from === 'offset') return sorted.sort((a, b) => a.offset - b.offset);
  return sorted.sort(
    (a, b) => b.appendedMs - a.appendedMs || b.offset - a.offset || b.partition - a.partition,
  );
}

/** The page before or after in the log; null where there is none, or where all partitions are shown at once. */
export function neighbour(
  query: TopicQuery,
  direction: 'older' | 'newer',
  shown: readonly BrowsedMessage[],
  bounds: { start: number; end: number } | undefined,
): TopicQuery | null {
  const { partition, key } = query;
  if (partition === null || !bounds) return null;
  const offsets = shown.map((message) => message.offset);
  if (direction === 'older') {
    const oldest = offsets.length === 0 ? bounds.end : Math.min(...offsets);
    if (oldest <= bounds.start) return null;
    return { from: 'offset', partition, key, offset: Math.max(bounds.start, oldest - PAGE_MESSAGES) };
  }
  if (query.from === 'newest' || offsets.length === 0) return null;
  const newest = Math.max(...offsets);
  if (newest + 1 >= bounds.end) return null;
  return { from: 'offset', partition, key, offset: newest + 1 };
}

/** The part of the log around a message that somebody asked to see. */
export function around(partition: number, offset: number): TopicQuery {
  return { from: 'offset', partition, offset: Math.max(0, offset - 10), key: '' };
}
