import type { Message, StoredMessage } from '@millrace/shared/message/message.ts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { testMessage, testMessages } from '../contract/testMessages.ts';
import { messageBytes } from '../readRules.ts';
import { LIVING_ROWS_MAX } from './livingMessages.ts';
import { createTailCache, type HeldRow, type TailCache } from './tailCache.ts';
import { createGroupBuilder } from './writeGroup.ts';

type Append = { partition: number; messages: Message[] };

/** What the storage thread's owner does before a group leaves; `alive` lets the cache know the objects of the rows. */
function hold(cache: TailCache, appends: Append[], nowMs = 1000, alive = false): HeldRow[] {
  const builder = createGroupBuilder();
  const named = appends.map((append) => ({ topic: 't', ...append }));
  builder.add(
    { appends: named, commits: [], state: [], nowMs },
    appends.map(({ partition }) => partition),
  );
  return cache.hold(builder.build(0), alive ? builder.messages() : []);
}

function append(cache: TailCache, partition: number, base: number, messages: Message[], alive = false): void {
  let end = base;
  for (const row of hold(cache, [{ partition, messages }], 1000, alive)) {
    cache.add(row, end);
    end += row.count;
  }
}

const read = (cache: TailCache, partition: number, fromOffset: number, messagesMax = 1e6, bytesMax = 1e9) =>
  cache.read(partition, { topic: 't', partition, fromOffset, messagesMax, bytesMax });
const offsets = (cache: TailCache, partition: number, fromOffset: number): number[] | null =>
  read(cache, partition, fromOffset)?.map(({ offset }) => offset) ?? null;
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);

/** What a row of five test messages takes, whichever they are. */
const ROW_BYTES = (() => {
  const { start, end } = hold(createTailCache(1 << 20), [
    { partition: 0, messages: testMessages(5, 10) },
  ])[0] as HeldRow;
  return Math.ceil((end - start) / 8) * 8;
})();
const SEGMENT_BYTES = ROW_BYTES / 4;
const cacheOf = (rows: number): TailCache => createTailCache(rows * ROW_BYTES, SEGMENT_BYTES);
const addRow = (cache: TailCache, partition: number, row: number): void =>
  append(cache, partition, row * 5, testMessages(5, 10 + row * 5));

it('serves the newest rows, and nothing from before them', () => {
  const cache = cacheOf(3);
  for (let row = 0; row < 5; row++) addRow(cache, 0, row);
  expect(offsets(cache, 0, 9)).toBeNull();
  expect(offsets(cache, 0, 22)).toEqual([22, 23, 24]);
  expect(offsets(cache, 0, 10)).toEqual(range(10, 25));
  expect(offsets(cache, 0, 25)).toBeNull();
  expect(offsets(cache, 1, 0)).toBeNull();
  expect(read(cache, 0, 12)?.map(({ message }) => message)).toEqual(testMessages(13, 22));
});

it('stops at as many messages and bytes as were asked for, and gives at least one', () => {
  const cache = cacheOf(3);
  addRow(cache, 0, 0);
  addRow(cache, 0, 1);
  const seven = testMessages(7, 12).reduce((sum, message) => sum + messageBytes(message), 0);
  expect(read(cache, 0, 2, 100, seven)).toHaveLength(7);
  expect(read(cache, 0, 2, 100, seven - 1)).toHaveLength(6);
  expect(read(cache, 0, 2, 7)).toHaveLength(7);
  expect(read(cache, 0, 2, 7, 0)).toHaveLength(1);
});

it('takes memory as it needs it, and never more than its limit', () => {
  const cache = cacheOf(3);
  expect(cache.memoryBytes()).toBe(0);
  addRow(cache, 0, 0);
  expect(cache.memoryBytes()).toBe(ROW_BYTES);
  for (let row = 1; row < 20; row++) addRow(cache, row % 4, row);
  expect(cache.memoryBytes()).toBe(3 * ROW_BYTES);
});

it('[TP4] forgets what retention and compaction changed, and goes on as before', () => {
  const cache = cacheOf(4);
  for (let row = 0; row < 2; row++) for (const partition of [0, 1]) addRow(cache, partition, row);
  cache.dropBelow(0, 7);
  expect(offsets(cache, 0, 5)).toBeNull();
  expect(offsets(cache, 1, 0)).toHaveLength(10);
  cache.dropBelow(7, 100);

  addRow(cache, 0, 2);
  expect(offsets(cache, 0, 10)).toEqual(range(10, 15));
  expect(offsets(cache, 1, 0)).toHaveLength(10);
  addRow(cache, 0, 3);
  expect(offsets(cache, 1, 0)).toBeNull();
  expect(offsets(cache, 1, 5)).toEqual(range(5, 10));
});

it('shows a row only once it is committed, and nothing of one that was refused', () => {
  const cache = cacheOf(4);
  addRow(cache, 0, 0);
  const [waiting] = hold(cache, [{ partition: 0, messages: testMessages(5, 50) }]) as [HeldRow];
  hold(cache, [{ partition: 0, messages: testMessages(5, 90) }]);
  expect(offsets(cache, 0, 0)).toEqual(range(0, 5));
  cache.add(waiting, 5);
  addRow(cache, 0, 2);
  expect(offsets(cache, 0, 0)).toEqual(range(0, 15));
  expect(read(cache, 0, 5, 5)?.map(({ message }) => message)).toEqual(testMessages(5, 50));
});

it('leaves a message that is larger than all of it to the disk, and goes on after it', () => {
  const cache = cacheOf(2);
  addRow(cache, 0, 0);
  append(cache, 0, 5, [testMessage(1, { data: 'x'.repeat(2 * ROW_BYTES) })]);
  expect(offsets(cache, 0, 0)).toBeNull();
  expect(offsets(cache, 0, 5)).toBeNull();
  append(cache, 0, 6, testMessages(3));
  expect(offsets(cache, 0, 5)).toBeNull();
  expect(offsets(cache, 0, 6)).toEqual([6, 7, 8]);
});

it('splits what is appended at once into rows and reads across them', () => {
  const messages = range(0, 30).map((index) =>
    testMessage(index, { data: String(index).repeat(20_000), key: index % 2 ? 'ä' : null }),
  );
  const cache = createTailCache(1 << 22);
  expect(hold(cache, [{ partition: 0, messages }]).length).toBeGreaterThan(2);
  append(cache, 0, 100, messages);
  expect(read(cache, 0, 103)?.map(({ message }) => message)).toEqual(messages.slice(3));
});

it('hands out the objects of the newest rows while they are alive, and decodes them afterwards', () => {
  const cache = createTailCache(1 << 20);
  const messages = testMessages(7);
  append(cache, 0, 0, messages.slice(0, 4), true);
  append(cache, 0, 4, messages.slice(4), true);
  const objects = read(cache, 0, 1, 5)?.map(({ message }) => message) ?? [];
  expect(objects).toHaveLength(5);
  for (const [index, object] of objects.entries()) expect(object).toBe(messages[index + 1]);

  const later = Array.from({ length: LIVING_ROWS_MAX }, (_, index) => [testMessage(index)]);
  for (const [index, one] of later.entries()) append(cache, 0, 7 + index, one, true);
  const decoded = read(cache, 0, 0, 8)?.map(({ message }) => message) ?? [];
  expect(decoded).toEqual([...messages, ...(later[0] as Message[])]);
  expect(decoded[0]).not.toBe(messages[0]);
  expect(decoded[7]).toBe(later[0]?.[0]);
});

/** What a cache has to answer, from arrays: of all that was ever held, the newest bytes. */
type ModelRow = { partition: number; base: number; messages: Message[]; nowMs: number; place: number };

function createModel(bytesMax: number) {
  const rows: ModelRow[] = [];
  let end = 0;
  return {
    grow: (to: number): void => {
      end = Math.max(end, to);
    },
    add: (row: ModelRow): void => {
      rows.push(row);
    },
    dropBelow(partition: number, offset: number): void {
      for (let at = rows.length - 1; at >= 0; at--) {
        const row = rows[at] as ModelRow;
        if (row.partition === partition && row.base < offset) rows.splice(at, 1);
      }
    },
    read(partition: number, fromOffset: number, messagesMax: number, bytesMax2: number) {
      const kept = rows.filter((row) => row.partition === partition && row.place >= end - bytesMax);
      const stored: StoredMessage[] = kept.flatMap(({ base, messages, nowMs }) =>
        messages.map((message, index) => ({ message, offset: base + index, appendedAtMs: nowMs })),
      );
      const from = stored.findIndex(({ offset }) => offset === fromOffset);
      if (from < 0) return null;
      const result: StoredMessage[] = [];
      let bytes = 0;
      for (const next of stored.slice(from)) {
        bytes += messageBytes(next.message);
        if (result.length > 0 && (result.length >= messagesMax || bytes > bytesMax2)) break;
        result.push(next);
      }
      return result;
    },
  };
}

const anyMessage: fc.Arbitrary<Message> = fc
  .record({
    key: fc.option(fc.string({ maxLength: 8, unit: fc.constantFrom('a', 'ß', '語', '🜁') })),
    data: fc.oneof(
      { weight: 8, arbitrary: fc.string({ maxLength: 60 }) },
      { weight: 4, arbitrary: fc.string({ maxLength: 60, unit: 'binary' }) },
      { weight: 2, arbitrary: fc.integer({ min: 300, max: 900 }).map((length) => 'm'.repeat(length)) },
      { weight: 1, arbitrary: fc.integer({ min: 2000, max: 6000 }).map((length) => '🜁'.repeat(length / 4)) },
    ),
    index: fc.nat(),
  })
  .map(({ key, data, index }) => testMessage(index, { key, data }));

const anyPartition = fc.nat({ max: 2 });
const anyAction = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('group' as const),
      appends: fc.array(
        fc.record({ partition: anyPartition, messages: fc.array(anyMessage, { maxLength: 6 }) }),
        { minLength: 1, maxLength: 4 },
      ),
      refused: fc.boolean(),
      alive: fc.boolean(),
      nowMs: fc.nat(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('drop' as const),
      partition: anyPartition,
      back: fc.nat({ max: 30 }),
    }),
  },
);

it('answers as plain arrays would, whatever is written, refused, dropped and written over', {
  timeout: 30_000,
}, () => {
  const bytesMax = 4096;
  const seen = { wrapped: false, refused: false, nothing: false, several: false };
  const runs = fc.array(fc.tuple(anyAction, fc.nat(), fc.nat({ max: 12 }), fc.nat({ max: 3000 })), {
    minLength: 5,
    maxLength: 40,
  });
  fc.assert(
    fc.property(runs, (actions) => {
      const cache = createTailCache(bytesMax, 512);
      const model = createModel(bytesMax);
      const ends = [0, 0, 0];
      for (const [action, back, messagesMax, readBytesMax] of actions) {
        if (action.kind === 'drop') {
          const offset = (ends[action.partition] as number) - action.back;
          cache.dropBelow(action.partition, offset);
          model.dropBelow(action.partition, offset);
        } else {
          const held = hold(cache, action.appends, action.nowMs, action.alive);
          for (const { place, start, end } of held) model.grow(place + Math.ceil((end - start) / 8) * 8);
          seen.refused ||= action.refused;
          for (const [index, row] of action.refused ? [] : held.entries()) {
            const { partition, messages } = action.appends[index] as Append;
            const base = ends[partition] as number;
            if (row.count > 0) cache.add(row, base);
            model.add({ partition, base, messages, nowMs: action.nowMs, place: row.place });
            ends[partition] = base + messages.length;
            seen.wrapped ||= row.place > bytesMax;
          }
        }
        for (const partition of [0, 1, 2]) {
          const end = ends[partition] as number;
          const from = end - (back % Math.min(end + 1, 12));
          const expected = model.read(partition, from, messagesMax, readBytesMax);
          expect(read(cache, partition, from, messagesMax, readBytesMax)).toEqual(expected);
          expect(read(cache, partition, from)).toEqual(model.read(partition, from, 1e6, 1e9));
          seen.nothing ||= expected === null && from < end;
          seen.several ||= (expected?.length ?? 0) > 6;
        }
      }
      expect(cache.memoryBytes()).toBeLessThanOrEqual(bytesMax);
    }),
    { numRuns: 150 },
  );
  expect(seen).toEqual({ wrapped: true, refused: true, nothing: true, several: true });
});
