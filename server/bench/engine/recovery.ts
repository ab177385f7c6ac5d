import { uuidV7 } from '@millrace/shared/message/ids.ts';
import type { Message } from '@millrace/shared/message/message.ts';
import { createRandom } from '@millrace/shared/util/random.ts';
import type { Broker } from '../../src/brokers/broker.ts';
import { createEmbeddedBroker } from '../../src/brokers/embedded/embeddedBroker.ts';
import { buildPlan, type ExecutionPlan } from '../../src/engine/plan/plan.ts';
import { startRun } from '../../src/live/run.ts';
import { createSandbox } from '../../src/sandbox/isolatedSandbox.ts';
import { threeStages } from '../flows.ts';
import { produced } from './stages.ts';

export type StoreOptions = { folder: string; messages: number };

const BATCH = 500;
const IN_FLIGHT_MAX = 4;
const START_MS = 1_700_000_000_000;
/** So many of the newest messages of each partition nobody has handled yet. */
const UNFINISHED = 50;

/** A store as a run of three stages leaves it that was killed; most of it is handled. */
export async function buildStore({ folder, messages }: StoreOptions): Promise<null> {
  const plan = buildPlan(threeStages({ messages }));
  const broker = await createEmbeddedBroker({ folder, durability: 'fsync' });
  await broker.open(plan.topics.map(({ topic, partitions }) => ({ topic, partitions })));
  const random = createRandom(1);
  const underWay: Promise<unknown>[] = [];
  const places = plan.topics.flatMap(({ topic, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic, partition, end: 0 })),
  );
  for (let made = 0; made < messages; made += BATCH) {
    const place = places[(made / BATCH) % places.length] as (typeof places)[number];
    const batch = Array.from({ length: Math.min(BATCH, messages - made) }, (_, index) =>
      messageOf(made + index, () => uuidV7(START_MS + made, random)),
    );
    place.end += batch.length;
    if (underWay.length >= IN_FLIGHT_MAX) await underWay.shift();
    const commits = commitsOf(plan, place);
    underWay.push(
      broker.write({
        appends: [{ topic: place.topic, partition: place.partition, messages: batch }],
        commits,
        state: [],
        nowMs: START_MS + made,
      }),
    );
  }
  await Promise.all(underWay);
  // Not closed: the process ends as in a crash, and leaves the write-ahead log as it is.
  return null;
}

function messageOf(index: number, newId: () => string): Message {
  const id = newId();
  return {
    id,
    source: '/flows/flow:bench/nodes/node:generator',
    type: 'bench.message',
    timeMs: START_MS + index,
    key: `customer-${index}`,
    correlationId: id,
    causationId: null,
    data: produced(index),
  };
}

function commitsOf(
  plan: ExecutionPlan,
  { topic, partition, end }: { topic: string; partition: number; end: number },
): Parameters<Broker['write']>[0]['commits'] {
  return plan.consumers
    .filter(({ subscriptions }) => subscriptions.some((subscription) => subscription.topic === topic))
    .map(({ node }) => ({ group: node, topic, partition, offset: Math.max(0, end - UNFINISHED) }));
}

/** From opening the log to a run that is ready; the handlers' process, which does not depend on the log, set apart. */
export async function measureRecovery({ folder, messages }: StoreOptions): Promise<{ seconds: number }> {
  const document = threeStages({ messages });
  const sandbox = createSandbox();
  // Loads the handlers' process before the clock starts; the run loads the same modules again at once.
  await sandbox.load({
    node: 'node:warm-up',
    code: 'export function handle() {}',
    timeoutMs: 1000,
    memoryMb: 32,
  });
  const startedAt = performance.now();
  const broker = await createEmbeddedBroker({ folder, durability: 'fsync' });
  const run = await startRun(
    {
      runId: 'run:bench',
      document,
      folder,
      fileFolders: [],
      paused: true,
      afterCrash: true,
      framesPerSecond: 10,
      replaces: null,
      fork: null,
    },
    { broker, sandbox },
    {
      onStatus: () => {},
      onNotice: ({ message }) => process.stderr.write(`${message}\n`),
      onLogs: () => {},
      onTraceFrame: () => {},
      isCancelled: () => false,
    },
  );
  if (run === null) throw new Error('the run did not begin');
  const seconds = (performance.now() - startedAt) / 1000;
  const found = Object.values(run.metrics().topics).flatMap(({ end }) => end);
  const stored = found.reduce((sum, end) => sum + end, 0);
  if (stored !== messages) throw new Error(`${stored} of ${messages} messages were found again`);
  await run.close();
  return { seconds };
}
