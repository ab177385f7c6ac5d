import type { Message } from '@millrace/shared/message/message.ts';
import type { TopicSpec } from '../broker.ts';
import { testMessage } from './testMessages.ts';

/** What is written while a process is killed in the middle of cleaning up: everything follows from the offset. */
export const SHORT_MESSAGES = 400;
export const CLEANED_TOPICS: TopicSpec[] = [
  { topic: 'compacted', partitions: 1, cleanup: 'compact', tombstoneMs: 0 },
  { topic: 'short', partitions: 1, retention: { ageMs: 0, bytes: 0, messages: SHORT_MESSAGES } },
];

const KEYS = 97;
const PADDING = 'x'.repeat(1500);

/** Every eleventh message deletes its key, every fifth has none. */
export function cleanedMessage(offset: number): Message {
  const key = offset % 5 === 0 ? null : `key-${(offset * 31) % KEYS}`;
  const data = key !== null && offset % 11 === 0 ? 'null' : JSON.stringify({ offset, PADDING });
  return testMessage(offset, { key, data });
}
