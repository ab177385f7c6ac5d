import type { Message } from '@millrace/shared/message/message.ts';
import { describe, expect, it } from 'vitest';
import { createMemoryLog } from '../brokers/memory/memoryLog.ts';
import { deadLetterCauses } from './deadLetterCauses.ts';
import { DEAD_LETTERS_READ_MAX } from './limits.ts';
import type { MessageLog } from './ports.ts';

const TOPIC = 'node:parked';

const letter = (index: number, error: string): Message => ({
  id: `letter-${index}`,
  source: 'test',
  type: 'test.made',
  timeMs: index,
  key: null,
  correlationId: `item-${index}`,
  causationId: `item-${index}`,
  data: '{}',
  extensions: {
    dlgroup: 'node:work',
    dlid: `item-${index}`,
    dllasterrorcode: 'HANDLER_THREW',
    dllasterror: error,
  },
});

/** What the gateway sees of a log that holds these messages, one append a millisecond. */
function logOf(partitions: Message[][], sentBack: string[] = []): MessageLog {
  const log = createMemoryLog();
  log.open([{ topic: TOPIC, partitions: partitions.length }]);
  for (const [partition, messages] of partitions.entries()) {
    const appends = [{ topic: TOPIC, partition, messages }];
    if (messages.length > 0) log.write({ appends, commits: [], state: [], nowMs: 1000 + partition });
  }
  const state = sentBack.map((key) => ({ store: `redriven:${TOPIC}`, key, value: '"redrive:1"' }));
  log.write({ appends: [], commits: [], state, nowMs: 2000 });
  return {
    topics: () => log.topics(),
    offsets: (topic) => log.offsets(topic),
    read: (request) => log.read(request),
    stateOf: (store) => log.state().filter((entry) => entry.store === store),
    readNewest: () => ({ messages: [] }),
    offsetAtTime: (topic, partition, timeMs) => log.offsetAtTime(topic, partition, timeMs),
    stateSizes: () => ({ keys: {}, timers: {} }),
    close: () => {},
  };
}

const named = [{ topicId: TOPIC, name: 'parked' }];

describe('causes of dead letters', () => {
  it('[DL4] leave numbers, ids and quoted values out, and tell the newest error of each', async () => {
    const first = Array.from({ length: 5 }, (_, index) =>
      letter(index, `no price for "shoe ${index}" at ${index}`),
    );
    const second = [letter(5, 'out of stock'), letter(6, 'no price for "hat" at 6')];
    const log = logOf([first, second], ['0/1', '1/0']);
    const { topics, truncated } = await deadLetterCauses(() => log, named);
    expect(truncated).toBe(0);
    expect(topics).toHaveLength(1);
    expect(topics[0]).toMatchObject({ topicId: TOPIC, name: 'parked', total: 7 });
    expect(topics[0]?.causes).toMatchObject([
      {
        cause: 'node:work HANDLER_THREW no price for … at …',
        count: 6,
        redriven: 1,
        firstMs: 1000,
        lastMs: 1001,
        error: 'no price for "hat" at 6',
        sample: { partition: 1, offset: 1 },
      },
      { cause: 'node:work HANDLER_THREW out of stock', count: 1, redriven: 1 },
    ]);
  });

  it('[DL4] of which more wait come first', async () => {
    const log = logOf([[letter(0, 'many'), letter(1, 'many'), letter(2, 'few')]], ['0/0', '0/1']);
    const { topics } = await deadLetterCauses(() => log, named);
    expect(topics[0]?.causes.map(({ error, count, redriven }) => [error, count - redriven])).toEqual([
      ['few', 1],
      ['many', 0],
    ]);
  });

  it('[DL4] pass over what is no dead letter, and topics that hold none', async () => {
    const { extensions: _, ...other } = letter(0, '');
    const log = logOf([[other, letter(1, 'no')]]);
    const { topics } = await deadLetterCauses(() => log, [...named, { topicId: 'node:new', name: 'new' }]);
    expect(topics[0]?.causes).toMatchObject([{ count: 1 }]);
    const empty = logOf([[]]);
    expect(await deadLetterCauses(() => empty, named)).toEqual({ topics: [], truncated: 0 });
  });

  it('[DL4] look at the newest of very many, and say how many were not looked at', async () => {
    const many = DEAD_LETTERS_READ_MAX + 1000;
    const messages = Array.from({ length: many }, (_, index) => letter(index, index < 1000 ? 'old' : 'new'));
    const log = logOf([messages, []]);
    const { topics, truncated } = await deadLetterCauses(() => log, named);
    expect(truncated).toBe(1000);
    expect(topics[0]).toMatchObject({ total: many });
    expect(topics[0]?.causes).toMatchObject([{ error: 'new', count: DEAD_LETTERS_READ_MAX }]);
  });
});
