import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { uuidV7 } from '@millrace/shared/message/ids.ts';
import type { Message } from '@millrace/shared/message/message.ts';
import { createRandom } from '@millrace/shared/util/random.ts';
import type { Broker } from '../src/brokers/broker.ts';
import { createEmbeddedBroker } from '../src/brokers/embedded/embeddedBroker.ts';

/**
 * What the embedded broker takes and gives, with fsync acknowledgement, beside the disk's own limit: the same bytes in a
 * bare file with fdatasync. Rates are messages a second; each figure runs for about a second after a warm-up.
 */
const MEASURE_MS = 1000;
const WARM_UP_MS = 250;
const PAYLOAD = JSON.stringify({
  customer: 'c-1042',
  lines: Array.from({ length: 6 }, (_, line) => ({ line, sku: `sku-${line}`, quantity: 2, price: 19.9 })),
});

const random = createRandom(7);
function message(index: number, cause: Message | null = null): Message {
  const id = uuidV7(1_700_000_000_000 + index, random);
  return {
    id,
    source: '/flows/bench/nodes/producer',
    type: 'order.placed',
    timeMs: 1_700_000_000_000 + index,
    key: `customer-${index % 1000}`,
    correlationId: cause?.correlationId ?? id,
    causationId: cause?.id ?? null,
    data: PAYLOAD,
  };
}

async function inFolder<Value>(measure: (folder: string) => Promise<Value>): Promise<Value> {
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-bench-'));
  try {
    return await measure(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function withBroker<Value>(measure: (broker: Broker) => Promise<Value>): Promise<Value> {
  return inFolder(async (folder) => {
    const broker = await createEmbeddedBroker({ folder, durability: 'fsync' });
    await broker.open([
      { topic: 'in', partitions: 4 },
      { topic: 'out', partitions: 4 },
    ]);
    try {
      return await measure(broker);
    } finally {
      await broker.close();
    }
  });
}

/** Several loops side by side, each doing `work` (which says how many messages it moved) until time is up. */
async function rateOf(loops: number, work: (loop: number) => Promise<number> | number): Promise<number> {
  const run = async (ms: number): Promise<number> => {
    const startMs = performance.now();
    let moved = 0;
    const one = async (loop: number): Promise<void> => {
      while (performance.now() - startMs < ms) {
        // Not in one expression: the sum would be read before the wait, and what other loops moved be forgotten.
        const count = await work(loop);
        moved += count;
      }
    };
    await Promise.all(Array.from({ length: loops }, (_, loop) => one(loop)));
    return (moved * 1000) / (performance.now() - startMs);
  };
  await run(WARM_UP_MS);
  return run(MEASURE_MS);
}

function appendRate(batchSize: number, inFlight: number): Promise<number> {
  const messages = Array.from({ length: batchSize }, (_, index) => message(index));
  return withBroker((broker) =>
    rateOf(inFlight, async (loop) => {
      await broker.write({
        appends: [{ topic: 'in', partition: loop % 4, messages }],
        commits: [],
        state: [],
        nowMs: Date.now(),
      });
      return batchSize;
    }),
  );
}

function bareFileRate(batchSize: number): Promise<number> {
  return inFolder(async (folder) => {
    const file = openSync(path.join(folder, 'segment'), 'w');
    const bytes = Buffer.alloc(batchSize * (PAYLOAD.length + 120), 'x');
    try {
      return await rateOf(1, () => {
        writeSync(file, bytes);
        fdatasyncSync(file);
        return batchSize;
      });
    } finally {
      closeSync(file);
    }
  });
}

/** Four consumers, each taking what is there from its partition and writing as much, with its commit, in one step. */
function consumeProduceRate(batchSize: number): Promise<number> {
  return withBroker(async (broker) => {
    const offsets = [0, 0, 0, 0];
    const fill = async (partition: number): Promise<void> => {
      const messages = Array.from({ length: 20_000 }, (_, index) => message(index));
      await broker.write({
        appends: [{ topic: 'in', partition, messages }],
        commits: [],
        state: [],
        nowMs: Date.now(),
      });
    };
    await Promise.all(offsets.map((_, partition) => fill(partition)));
    return rateOf(4, async (partition) => {
      const fromOffset = offsets[partition] as number;
      const read = await broker.read({
        topic: 'in',
        partition,
        fromOffset,
        messagesMax: batchSize,
        bytesMax: 4_000_000,
      });
      const messages = read.messages.map(({ message: cause, offset }) => message(offset, cause));
      offsets[partition] = (fromOffset + messages.length) % 20_000;
      await broker.write({
        appends: [{ topic: 'out', partition, messages }],
        commits: [{ group: 'consumer', topic: 'in', partition, offset: fromOffset + messages.length }],
        state: [{ store: 'counters', key: 'consumer', value: `{"in":${fromOffset}}` }],
        nowMs: Date.now(),
      });
      return messages.length;
    });
  });
}

/** `cold`: out of the file, by a broker that was opened afterwards; otherwise out of the tail that is kept in memory. */
function readRate(cold: boolean): Promise<number> {
  return inFolder(async (folder) => {
    const open = async (): Promise<Broker> => {
      const broker = await createEmbeddedBroker({ folder, durability: 'fsync' });
      await broker.open([{ topic: 'in', partitions: 1 }]);
      return broker;
    };
    let broker = await open();
    const messages = Array.from({ length: 500 }, (_, index) => message(index));
    const writes = Array.from({ length: 100 }, () =>
      broker.write({ appends: [{ topic: 'in', partition: 0, messages }], commits: [], state: [], nowMs: 1 }),
    );
    await Promise.all(writes);
    if (cold) {
      await broker.close();
      broker = await open();
    }
    let fromOffset = 0;
    const rate = await rateOf(1, async () => {
      const read = await broker.read({
        topic: 'in',
        partition: 0,
        fromOffset,
        messagesMax: 500,
        bytesMax: 4_000_000,
      });
      fromOffset = (fromOffset + read.messages.length) % 50_000;
      return read.messages.length;
    });
    await broker.close();
    return rate;
  });
}

function print(name: string, value: number, against?: { name: string; value: number }): void {
  const ratio = against ? { against: against.name, ratio: Number((value / against.value).toFixed(3)) } : {};
  console.log(JSON.stringify({ name, value: Math.round(value), unit: 'messages/s', ...ratio }));
}

for (const [batchSize, inFlight] of [
  [1, 64],
  [100, 4],
  [1000, 2],
] as const) {
  const bare = {
    name: `bare file, fdatasync, batches of ${batchSize}`,
    value: await bareFileRate(batchSize),
  };
  print(bare.name, bare.value);
  print(
    `append, batches of ${batchSize}, ${inFlight} in flight`,
    await appendRate(batchSize, inFlight),
    bare,
  );
}
print('read, newest', await readRate(false));
print('read, from the file', await readRate(true));
print('consume, produce, commit, batches of 100', await consumeProduceRate(100));
print('consume, produce, commit, batches of 500', await consumeProduceRate(500));
