import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Broker } from '../broker.ts';
import { maintainAll } from '../contract/cleanupContract.ts';
import { appendOf, testMessage, testMessages } from '../contract/testMessages.ts';
import { createEmbeddedBroker } from './embeddedBroker.ts';
import { type LogReader, openLogReader } from './readOnlyLog.ts';

let folder: string;
let broker: Broker | null = null;
let reader: LogReader;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-reader-'));
  reader = openLogReader(folder);
});
afterEach(async () => {
  reader.close();
  await broker?.close();
  broker = null;
  await rm(folder, { recursive: true });
});

async function startBroker(): Promise<Broker> {
  broker = await createEmbeddedBroker({ folder, durability: 'fsync' });
  await broker.open([{ topic: 'orders', partitions: 2 }]);
  return broker;
}

it('reads a log that is not there yet as one without topics, and finds it once it is', async () => {
  expect(reader.topics()).toEqual([]);
  expect(() => reader.offsets('orders')).toThrow(expect.objectContaining({ code: 'TOPIC_NOT_FOUND' }));
  await startBroker();
  expect(reader.topics()).toEqual([{ topic: 'orders', partitions: 2 }]);
  expect(reader.readNewest('orders', 5)).toEqual({ messages: [], complete: true });
});

it('follows a log while it is written, and reads it after its writer has closed', async () => {
  const writing = await startBroker();
  await writing.write(appendOf('orders', 1, testMessages(3)));
  expect(reader.offsets('orders')).toEqual([
    { start: 0, end: 0 },
    { start: 0, end: 3 },
  ]);
  await writing.write(appendOf('orders', 1, testMessages(2, 3)));
  const ask = { topic: 'orders', partition: 1, fromOffset: 1, messagesMax: 3, bytesMax: 1_000_000 };
  const expected = { start: 0, end: 5, messages: testMessages(3, 1) };
  const seen = (from: LogReader) => {
    const { messages, ...offsets } = from.read(ask);
    return { ...offsets, messages: messages.map(({ message }) => message) };
  };
  expect(seen(reader)).toEqual(expected);
  await writing.close();
  expect(seen(reader)).toEqual(expected);
  const late = openLogReader(folder);
  expect(seen(late)).toEqual(expected);
  late.close();
});

it('gives the newest first across partitions, of one key where asked', async () => {
  const writing = await startBroker();
  await writing.write(
    appendOf('orders', 0, [testMessage(1, { key: 'a' }), testMessage(2, { key: 'b' })], 10),
  );
  await writing.write(appendOf('orders', 1, [testMessage(3, { key: 'c' })], 20));
  await writing.write(
    appendOf('orders', 0, [testMessage(4, { key: 'a' }), testMessage(5, { key: 'b' })], 30),
  );
  const newest = (limit: number, filter?: { key?: string }) =>
    reader
      .readNewest('orders', limit, filter)
      .messages.map(({ partition, offset }) => `${partition}:${offset}`);
  expect(newest(10)).toEqual(['0:3', '0:2', '1:0', '0:1', '0:0']);
  expect(newest(3)).toEqual(['0:3', '0:2', '1:0']);
  expect(newest(1)).toEqual(['0:3']);
  expect(newest(10, { key: 'a' })).toEqual(['0:2', '0:0']);
  expect(newest(10, { key: 'nobody' })).toEqual([]);
});

it('[TP4] follows retention and compaction, and reads across the gaps they leave', async () => {
  const writing = await startBroker();
  await writing.open([
    { topic: 'orders', partitions: 2, cleanup: 'compact' },
    { topic: 'short', partitions: 1, retention: { ageMs: 0, bytes: 0, messages: 2 } },
  ]);
  for (let index = 0; index < 12; index++) {
    const key = index % 4 === 0 ? `kept-${index}` : 'often';
    await writing.write(appendOf('orders', 0, [testMessage(index, { key })], index));
    await writing.write(appendOf('short', 0, [testMessage(index)], index));
  }
  const ask = (topic: string, fromOffset: number) =>
    reader.read({ topic, partition: 0, fromOffset, messagesMax: 100, bytesMax: 1_000_000 });
  // Read before, so that what is remembered of it has to be forgotten.
  expect(ask('orders', 0).messages).toHaveLength(12);
  await maintainAll(writing, 1000);

  const offsets = ({ messages }: { messages: { offset: number }[] }) => messages.map(({ offset }) => offset);
  expect(offsets(ask('orders', 0))).toEqual([0, 4, 8, 11]);
  expect(offsets(ask('orders', 5))).toEqual([8, 11]);
  expect(offsets(reader.readNewest('orders', 3))).toEqual([11, 8, 4]);
  expect(offsets(reader.readNewest('orders', 9, { key: 'kept-4' }))).toEqual([4]);
  expect(offsets(reader.readNewest('orders', 9, { partition: 1 }))).toEqual([]);
  expect(reader.sizes('orders')).toMatchObject([{ start: 0, end: 12, messages: 4 }, { messages: 0 }]);
  expect(await writing.offsets('orders')).toEqual(reader.sizes('orders'));
  expect(reader.offsets('short')).toEqual([{ start: 10, end: 12 }]);
  expect(offsets(ask('short', 10))).toEqual([10, 11]);
  expect(() => ask('short', 9)).toThrow(
    expect.objectContaining({ code: 'OFFSET_OUT_OF_RANGE', details: expect.objectContaining({ start: 10 }) }),
  );
});

it('stops looking for a rare key at its limit of work, and says so', async () => {
  const writing = await startBroker();
  await writing.write(appendOf('orders', 0, [testMessage(0, { key: 'rare' })], 1));
  const writes = Array.from({ length: 2100 }, (_, index) =>
    writing.write(appendOf('orders', 0, [testMessage(index)], 2)),
  );
  await Promise.all(writes);
  expect(reader.readNewest('orders', 1, { key: 'rare' })).toEqual({ messages: [], complete: false });
});

it('is closed once and for all', () => {
  reader.close();
  reader.close();
  expect(() => reader.topics()).toThrow(expect.objectContaining({ code: 'BROKER_CLOSED' }));
});
