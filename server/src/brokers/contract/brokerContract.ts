import type { Message } from '@millrace/shared/message/message.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Broker, WriteBatch } from '../broker.ts';
import type { BrokerUnderTest } from './brokerUnderTest.ts';
import { registerCleanupTests } from './cleanupContract.ts';
import { appendOf, testMessage, testMessages } from './testMessages.ts';

const NO_LIMIT = { messagesMax: 100_000, bytesMax: 1_000_000_000 };
const MEBIBYTE = 1024 * 1024;

/** What every broker has to keep, whatever it is made of. Runs for each entry of the registry. */
export function registerBrokerContractTests(name: string, create: () => Promise<BrokerUnderTest>): void {
  describe(`the ${name} broker`, () => {
    let subject: BrokerUnderTest;
    let broker: Broker;
    beforeEach(async () => {
      subject = await create();
      broker = subject.broker;
      await broker.open([
        { topic: 'orders', partitions: 3 },
        { topic: 'alerts', partitions: 1 },
      ]);
    });
    afterEach(() => subject.dispose());

    const readAll = async (from: Broker, topic: string, partition: number): Promise<Message[]> => {
      const { messages } = await from.read({ topic, partition, fromOffset: 0, ...NO_LIMIT });
      return messages.map(({ message }) => message);
    };

    registerLogTests(() => broker, readAll);
    registerCommitAndStateTests(() => broker);
    registerErrorTests(() => broker);
    registerCleanupTests(() => subject);
    registerCloseTests(() => subject, readAll);
  });
}

type ReadAll = (broker: Broker, topic: string, partition: number) => Promise<Message[]>;

function registerLogTests(broker: () => Broker, readAll: ReadAll): void {
  it('[TP1] gives contiguous offsets from 0, per partition', async () => {
    const first = await broker().write({
      appends: [
        { topic: 'orders', partition: 0, messages: testMessages(5) },
        { topic: 'orders', partition: 2, messages: testMessages(2) },
        { topic: 'orders', partition: 0, messages: testMessages(3, 5) },
      ],
      commits: [],
      state: [],
      nowMs: 1,
    });
    const second = await broker().write(appendOf('orders', 0, testMessages(1, 8)));
    expect(first.bases).toEqual([0, 0, 5]);
    expect(second.bases).toEqual([8]);
    expect(await broker().offsets('orders')).toMatchObject([
      { start: 0, end: 9 },
      { start: 0, end: 0 },
      { start: 0, end: 2 },
    ]);
    const { messages, end } = await broker().read({
      topic: 'orders',
      partition: 0,
      fromOffset: 0,
      ...NO_LIMIT,
    });
    expect(end).toBe(9);
    expect(messages.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(messages.map(({ message }) => message)).toEqual(testMessages(9));
  });

  it('[TP1] an append without messages takes no offset', async () => {
    await broker().write(appendOf('orders', 1, testMessages(2)));
    expect(await broker().write(appendOf('orders', 1, []))).toEqual({ bases: [2] });
    expect((await broker().offsets('orders'))[1]).toMatchObject({ start: 0, end: 2 });
  });

  it('[TP1] applies concurrent writes in the order of the calls', async () => {
    const writes = Array.from({ length: 500 }, (_, index) =>
      broker().write(appendOf('orders', 0, [testMessage(index)], index)),
    );
    const bases = (await Promise.all(writes)).map((result) => result.bases[0]);
    expect(bases).toEqual(Array.from({ length: 500 }, (_, index) => index));
    expect(await readAll(broker(), 'orders', 0)).toEqual(testMessages(500));
  });

  it('[TP1] keeps every attribute of a message, in any script', async () => {
    const messages = [
      testMessage(1, { key: null, causationId: 'the cause', correlationId: 'the root' }),
      testMessage(2, { key: '', data: '""' }),
      testMessage(3, { key: 'ключ 🔑', data: JSON.stringify({ text: 'naïve 日本語 🎏\u2028 \u0000' }) }),
      testMessage(4, {
        subject: 's',
        dataschema: 'https://x.test/schema',
        traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
      }),
      testMessage(5, { extensions: { deadletterattempts: 3, deadletterreason: 'žlutý', final: true } }),
      testMessage(6, { type: 'тип', source: '/источник', id: 'id-given-by-somebody-else', timeMs: 0.5 }),
      testMessage(7, { correlationId: 'root', causationId: 'root' }),
    ];
    await broker().write(appendOf('alerts', 0, messages));
    expect(await readAll(broker(), 'alerts', 0)).toEqual(messages);
    const { messages: middle } = await broker().read({
      topic: 'alerts',
      partition: 0,
      fromOffset: 2,
      messagesMax: 2,
      bytesMax: MEBIBYTE,
    });
    expect(middle.map(({ message }) => message)).toEqual(messages.slice(2, 4));
  });

  it('[MS4] carries a message of 1 MiB', async () => {
    const large = testMessage(1, { data: JSON.stringify('x'.repeat(MEBIBYTE)) });
    const wide = testMessage(2, { data: JSON.stringify('ß'.repeat(MEBIBYTE / 2)) });
    await broker().write(appendOf('alerts', 0, [large, wide, testMessage(3)]));
    expect(await readAll(broker(), 'alerts', 0)).toEqual([large, wide, testMessage(3)]);
  });

  it('reads no more than was asked for, and at least one message', async () => {
    await broker().write(appendOf('orders', 0, testMessages(100)));
    await broker().write(appendOf('orders', 0, testMessages(100, 100)));
    const ask = (fromOffset: number, messagesMax: number, bytesMax: number) =>
      broker().read({ topic: 'orders', partition: 0, fromOffset, messagesMax, bytesMax });
    const some = await ask(95, 10, MEBIBYTE);
    expect(some.messages.map(({ offset }) => offset)).toEqual([95, 96, 97, 98, 99, 100, 101, 102, 103, 104]);
    expect(some.end).toBe(200);
    expect((await ask(50, 100, 1)).messages).toHaveLength(1);
    const byBytes = (await ask(0, 1000, 10_000)).messages.length;
    expect(byBytes).toBeGreaterThan(10);
    expect(byBytes).toBeLessThan(80);
    expect(await ask(200, 10, MEBIBYTE)).toEqual({ messages: [], end: 200 });
  });

  it('[CG3] finds the first offset at or after a time', async () => {
    await broker().write(appendOf('orders', 0, testMessages(3), 100));
    await broker().write(appendOf('orders', 0, testMessages(3, 3), 200));
    const at = (timeMs: number) => broker().offsetAtTime('orders', 0, timeMs);
    expect([await at(0), await at(100), await at(101), await at(200), await at(201)]).toEqual([
      0, 0, 3, 3, 6,
    ]);
    expect(await broker().offsetAtTime('orders', 1, 0)).toBe(0);
    const { messages } = await broker().read({
      topic: 'orders',
      partition: 0,
      fromOffset: 2,
      messagesMax: 2,
      bytesMax: MEBIBYTE,
    });
    expect(messages.map(({ appendedAtMs }) => appendedAtMs)).toEqual([100, 200]);
  });

  it('[TP1] takes 1,024 partitions, and grows without touching what is there', async () => {
    await broker().write(appendOf('alerts', 0, testMessages(2)));
    await broker().open([
      { topic: 'alerts', partitions: 1024 },
      { topic: 'orders', partitions: 1 },
    ]);
    const appends = Array.from({ length: 1024 }, (_, partition) => ({
      topic: 'alerts',
      partition,
      messages: [testMessage(partition)],
    }));
    const { bases } = await broker().write({ appends, commits: [], state: [], nowMs: 5 });
    expect(bases).toEqual([2, ...Array.from({ length: 1023 }, () => 0)]);
    const offsets = await broker().offsets('alerts');
    expect(offsets).toHaveLength(1024);
    expect(offsets[1023]).toMatchObject({ start: 0, end: 1 });
    expect(await broker().offsets('orders')).toHaveLength(3);
    expect(await readAll(broker(), 'alerts', 1023)).toEqual([testMessage(1023)]);
  });
}

function registerCommitAndStateTests(broker: () => Broker): void {
  it('[CG4] remembers the last commit of each group, topic and partition', async () => {
    const commit = (group: string, partition: number, offset: number) => ({
      group,
      topic: 'orders',
      partition,
      offset,
    });
    await broker().write({
      appends: [],
      commits: [commit('a', 0, 1), commit('b', 0, 7), commit('a', 0, 2)],
      state: [],
      nowMs: 1,
    });
    await Promise.all([
      broker().write({ appends: [], commits: [commit('a', 0, 3), commit('a', 1, 4)], state: [], nowMs: 2 }),
      broker().write({ appends: [], commits: [commit('a', 0, 5)], state: [], nowMs: 3 }),
    ]);
    const commits = await broker().commits();
    expect(commits).toHaveLength(3);
    expect(commits).toEqual(
      expect.arrayContaining([commit('a', 0, 5), commit('a', 1, 4), commit('b', 0, 7)]),
    );
  });

  it('puts, replaces and deletes state entries', async () => {
    const write = (state: WriteBatch['state']) =>
      broker().write({ appends: [], commits: [], state, nowMs: 1 });
    await write([
      { store: 's', key: 'a', value: '1' },
      { store: 's', key: 'b', value: '2' },
      { store: 't', key: 'a', value: '"ü"' },
    ]);
    await Promise.all([
      write([{ store: 's', key: 'a', value: '3' }]),
      write([
        { store: 's', key: 'b', value: null },
        { store: 's', key: 'never there', value: null },
      ]),
      write([
        { store: 's', key: 'c', value: null },
        { store: 's', key: 'c', value: '4' },
      ]),
    ]);
    const state = await broker().state();
    expect(state).toHaveLength(3);
    expect(state).toEqual(
      expect.arrayContaining([
        { store: 's', key: 'a', value: '3' },
        { store: 's', key: 'c', value: '4' },
        { store: 't', key: 'a', value: '"ü"' },
      ]),
    );
  });

  it('[DL1] keeps nothing of a write of which a part is impossible', async () => {
    const impossible = broker().write({
      appends: [
        { topic: 'orders', partition: 0, messages: testMessages(1) },
        { topic: 'orders', partition: 3, messages: testMessages(1) },
      ],
      commits: [{ group: 'a', topic: 'orders', partition: 0, offset: 1 }],
      state: [{ store: 's', key: 'k', value: '1' }],
      nowMs: 1,
    });
    await expect(impossible).rejects.toMatchObject({ code: 'TOPIC_NOT_FOUND' });
    expect(await broker().offsets('orders')).toEqual(
      Array.from({ length: 3 }, () => ({ start: 0, end: 0, bytes: 0, messages: 0 })),
    );
    expect(await broker().commits()).toEqual([]);
    expect(await broker().state()).toEqual([]);
  });
}

function registerErrorTests(broker: () => Broker): void {
  it('names a topic or partition that is not there', async () => {
    const request = { topic: 'nowhere', partition: 0, fromOffset: 0, messagesMax: 1, bytesMax: 1 };
    await expect(broker().read(request)).rejects.toMatchObject({ code: 'TOPIC_NOT_FOUND' });
    await expect(broker().read({ ...request, topic: 'orders', partition: 3 })).rejects.toMatchObject({
      code: 'TOPIC_NOT_FOUND',
    });
    await expect(broker().offsets('nowhere')).rejects.toMatchObject({ code: 'TOPIC_NOT_FOUND' });
    await expect(broker().offsetAtTime('nowhere', 0, 0)).rejects.toMatchObject({ code: 'TOPIC_NOT_FOUND' });
    await expect(broker().write(appendOf('nowhere', 0, testMessages(1)))).rejects.toMatchObject({
      code: 'TOPIC_NOT_FOUND',
    });
  });

  it('[TP4] refuses an offset outside of the log and says what the log holds', async () => {
    await broker().write(appendOf('orders', 0, testMessages(4)));
    for (const fromOffset of [-1, 5, 1.5]) {
      const read = broker().read({ topic: 'orders', partition: 0, fromOffset, messagesMax: 1, bytesMax: 1 });
      await expect(read).rejects.toMatchObject({
        code: 'OFFSET_OUT_OF_RANGE',
        details: { start: 0, end: 4 },
      });
    }
  });
}

function registerCloseTests(subject: () => BrokerUnderTest, readAll: ReadAll): void {
  it('finishes what is under way when it closes, closes twice, and refuses everything afterwards', async () => {
    const { broker } = subject();
    const underWay = Array.from({ length: 20 }, (_, index) =>
      broker.write(appendOf('orders', 0, [testMessage(index)])),
    );
    await Promise.all([broker.close(), broker.close()]);
    expect((await Promise.allSettled(underWay)).map(({ status }) => status)).toEqual(
      Array(20).fill('fulfilled'),
    );
    await broker.close();
    const request = { topic: 'orders', partition: 0, fromOffset: 0, messagesMax: 1, bytesMax: 1 };
    const refused = [
      broker.write(appendOf('orders', 0, testMessages(1))),
      broker.read(request),
      broker.open([]),
      broker.offsets('orders'),
      broker.offsetAtTime('orders', 0, 0),
      broker.commits(),
      broker.state(),
      broker.maintain(0),
    ];
    for (const attempt of refused) await expect(attempt).rejects.toMatchObject({ code: 'BROKER_CLOSED' });
  });

  it('[TP3] has after a restart what it acknowledged, where it says that it survives one', async ({
    skip,
  }) => {
    const { broker, reopen } = subject();
    skip(!broker.capabilities.survivesRestart, 'this broker does not survive a restart and says so');
    await broker.write({
      appends: [{ topic: 'orders', partition: 1, messages: testMessages(2500) }],
      commits: [{ group: 'a', topic: 'orders', partition: 1, offset: 2 }],
      state: [{ store: 's', key: 'k', value: '{"a":1}' }],
      nowMs: 77,
    });
    const again = await reopen();
    await again.open([{ topic: 'orders', partitions: 4 }]);
    expect((await again.offsets('orders')).map(({ end }) => end)).toEqual([0, 2500, 0, 0]);
    expect(await readAll(again, 'orders', 1)).toEqual(testMessages(2500));
    expect(await again.commits()).toEqual([{ group: 'a', topic: 'orders', partition: 1, offset: 2 }]);
    expect(await again.state()).toEqual([{ store: 's', key: 'k', value: '{"a":1}' }]);
    expect(await again.offsetAtTime('orders', 1, 78)).toBe(2500);
    expect(await again.write(appendOf('orders', 1, testMessages(1)))).toEqual({ bases: [2500] });
  });
}
