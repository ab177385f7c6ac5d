import { setTimeout as delay } from 'node:timers/promises';
import { uuidV7 } from '@millrace/shared/message/ids.ts';
import type { Message } from '@millrace/shared/message/message.ts';
import { createRandom } from '@millrace/shared/util/random.ts';
import { createEmbeddedBroker } from '../src/brokers/embedded/embeddedBroker.ts';
import { type LiveRun, startRun } from '../src/live/run.ts';
import { createSandbox } from '../src/sandbox/isolatedSandbox.ts';
import { type CpuTimes, cpuBetween, readCpuTimes } from './cpuTimes.ts';
import { collectFigures, median } from './engine/figures.ts';
import { PADDING, SINK, threeStages } from './flows.ts';
import { inFolder } from './folders.ts';

/**
 * Three stages on the embedded broker (generator → topic → handler → topic → handler → topic → file), fsync before
 * acknowledgement and traces on, beside the same steps as plain function calls and beside the bare append rate of the
 * storage. The three take turns in one run, so that a slow moment of the machine meets all of them. Then where the
 * processor's time goes, thread by thread, once all code is warm: unlike a rate, that hardly depends on what else the
 * machine does. MILLRACE_BENCH_MESSAGES says how many messages that takes. `engine.bench.ts` has latency and memory.
 */
const MESSAGES = 30_000;
const ROUNDS = 3;
const CPU_MESSAGES = Number(process.env.MILLRACE_BENCH_MESSAGES ?? 200_000);
const POLL_MS = 50;

type Measured = { rate: number; cpuUs: CpuTimes };

/** Messages per second from the first production to the last commit, and the time per message of the second half. */
function embedded(messages: number): Promise<Measured> {
  return inFolder(async (folder) => {
    const broker = await createEmbeddedBroker({ folder, durability: 'fsync' });
    const end = Promise.withResolvers<void>();
    const run = await startRun(
      {
        runId: 'run:bench',
        document: threeStages({ messages }),
        folder,
        fileFolders: [],
        paused: true,
        afterCrash: false,
        replaces: null,
        fork: null,
        framesPerSecond: 10,
      },
      { broker, sandbox: createSandbox() },
      {
        onStatus: (status, error) => {
          if (status === 'completed') end.resolve();
          if (status === 'failed') end.reject(new Error(error?.message ?? 'the run failed'));
        },
        onNotice: (notice) => process.stderr.write(`${notice.message}\n`),
        onLogs: () => {},
        onTraceFrame: () => {},
        isCancelled: () => false,
      },
    );
    if (run === null) throw new Error('a run that forks nothing cannot be cancelled');
    const startedAt = performance.now();
    run.resume();
    await Promise.race([untilArrived(run, messages / 2), end.promise]);
    const half = arrived(run);
    const before = readCpuTimes();
    await end.promise;
    const cpuUs = cpuBetween(before, readCpuTimes());
    const seconds = (performance.now() - startedAt) / 1000;
    const written = arrived(run);
    await run.close();
    if (written !== messages) throw new Error(`the sink finished ${written} of ${messages} messages`);
    for (const [name, us] of cpuUs) cpuUs.set(name, us / (messages - half));
    return { rate: messages / seconds, cpuUs };
  });
}

function arrived(run: LiveRun): number {
  return run.metrics().nodes[SINK]?.in ?? 0;
}

async function untilArrived(run: LiveRun, messages: number): Promise<void> {
  while (arrived(run) < messages) await delay(POLL_MS);
}

/** The same steps as function calls in memory: what the work itself costs without any promise kept. */
function plainCalls(): number {
  const handle = (event: { data: { stage?: number } }, emit: (data: unknown) => void): void => {
    emit({ ...event.data, stage: (event.data.stage ?? 0) + 1 });
  };
  const sink: string[] = [];
  const startedAt = performance.now();
  for (let index = 0; index < MESSAGES; index++) {
    const data: { index: number; customer: string; note: string; stage?: number } = {
      index,
      customer: `customer-${index}`,
      note: PADDING,
    };
    handle({ data }, (first) =>
      handle({ data: first as { stage?: number } }, (second) => sink.push(JSON.stringify(second))),
    );
  }
  const seconds = (performance.now() - startedAt) / 1000;
  if (sink.length !== MESSAGES) throw new Error('a message was lost between function calls');
  return MESSAGES / seconds;
}

/** Messages per second appended to one topic in batches of 1,000, each acknowledged after fsync. */
function rawAppend(): Promise<number> {
  return inFolder(async (folder) => {
    const random = createRandom(1);
    const message = (index: number): Message => {
      const id = uuidV7(1_700_000_000_000 + index, random);
      const data = JSON.stringify({ index, customer: `customer-${index}`, note: PADDING });
      return {
        id,
        source: 'bench',
        type: 'bench.message',
        timeMs: 1_700_000_000_000 + index,
        key: null,
        correlationId: id,
        causationId: null,
        data,
      };
    };
    const batches = Array.from({ length: MESSAGES / 1000 }, (_, batch) =>
      Array.from({ length: 1000 }, (__, i) => message(batch * 1000 + i)),
    );
    const broker = await createEmbeddedBroker({ folder, durability: 'fsync' });
    await broker.open([{ topic: 'raw', partitions: 1 }]);
    const startedAt = performance.now();
    const writes = batches.map((messages) =>
      broker.write({
        appends: [{ topic: 'raw', partition: 0, messages }],
        commits: [],
        state: [],
        nowMs: 1_700_000_000_000,
      }),
    );
    await Promise.all(writes);
    const seconds = (performance.now() - startedAt) / 1000;
    await broker.close();
    return MESSAGES / seconds;
  });
}

const results = { embedded: [] as number[], plain: [] as number[], raw: [] as number[] };
for (let round = 0; round < ROUNDS; round++) {
  results.embedded.push((await embedded(MESSAGES)).rate);
  results.plain.push(plainCalls());
  results.raw.push(await rawAppend());
}
const PLAIN = 'pipeline.plain-function-calls';
const RAW = 'pipeline.raw-append';
const figures = collectFigures();
figures.add(PLAIN, median(results.plain), 'messages/s');
figures.add(RAW, median(results.raw), 'messages/s');
figures.add('pipeline.three-stages-fsync', median(results.embedded), 'messages/s', PLAIN, RAW);

const { rate, cpuUs } = await embedded(CPU_MESSAGES);
figures.add('pipeline.three-stages-fsync-long', rate, 'messages/s');
const total = [...cpuUs.values()].reduce((sum, us) => sum + us, 0);
if (total > 0) figures.add('pipeline.cpu', total, 'µs/message');
for (const [name, us] of [...cpuUs].toSorted(([, a], [, b]) => b - a)) {
  if (us > 0) figures.add(`pipeline.cpu ${name}`, us, 'µs/message');
}
