import type { Message } from '@millrace/shared/message/message.ts';
import { partitionForKey } from '@millrace/shared/util/murmur.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Broker } from '../brokers/broker.ts';
import { createMemoryBroker } from '../brokers/memory/memoryBroker.ts';
import { createMemoryLog, type MemoryLog } from '../brokers/memory/memoryLog.ts';
import { buildPlan, type ExecutionPlan } from '../engine/plan/plan.ts';
import { flow } from '../simulator/testing/flowBuilder.ts';
import { copyFork, type ForkCopy } from './fork.ts';

const TOPIC = 'node:in';
const PER_PARTITION = 1200;

const message = (index: number, partition: number): Message => ({
  id: `m${partition}-${index}`,
  source: '/flows/x/nodes/y',
  type: 'test.number',
  timeMs: 1000 + index,
  key: index % 5 === 0 ? null : `k${index % 50}`,
  correlationId: `c${index}`,
  causationId: null,
  data: String(index),
});

function planWith(partitions: number): ExecutionPlan {
  return buildPlan(
    flow()
      .node('topic', 'in', { partitions })
      .node('log', 'late', { startFrom: { at: 'latest' } })
      .edges('in > late')
      .document(),
  );
}

let origin: MemoryLog;
/** Two partitions, one message of each at every time from 0 on. */
beforeEach(() => {
  origin = createMemoryLog();
  origin.open([{ topic: TOPIC, partitions: 2 }]);
  for (let index = 0; index < PER_PARTITION; index++) {
    const appends = [0, 1].map((partition) => ({
      topic: TOPIC,
      partition,
      messages: [message(index, partition)],
    }));
    origin.write({ appends, commits: [], state: [], nowMs: index });
  }
});

async function copyInto(
  broker: Broker,
  partitions: number,
  options: Partial<ForkCopy> = {},
): Promise<{ whole: boolean; said: string[] }> {
  const plan = planWith(partitions);
  await broker.open([{ topic: TOPIC, partitions }]);
  const said: string[] = [];
  const whole = await copyFork({
    broker,
    plan,
    source: origin,
    fork: { folder: '', topic: TOPIC, partition: 1, offset: 200 },
    nowMs: () => 9000,
    onProgress: (sentence) => said.push(sentence),
    isCancelled: () => false,
    ...options,
  });
  return { whole, said };
}

async function messagesOf(broker: Broker, partitions: number): Promise<Message[][]> {
  const all: Message[][] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const ask = { topic: TOPIC, partition, fromOffset: 0, messagesMax: 10_000, bytesMax: 1e9 };
    all.push((await broker.read(ask)).messages.map(({ message: stored }) => stored));
  }
  return all;
}

const from = (offset: number, partition: number): Message[] =>
  Array.from({ length: PER_PARTITION - offset }, (_, index) => message(offset + index, partition));

describe('[RN5] what a fork begins with', () => {
  it('is the message it was made from, and all that was appended with it or after it', async () => {
    const broker = createMemoryBroker();
    const { whole, said } = await copyInto(broker, 2);
    expect(whole).toBe(true);
    expect(await messagesOf(broker, 2)).toEqual([from(200, 0), from(200, 1)]);
    expect(said.at(0)).toBe('Copied 500 of 2000 messages of in.');
    const counters = (await broker.state()).find(({ store }) => store === 'counters');
    expect(JSON.parse(counters?.value ?? '{}')).toMatchObject({ in: 2000, out: 0 });
  });

  it('is read from its beginning by groups that otherwise wait for what is new', async () => {
    const broker = createMemoryBroker();
    await copyInto(broker, 2);
    expect(await broker.commits()).toEqual([
      { group: 'node:late', topic: TOPIC, partition: 0, offset: 0 },
      { group: 'node:late', topic: TOPIC, partition: 1, offset: 0 },
    ]);
  });

  it('goes where its key belongs when the topic has another number of partitions now', async () => {
    const broker = createMemoryBroker();
    await copyInto(broker, 3);
    const partitions = await messagesOf(broker, 3);
    expect(partitions.flat()).toHaveLength(2000);
    for (const [partition, messages] of partitions.entries()) {
      for (const { key } of messages) if (key !== null) expect(partitionForKey(key, 3)).toBe(partition);
    }
  });

  it('is copied on where it was when the copy was cut off, and never twice', async () => {
    const broker = createMemoryBroker();
    let asked = 0;
    const first = await copyInto(broker, 2, { isCancelled: () => ++asked > 2 });
    expect(first.whole).toBe(false);
    const half = (await messagesOf(broker, 2)).flat().length;
    expect(half).toBeGreaterThan(0);
    expect(half).toBeLessThan(2000);
    expect((await copyInto(broker, 2)).whole).toBe(true);
    expect((await copyInto(broker, 2)).whole).toBe(true);
    expect(await messagesOf(broker, 2)).toEqual([from(200, 0), from(200, 1)]);
  });

  it('has to be there', async () => {
    const fork = { folder: '', topic: TOPIC, partition: 1, offset: PER_PARTITION };
    await expect(copyInto(createMemoryBroker(), 2, { fork })).rejects.toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
    });
  });
});
