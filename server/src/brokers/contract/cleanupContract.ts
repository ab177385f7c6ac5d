import type { Message } from '@millrace/shared/message/message.ts';
import { expect, it } from 'vitest';
import type { Broker, MaintainResult, TopicSpec } from '../broker.ts';
import type { BrokerUnderTest } from './brokerUnderTest.ts';
import { appendOf, testMessage, testMessages } from './testMessages.ts';

const NO_LIMIT = { messagesMax: 100_000, bytesMax: 1_000_000_000 };
const HOUR_MS = 3_600_000;

/** Calls `maintain` until nothing is left to do, and adds up what it answered. */
export async function maintainAll(broker: Broker, nowMs: number): Promise<MaintainResult['changed']> {
  const changed = new Map<string, MaintainResult['changed'][number]>();
  for (let more = true; more; ) {
    const slice = await broker.maintain(nowMs);
    for (const one of slice.changed) {
      const key = `${one.topic} ${one.partition}`;
      const before = changed.get(key) ?? { expired: 0, compacted: 0 };
      const expired = before.expired + one.expired;
      changed.set(key, { ...one, expired, compacted: before.compacted + one.compacted });
    }
    more = slice.more;
  }
  return [...changed.values()];
}

/** A message of a key whose payload tells its version. */
export const versionOf = (key: string | null, version: number): Message =>
  testMessage(version, { key, data: JSON.stringify({ version }) });
export const tombstoneOf = (key: string, version: number): Message =>
  testMessage(version, { key, data: 'null' });

/** Rule TP4, for every broker. */
export function registerCleanupTests(subject: () => BrokerUnderTest): void {
  const open = async (over: Partial<TopicSpec>): Promise<Broker> => {
    const { broker } = subject();
    await broker.open([{ topic: 'kept', partitions: 2, ...over }]);
    return broker;
  };
  registerRetentionTests(open);
  registerCompactionTests(open);
  registerRestartTests(subject, open);
}

type Open = (over: Partial<TopicSpec>) => Promise<Broker>;

const append = (broker: Broker, messages: Message[], nowMs = 1000, partition = 0) =>
  broker.write(appendOf('kept', partition, messages, nowMs));

async function readKept(broker: Broker, fromOffset = 0): Promise<{ offset: number; message: Message }[]> {
  const { messages } = await broker.read({ topic: 'kept', partition: 0, fromOffset, ...NO_LIMIT });
  return messages;
}

/** `offset:version` of what is there, so that a failure shows what is. */
async function versions(broker: Broker, fromOffset = 0): Promise<string[]> {
  const kept = await readKept(broker, fromOffset);
  return kept.map(
    ({ offset, message }) => `${offset}:${message.data === 'null' ? '-' : JSON.parse(message.data).version}`,
  );
}

function registerRetentionTests(open: Open): void {
  it('[TP4] keeps everything while no limit is set', async () => {
    const broker = await open({});
    for (let batch = 0; batch < 5; batch++) await append(broker, testMessages(10, batch * 10), 1000);
    expect(await maintainAll(broker, 1e15)).toEqual([]);
    expect(await readKept(broker)).toHaveLength(50);
  });

  it('[TP4] keeps at least as many messages as the limit says, and less than one batch more', async () => {
    const broker = await open({ retention: { ageMs: 0, bytes: 0, messages: 25 } });
    for (let batch = 0; batch < 9; batch++) await append(broker, testMessages(10, batch * 10));
    await append(broker, testMessages(3), 1000, 1);
    expect(await maintainAll(broker, 2000)).toEqual([
      { topic: 'kept', partition: 0, start: 60, end: 90, expired: 60, compacted: 0 },
    ]);
    expect(await broker.offsets('kept')).toMatchObject([
      { start: 60, end: 90, messages: 30 },
      { start: 0, end: 3, messages: 3 },
    ]);
    const kept = await readKept(broker, 60);
    expect(kept.map(({ offset }) => offset)).toEqual(Array.from({ length: 30 }, (_, index) => 60 + index));
    expect(kept.map(({ message }) => message)).toEqual(testMessages(30, 60));
    expect(await maintainAll(broker, 2000)).toEqual([]);
  });

  it('[TP4] keeps at least as many bytes as the limit says', async () => {
    const broker = await open({});
    for (let batch = 0; batch < 10; batch++) await append(broker, testMessages(10, batch * 10));
    const [before] = await broker.offsets('kept');
    const bytes = before?.bytes ?? 0;
    expect(bytes).toBeGreaterThan(100 * 100);
    await broker.open([
      { topic: 'kept', partitions: 2, retention: { ageMs: 0, bytes: bytes / 2, messages: 0 } },
    ]);
    const [changed] = await maintainAll(broker, 2000);
    const [after] = await broker.offsets('kept');
    expect(after?.bytes).toBeGreaterThanOrEqual(bytes / 2);
    expect(after?.bytes).toBeLessThan(bytes * 0.7);
    expect(changed?.expired).toBe(after?.start);
    expect(after?.messages).toBe(100 - (after?.start ?? 0));
  });

  it('[TP4] deletes what is too old, to the last message, and goes on numbering', async () => {
    const broker = await open({ retention: { ageMs: HOUR_MS, bytes: 0, messages: 0 } });
    await append(broker, testMessages(4), 1000);
    await append(broker, testMessages(4, 4), 2000);
    expect(await maintainAll(broker, HOUR_MS)).toEqual([]);
    expect((await maintainAll(broker, HOUR_MS + 1000)).map(({ start }) => start)).toEqual([4]);
    expect((await maintainAll(broker, HOUR_MS * 2)).map(({ start, end }) => [start, end])).toEqual([[8, 8]]);
    expect(await broker.offsets('kept')).toMatchObject([
      { start: 8, end: 8, bytes: 0, messages: 0 },
      { start: 0, end: 0 },
    ]);
    expect(await readKept(broker, 8)).toEqual([]);
    expect(await append(broker, testMessages(1, 8), HOUR_MS * 2)).toEqual({ bases: [8] });
    expect((await readKept(broker, 8)).map(({ offset }) => offset)).toEqual([8]);
  });

  it('[TP4] tells a reader of a deleted offset where the log begins and ends', async () => {
    const broker = await open({ retention: { ageMs: 0, bytes: 0, messages: 5 } });
    for (let batch = 0; batch < 4; batch++) await append(broker, testMessages(5, batch * 5), batch);
    await maintainAll(broker, 2000);
    for (const fromOffset of [0, 14]) {
      await expect(readKept(broker, fromOffset)).rejects.toMatchObject({
        code: 'OFFSET_OUT_OF_RANGE',
        details: { start: 15, end: 20 },
      });
    }
    expect(await readKept(broker, 15)).toHaveLength(5);
    expect(await broker.offsetAtTime('kept', 0, 0)).toBe(15);
    expect(await broker.offsetAtTime('kept', 0, 4)).toBe(20);
  });

  it('[TP4] does not ask who has read what is deleted, and leaves commits alone', async () => {
    const broker = await open({ retention: { ageMs: 0, bytes: 0, messages: 1 } });
    const commit = { group: 'slow', topic: 'kept', partition: 0, offset: 1 };
    await broker.write({ ...appendOf('kept', 0, testMessages(5)), commits: [commit] });
    await append(broker, testMessages(5, 5));
    expect(await maintainAll(broker, 2000)).toMatchObject([{ start: 5, expired: 5 }]);
    expect(await broker.commits()).toEqual([commit]);
  });
}

function registerCompactionTests(open: Open): void {
  it('[TP4] keeps the newest of each key, with its offset and everything about it', async () => {
    const broker = await open({ cleanup: 'compact' });
    const rich = testMessage(3, {
      key: 'b',
      subject: 's',
      extensions: { colour: 'žlutý' },
      data: JSON.stringify({ version: 3, text: '日本語' }),
    });
    await append(broker, [versionOf('a', 1), versionOf('b', 2), rich, versionOf('c', 4)], 100);
    await append(broker, [versionOf('a', 5), versionOf('c', 6)], 200);
    await append(broker, [versionOf('c', 7)], 300);
    expect(await maintainAll(broker, 1000)).toEqual([
      { topic: 'kept', partition: 0, start: 0, end: 7, expired: 0, compacted: 4 },
    ]);
    expect(await versions(broker)).toEqual(['2:3', '4:5', '6:7']);
    expect(await readKept(broker)).toEqual([
      { offset: 2, appendedAtMs: 100, message: rich },
      { offset: 4, appendedAtMs: 200, message: versionOf('a', 5) },
      { offset: 6, appendedAtMs: 300, message: versionOf('c', 7) },
    ]);
    expect(await broker.offsets('kept')).toMatchObject([{ start: 0, end: 7, messages: 3 }, {}]);
  });

  it('[TP4] reads across gaps from any offset, in bites of any size', async () => {
    const broker = await open({ cleanup: 'compact' });
    for (let version = 0; version < 60; version++)
      await append(broker, [versionOf(`key-${version % 7 === 0 ? version : 'often'}`, version)], version);
    await maintainAll(broker, 1000);
    const expected = [0, 7, 14, 21, 28, 35, 42, 49, 56, 59].map((version) => `${version}:${version}`);
    expect(await versions(broker)).toEqual(expected);
    for (let from = 0; from < 60; from++)
      expect(await versions(broker, from)).toEqual(
        expected.filter((entry) => Number.parseInt(entry, 10) >= from),
      );
    const bites: number[] = [];
    for (let fromOffset = 0; fromOffset < 60; ) {
      const { messages, end } = await broker.read({
        ...{ topic: 'kept', partition: 0, fromOffset },
        ...{ messagesMax: 3, bytesMax: 100_000 },
      });
      expect(end).toBe(60);
      bites.push(messages.length);
      fromOffset = (messages.at(-1)?.offset ?? 60) + 1;
    }
    expect(bites).toEqual([3, 3, 3, 1]);
    expect([await broker.offsetAtTime('kept', 0, 8), await broker.offsetAtTime('kept', 0, 57)]).toEqual([
      14, 59,
    ]);
  });

  it('[TP4] keeps messages without a key, and leaves the newest batch alone', async () => {
    const broker = await open({ cleanup: 'compact' });
    await append(broker, [versionOf(null, 1), versionOf('', 2), versionOf('a', 3), versionOf(null, 4)]);
    await append(broker, [versionOf('a', 5), versionOf('a', 6), versionOf('b', 7)]);
    await maintainAll(broker, 2000);
    expect(await versions(broker)).toEqual(['0:1', '1:2', '3:4', '4:5', '5:6', '6:7']);
  });

  it('[TP4] keeps a tombstone for as long as the topic says, then removes it too', async () => {
    const broker = await open({ cleanup: 'compact', tombstoneMs: HOUR_MS });
    await append(broker, [versionOf('a', 1), versionOf('b', 2)], 1000);
    await append(broker, [tombstoneOf('a', 3)], 2000);
    await append(broker, [versionOf('c', 4)], 3000);
    await maintainAll(broker, 5000);
    expect(await versions(broker)).toEqual(['1:2', '2:-', '3:4']);
    expect(await maintainAll(broker, HOUR_MS + 1999)).toEqual([]);
    expect(await maintainAll(broker, HOUR_MS + 2000)).toMatchObject([{ compacted: 1 }]);
    expect(await versions(broker)).toEqual(['1:2', '3:4']);
    expect(await maintainAll(broker, HOUR_MS * 100)).toEqual([]);
  });

  it('[TP4] a key that comes back after its tombstone stays', async () => {
    const broker = await open({ cleanup: 'compact', tombstoneMs: 0 });
    await append(broker, [versionOf('a', 1)]);
    await append(broker, [tombstoneOf('a', 2)]);
    await append(broker, [versionOf('a', 3)]);
    await append(broker, [versionOf('z', 4)]);
    await maintainAll(broker, 5000);
    expect(await versions(broker)).toEqual(['2:3', '3:4']);
  });

  it('[TP4] waits until half of what could be compacted is new', async () => {
    const broker = await open({ cleanup: 'compact', tombstoneMs: HOUR_MS });
    for (let key = 0; key < 10; key++) await append(broker, [versionOf(`key-${key}`, key)], 1000);
    await maintainAll(broker, 1000);
    for (let version = 10; version < 18; version++) {
      await append(broker, [versionOf('key-0', version)], 2000);
      expect(await maintainAll(broker, 2000), `after version ${version}`).toEqual([]);
    }
    // Nine of the eighteen before the newest batch are new.
    await append(broker, [versionOf('key-0', 18)], 2000);
    expect(await maintainAll(broker, 2000)).toMatchObject([{ compacted: 9 }]);
    await append(broker, [versionOf('key-1', 19), versionOf('key-1', 20)], 2000);
    expect(await maintainAll(broker, 2000 + HOUR_MS - 1)).toEqual([]);
    expect(await maintainAll(broker, 2000 + HOUR_MS)).toMatchObject([{ compacted: 1 }]);
  });

  it('[TP4] keeps the numbers of partitions apart, and limits hold beside compaction', async () => {
    const broker = await open({ cleanup: 'compact', retention: { ageMs: 0, bytes: 0, messages: 2 } });
    for (let version = 0; version < 6; version++) {
      await append(broker, [versionOf('a', version)]);
      await append(broker, [versionOf(`key-${version}`, version)], 1000, 1);
    }
    const changed = await maintainAll(broker, 2000);
    expect(changed.map(({ partition, start }) => [partition, start])).toEqual([
      [0, 4],
      [1, 4],
    ]);
    expect(await versions(broker, 4)).toEqual(['5:5']);
    const { messages } = await broker.read({ topic: 'kept', partition: 1, fromOffset: 4, ...NO_LIMIT });
    expect(messages.map(({ offset }) => offset)).toEqual([4, 5]);
  });

  it('[TP4] compacts while others write, without losing or moving anything of theirs', async () => {
    const broker = await open({ cleanup: 'compact' });
    const newest = new Map<string, string>();
    let version = 0;
    const write = async (): Promise<void> => {
      const key = `key-${version % 40}`;
      newest.set(key, `${version}:${version}`);
      await append(broker, [versionOf(key, version++)]);
    };
    for (let round = 0; round < 60; round++) {
      const writes = Array.from({ length: 10 }, write);
      await Promise.all([...writes, broker.maintain(2000)]);
    }
    await maintainAll(broker, 1e15);
    expect((await versions(broker)).sort()).toEqual([...newest.values()].sort());
  });
}

function registerRestartTests(subject: () => BrokerUnderTest, open: Open): void {
  it('[TP4] remembers after a restart what it deleted, where it survives one', async ({ skip }) => {
    const broker = await open({ cleanup: 'compact', tombstoneMs: HOUR_MS });
    skip(!broker.capabilities.survivesRestart, 'this broker does not survive a restart and says so');
    await broker.open([{ topic: 'short', partitions: 1, retention: { ageMs: 10, bytes: 0, messages: 0 } }]);
    for (let version = 0; version < 8; version++)
      await append(broker, [versionOf(`key-${version % 2}`, version)]);
    await append(broker, [tombstoneOf('key-0', 8)], 2000);
    await append(broker, [versionOf('key-2', 9)], 2000);
    await broker.write(appendOf('short', 0, testMessages(3), 1000));
    await maintainAll(broker, 2000);
    const [before] = await broker.offsets('kept');
    const again = await subject().reopen();
    // What the topic keeps is said anew by each run.
    await again.open([
      { topic: 'kept', partitions: 3, cleanup: 'compact', tombstoneMs: HOUR_MS },
      { topic: 'short', partitions: 1 },
    ]);
    expect((await again.offsets('kept'))[0]).toEqual(before);
    expect(await versions(again)).toEqual(['7:7', '8:-', '9:9']);
    expect(await again.offsets('short')).toEqual([{ start: 3, end: 3, bytes: 0, messages: 0 }]);
    expect(await maintainAll(again, 2000 + HOUR_MS - 1)).toEqual([]);
    expect(await maintainAll(again, 2000 + HOUR_MS)).toMatchObject([{ compacted: 1 }]);
    expect(await versions(again)).toEqual(['7:7', '9:9']);
    expect(await again.write(appendOf('short', 0, testMessages(1)))).toEqual({ bases: [3] });
  });
}
