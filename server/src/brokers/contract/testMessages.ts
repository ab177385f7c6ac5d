import type { Message } from '@millrace/shared/message/message.ts';
import type { WriteBatch } from '../broker.ts';

export function testMessage(index: number, over: Partial<Message> = {}): Message {
  const id = `01900000-0000-7000-8000-${String(index).padStart(12, '0')}`;
  return {
    id,
    source: 'https://millrace.test/producer',
    type: 'order.placed',
    timeMs: 1_700_000_000_000 + index,
    key: `customer-${index % 7}`,
    correlationId: id,
    causationId: null,
    data: JSON.stringify({ index, text: 'a small payload' }),
    ...over,
  };
}

export const testMessages = (count: number, from = 0): Message[] =>
  Array.from({ length: count }, (_, index) => testMessage(from + index));

export function appendOf(topic: string, partition: number, messages: Message[], nowMs = 1000): WriteBatch {
  return { appends: [{ topic, partition, messages }], commits: [], state: [], nowMs };
}
