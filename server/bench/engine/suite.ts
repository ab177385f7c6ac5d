import { handlerChain, threeStages } from '../flows.ts';
import { inFolder } from '../folders.ts';
import { type Figures, median, percentile } from './figures.ts';
import { inChild } from './inChild.ts';
import type { StorageLayout } from './live.ts';
import { fetchNodeRed, measureNodeRed, NODE_RED_VERSION } from './nodeRed.ts';
import { versionOf } from './serverProcess.ts';
import { measureRunStart, measureServerStart } from './startUp.ts';

/** How much is asked for: short ends within minutes, long is what the targets speak of. */
export type Size = 'short' | 'long';

const ROUNDS = 3;
/** So many messages that each contender works for some ten seconds: the first, in which code is compiled, must not count for much. */
const MESSAGES = { millrace: 500_000, nats: 80_000, redis: 200_000, nodeRed: 400_000 };
const LATENCY_SECONDS = 10;
const LATENCY_SHARE = 1 / 3;
const MEMORY_MESSAGES: Record<Size, number> = { short: 1_000_000, long: 10_000_000 };
const STORES: Record<Size, number[]> = {
  short: [10_000, 100_000, 1_000_000],
  long: [10_000, 100_000, 1_000_000, 10_000_000],
};
const NODES = [1, 10, 100];
const DELIVERIES = 20_000;
const PARTITIONS = [1, 16, 256];
const SIMULATED: Record<Size, { seeds: number; messages: number }> = {
  short: { seeds: 100, messages: 100 },
  long: { seeds: 1000, messages: 100 },
};
const THOUSAND = 1000;

const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

type Contender = { name: string; rate(): Promise<number>; rates: number[] };

/** Says for each contender what it promised while it was measured. */
export async function compareThreeStages(figures: Figures): Promise<string[]> {
  const notes = [
    'Millrace: fsync before every acknowledgement, handlers in isolates of another process, traces kept.',
  ];
  const document = threeStages({ messages: MESSAGES.millrace });
  let layout: StorageLayout | null = null;
  const live = async (traces: 'kept' | 'left out'): Promise<number> => {
    const asked = layout === null && traces === 'kept';
    const run = await inChild('live', { document, messages: MESSAGES.millrace, traces, layout: asked });
    layout ??= run.layout;
    return MESSAGES.millrace / run.seconds;
  };
  const contenders: Contender[] = [];
  const join = (name: string, rate: () => Promise<number>): void => {
    contenders.push({ name, rate, rates: [] });
  };
  join('three stages', () => live('kept'));
  join('storage alone', async () => {
    if (layout === null) throw new Error('a run comes first: it says what is written and read');
    return MESSAGES.millrace / (await inChild('ceiling', { layout })).seconds;
  });
  notes.push(
    'Storage alone: the writes and reads of that run, same sizes, places and order, nothing in between.',
  );
  join('three stages, traces left out', () => live('left out'));

  const nats = versionOf('nats-server');
  if (nats === null) say('nats-server is not installed: no comparison with NATS JetStream');
  else {
    notes.push(
      `${nats}: file storage, replicas 1, default sync (every two minutes, not before acknowledgement).`,
    );
    join('NATS JetStream, no fsync', async () => {
      const { seconds } = await inChild('nats', { messages: MESSAGES.nats });
      return MESSAGES.nats / seconds;
    });
  }
  const redis = versionOf('redis-server');
  if (redis === null) say('redis-server is not installed: no comparison with Redis Streams');
  else {
    notes.push(`${redis.replace(/ sha=.*/, '')}: append-only file, appendfsync always, consumer groups.`);
    join('Redis Streams, fsync always', async () => {
      const { seconds } = await inChild('redis', { messages: MESSAGES.redis });
      return MESSAGES.redis / seconds;
    });
  }
  if (!fetchNodeRed()) say('node-red could not be fetched: no comparison with it');
  else {
    notes.push(`Node-RED ${NODE_RED_VERSION}: function nodes, all in memory, nothing survives the process.`);
    join('Node-RED, in memory', async () => {
      const { seconds } = await measureNodeRed(MESSAGES.nodeRed);
      return MESSAGES.nodeRed / seconds;
    });
  }

  for (let round = 1; round <= ROUNDS; round++) {
    for (const { name, rate, rates } of contenders) {
      rates.push(await rate());
      say(
        `round ${round} of ${ROUNDS}: ${name} ${Math.round(rates.at(-1) ?? 0).toLocaleString('en')} messages/s`,
      );
    }
  }
  // The others first: what is compared to them has to know them.
  for (const { name, rates } of contenders.slice(1)) figures.add(name, median(rates), 'messages/s');
  const others = contenders.slice(1).map(({ name }) => name);
  figures.add('three stages', median(contenders[0]?.rates ?? []), 'messages/s', ...others);
  return notes;
}

export async function measureLatency(figures: Figures): Promise<void> {
  const ratePerSecond = Math.round((figures.valueOf('three stages') ?? 0) * LATENCY_SHARE);
  const messages = ratePerSecond * LATENCY_SECONDS;
  const document = threeStages({ messages, ratePerSecond });
  const p50: number[] = [];
  const p99: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const { latenciesMs } = await inChild('live', { document, messages, traces: 'kept', latency: true });
    if (latenciesMs.length === 0) throw new Error('no trace says how long a message took');
    p50.push(percentile(latenciesMs, 0.5));
    p99.push(percentile(latenciesMs, 0.99));
    const found = `p50 ${p50.at(-1)} ms, p99 ${p99.at(-1)} ms of ${latenciesMs.length} messages`;
    say(`round ${round} of ${ROUNDS}: latency at ${ratePerSecond} messages/s, ${found}`);
  }
  figures.add('latency p50', median(p50), 'ms');
  figures.add('latency p99', median(p99), 'ms');
}

export async function measureMemory(figures: Figures, size: Size): Promise<void> {
  const messages = MEMORY_MESSAGES[size];
  const document = threeStages({ messages });
  const { memory } = await inChild('live', {
    document,
    messages,
    traces: 'kept',
    memoryEvery: messages / 10,
  });
  const [first, last] = [memory[0], memory.at(-1)];
  if (!first || !last) throw new Error('no memory was measured');
  say(
    `memory after ${first.messages.toLocaleString('en')} and ${last.messages.toLocaleString('en')} messages`,
  );
  figures.add('memory, a tenth of the way', first.rssMb, 'MB');
  figures.add('memory, last', last.rssMb, 'MB', 'memory, a tenth of the way');
  figures.add('heap, a tenth of the way', first.heapMb, 'MB');
  figures.add('heap, last', last.heapMb, 'MB', 'heap, a tenth of the way');
}

export async function measureStarts(figures: Figures): Promise<void> {
  const server: number[] = [];
  const run: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    server.push(await measureServerStart());
    run.push(await measureRunStart());
  }
  figures.add('start of the server', median(server) * THOUSAND, 'ms');
  figures.add('start of a run', median(run) * THOUSAND, 'ms');
}

export async function measureRecoveries(figures: Figures, size: Size): Promise<void> {
  for (const messages of STORES[size]) {
    const seconds = await inFolder(async (folder) => {
      await inChild('buildStore', { folder, messages });
      return (await inChild('recovery', { folder, messages })).seconds;
    });
    figures.add(`recovery, ${messages.toLocaleString('en')} messages`, seconds, 's');
  }
}

export async function measureGrowth(figures: Figures): Promise<void> {
  for (const handlers of NODES) {
    const messages = DELIVERIES / handlers;
    const document = handlerChain({ messages, handlers });
    const { seconds } = await inChild('live', { document, messages, traces: 'kept' });
    figures.add(
      `handlers in a row, ${handlers}`,
      DELIVERIES / seconds,
      'deliveries/s',
      'handlers in a row, 1',
    );
  }
  for (const partitions of PARTITIONS) {
    const document = threeStages({ messages: DELIVERIES, partitions });
    const { seconds } = await inChild('live', { document, messages: DELIVERIES, traces: 'kept' });
    figures.add(`partitions, ${partitions}`, DELIVERIES / seconds, 'messages/s', 'partitions, 1');
  }
}

export async function measureSimulations(figures: Figures, size: Size): Promise<void> {
  const options = SIMULATED[size];
  const { seconds, deliveries } = await inChild('simulator', options);
  figures.add('simulator', deliveries / seconds, 'deliveries/s');
  figures.add('simulator, 1,000 seeds', (seconds * THOUSAND) / options.seeds, 's');
}
