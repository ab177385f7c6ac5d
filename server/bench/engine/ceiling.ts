import { uuidV7 } from '@millrace/shared/message/ids.ts';
import type { Message } from '@millrace/shared/message/message.ts';
import { createRandom } from '@millrace/shared/util/random.ts';
import type { Broker, WriteBatch } from '../../src/brokers/broker.ts';
import { createEmbeddedBroker } from '../../src/brokers/embedded/embeddedBroker.ts';
import { inFolder } from '../folders.ts';
import type { StorageLayout, StorageStep } from './live.ts';

const IN_FLIGHT_MAX = 2;
const START_MS = 1_700_000_000_000;

/**
 * What the storage alone can do: the writes and reads of a run, of the same sizes, in the same order and to the same
 * places, with nothing in between. Answers with seconds.
 */
export function measureCeiling({ layout }: { layout: StorageLayout }): Promise<{ seconds: number }> {
  return inFolder(async (folder) => {
    const broker = await createEmbeddedBroker({ folder, durability: 'fsync' });
    await broker.open(layout.topics);
    const steps = prepared(layout.steps);
    const startedAt = performance.now();
    const underWay: Promise<unknown>[] = [];
    for (const step of steps) {
      if (step.type === 'read') {
        await Promise.all(underWay.splice(0));
        await broker.read(step.request);
      } else {
        if (underWay.length >= IN_FLIGHT_MAX) await underWay.shift();
        underWay.push(broker.write(step.batch));
      }
    }
    await Promise.all(underWay);
    const seconds = (performance.now() - startedAt) / 1000;
    await broker.close();
    return { seconds };
  });
}

type Prepared =
  | { type: 'write'; batch: WriteBatch }
  | { type: 'read'; request: Parameters<Broker['read']>[0] };

function prepared(steps: StorageStep[]): Prepared[] {
  const random = createRandom(1);
  let made = 0;
  const message = (bytes: number): Message => {
    const id = uuidV7(START_MS + made++, random);
    return {
      id,
      source: '/flows/flow:bench/nodes/node:generator',
      type: 'bench.message',
      timeMs: START_MS,
      key: `customer-${made}`,
      correlationId: id,
      causationId: null,
      data: JSON.stringify('x'.repeat(Math.max(0, bytes - 2))),
    };
  };
  let committed = 0;
  return steps.map((step) => {
    if (step.type === 'read') return step;
    const appends = step.appends.map(({ topic, partition, messages, bytes }) => ({
      topic,
      partition,
      messages: Array.from({ length: messages }, () => message(Math.round(bytes / Math.max(1, messages)))),
    }));
    const commits = Array.from({ length: step.commits }, (_, partition) => ({
      group: 'bench',
      topic: step.appends[0]?.topic ?? 'bench',
      partition,
      offset: ++committed,
    }));
    return { type: 'write', batch: { appends, commits, state: [], nowMs: START_MS } };
  });
}
