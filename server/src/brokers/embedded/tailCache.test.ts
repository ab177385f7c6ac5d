import { expect, it } from 'vitest';
import { testMessages } from '../contract/testMessages.ts';
import { messageBytes } from '../readRules.ts';
import { createTailCache } from './tailCache.ts';

const BATCH_BYTES = testMessages(5, 10).reduce((sum, message) => sum + messageBytes(message), 0);

function cacheOf(batches: number): ReturnType<typeof createTailCache> {
  return createTailCache(batches * BATCH_BYTES + 50);
}

const add = (cache: ReturnType<typeof createTailCache>, partition: number, batch: number): void =>
  cache.add(partition, batch * 5, testMessages(5, 10 + batch), 1000);

const offsets = (cache: ReturnType<typeof createTailCache>, partition: number, fromOffset: number) =>
  cache
    .read(partition, { topic: 't', partition, fromOffset, messagesMax: 100, bytesMax: 1e9 })
    ?.map(({ offset }) => offset) ?? null;

it('serves the newest batches, and nothing from before them', () => {
  const cache = cacheOf(3);
  for (let batch = 0; batch < 5; batch++) add(cache, 0, batch);
  expect(offsets(cache, 0, 9)).toBeNull();
  expect(offsets(cache, 0, 22)).toEqual([22, 23, 24]);
  expect(offsets(cache, 0, 10)).toHaveLength(15);
});

it('[TP4] forgets what retention and compaction changed, and goes on as before', () => {
  const cache = cacheOf(4);
  for (let batch = 0; batch < 2; batch++) for (const partition of [0, 1]) add(cache, partition, batch);
  cache.dropBelow(0, 7);
  expect(offsets(cache, 0, 5)).toBeNull();
  expect(offsets(cache, 1, 0)).toHaveLength(10);
  expect(cache.bytes()).toBe(2 * BATCH_BYTES);
  cache.dropBelow(7, 100);

  // The turns of the two batches that left early pass, and the oldest that is there goes next.
  for (let batch = 2; batch < 4; batch++) add(cache, 0, batch);
  expect(offsets(cache, 1, 0)).toHaveLength(10);
  add(cache, 0, 4);
  expect(offsets(cache, 1, 0)).toBeNull();
  expect(offsets(cache, 1, 5)).toHaveLength(5);
  expect(offsets(cache, 0, 10)).toEqual(Array.from({ length: 15 }, (_, index) => 10 + index));
  expect(cache.bytes()).toBe(4 * BATCH_BYTES);
});
