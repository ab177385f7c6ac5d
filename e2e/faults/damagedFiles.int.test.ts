import { cp, open, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createRandom, type Random } from '@millrace/shared/util/random.ts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { nodeIdOf } from '../flows/draft.ts';
import { PIPELINE, pipeline } from '../flows/pipeline.ts';
import { runCli } from '../support/cli.ts';
import { type Client, connectClient } from '../support/client.ts';
import { descendantsOf, killNow } from '../support/processes.ts';
import { type Product, startProduct, temporaryFolder } from '../support/product.ts';
import {
  type Line,
  parseLines,
  runFlow,
  runFolder,
  summaryOf,
  topicLines,
  untilStatus,
} from '../support/runs.ts';
import { until } from '../support/until.ts';

/** `MILLRACE_SEED=n` plays one seed of each kind of damage again; `MILLRACE_SEEDS=n` tries that many. */
const SINGLE = process.env.MILLRACE_SEED;
const SEEDS =
  SINGLE === undefined
    ? Array.from({ length: Number(process.env.MILLRACE_SEEDS ?? 1) }, (_, index) => index + 1)
    : [Number(SINGLE)];
const MESSAGES = 2000;
const FLIPPED_BITS_MAX = 32;
const TOPICS = [PIPELINE.topic, PIPELINE.derived].map(nodeIdOf);
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** What a damage is done to: a paused run with messages in both of its topics, whose server was killed. */
type Store = { folder: string; runId: string; lines: Map<string, Line[]>; remove(): Promise<void> };

async function killedStore(): Promise<Store> {
  const { folder, remove } = await temporaryFolder('undamaged');
  const server = await startProduct({ dataFolder: folder });
  const client = await connectClient(server.url);
  try {
    const run = await runFlow(client, pipeline({ name: 'Unlucky', count: null, ratePerSecond: 1000 }));
    await until(
      'messages',
      async () => ((await summaryOf(client, run.id))?.counters[nodeIdOf(PIPELINE.sink)]?.in ?? 0) > MESSAGES,
    );
    await client.request('run.pause', { runId: run.id });
    await untilStatus(client, run.id, 'paused');
    const lines = await until('the run to stand still', async () => {
      const before = await allLines(server, run.id);
      const after = await allLines(server, run.id);
      return TOPICS.every((topic) => before.get(topic)?.length === after.get(topic)?.length) && after;
    });
    return { folder, runId: run.id, lines, remove };
  } finally {
    client.close();
    await killAll(server);
  }
}

async function allLines(server: Product, runId: string): Promise<Map<string, Line[]>> {
  const lines = new Map<string, Line[]>();
  for (const topic of TOPICS) lines.set(topic, await topicLines(server.url, runId, topic));
  return lines;
}

/** As a power cut does: nobody gets to put anything in order. */
async function killAll(server: Product): Promise<void> {
  const below = descendantsOf(server.pid);
  await server.kill();
  for (const { pid } of below) killNow(pid);
}

const DAMAGES = {
  truncated: async (file: string, random: Random) => truncate(file, random.int((await stat(file)).size)),
  'bit-flipped': async (file: string, random: Random) => {
    const { size } = await stat(file);
    const handle = await open(file, 'r+');
    for (let flips = 1 + random.int(FLIPPED_BITS_MAX); flips > 0; flips--) {
      const place = random.int(size);
      const byte = Buffer.alloc(1);
      await handle.read(byte, 0, 1, place);
      byte[0] = (byte[0] ?? 0) ^ (1 << random.int(8));
      await handle.write(byte, 0, 1, place);
    }
    await handle.close();
  },
} as const;

type Damage = { name: keyof typeof DAMAGES; file: string; seed: number };

async function damagedCopy(store: Store, { name, file, seed }: Damage): Promise<string> {
  const { folder, remove } = await temporaryFolder('damaged');
  cleanups.push(remove);
  await cp(store.folder, folder, { recursive: true });
  await DAMAGES[name](path.join(folder, file), createRandom(`${name}:${file}:${seed}`));
  return folder;
}

/** Whoever reads one of these knows what is broken and what to do next. */
const CLEAR = /damaged|not a database|corrupt/i;
const HINT = /repair|backup|move it away/i;

function expectClear(message: string): void {
  expect(message).toMatch(CLEAR);
  expect(message).toMatch(HINT);
}

/** Everything, or a refusal that says what is broken; and if not everything, then somebody has said so. */
async function expectNeverGarbage(server: Product, client: Client, store: Store): Promise<void> {
  const run = await until('the run to be paused again, or to say why not', async () => {
    const summary = await summaryOf(client, store.runId);
    return summary && (summary.status === 'paused' || summary.status === 'failed') ? summary : null;
  });
  let hasSaid = run.status === 'failed';
  if (run.status === 'failed') {
    expect(run.error?.code).toBe('STORAGE_CORRUPT');
    expectClear(run.error?.message ?? '');
  }
  for (const topic of TOPICS) {
    const address = `${server.url}/api/runs/${encodeURIComponent(store.runId)}/topics/${encodeURIComponent(topic)}/messages.jsonl`;
    const known = new Map(store.lines.get(topic)?.map((line) => [line.id, line]));
    const response = await fetch(address);
    // An answer that ends half-way is a broken connection, not a short list.
    const text = await response.text().catch(() => null);
    if (text === null || !response.ok) {
      if (text !== null) expectClear(text);
      hasSaid = true;
      continue;
    }
    const lines = parseLines(text);
    for (const line of lines) expect(line).toEqual(known.get(line.id));
    if (lines.length < known.size)
      expect(hasSaid, `${known.size - lines.length} messages of ${topic} are gone without a word`).toBe(true);
  }
}

describe.each(SEEDS)('seed %i', (seed) => {
  let store: Store;
  beforeAll(async () => {
    store = await killedStore();
  }, 120_000);
  afterAll(() => store.remove());

  const inRun = (file: string): string =>
    path.relative(store.folder, path.join(runFolder(store.folder, store.runId), file));
  const kinds = Object.keys(DAMAGES) as (keyof typeof DAMAGES)[];

  it.each(kinds.flatMap((name) => ['log.db', 'log.db-wal'].map((file) => ({ name, file }))))(
    '[RN3] a $name $file is all there or refused, and the server and other flows go on',
    { timeout: 120_000 },
    async ({ name, file }) => {
      const folder = await damagedCopy(store, { name, file: inRun(file), seed });
      const server = await startProduct({ dataFolder: folder });
      cleanups.push(() => killAll(server));
      const client = await connectClient(server.url);
      cleanups.push(() => client.close());
      await expectNeverGarbage(server, client, store);
      const fine = await runFlow(client, pipeline({ name: 'Lucky', count: 50, ratePerSecond: 500 }));
      await untilStatus(client, fine.id, 'completed');
    },
  );

  it.each(kinds)('a %s trace store costs traces, not messages', { timeout: 120_000 }, async (name) => {
    const folder = await damagedCopy(store, { name, file: inRun('trace.db'), seed });
    const server = await startProduct({ dataFolder: folder });
    cleanups.push(() => killAll(server));
    const client = await connectClient(server.url);
    cleanups.push(() => client.close());
    await expectNeverGarbage(server, client, store);
    const answer = await client.request('trace.list', { runId: store.runId, limit: 100 }).then(
      () => null,
      (error: Error & { code?: string }) => error,
    );
    if (answer) {
      expect(answer.code).toBe('STORAGE_CORRUPT');
      expect(answer.message).toMatch(CLEAR);
    }
  });

  it.each(kinds.flatMap((name) => ['millrace.db', 'millrace.db-wal'].map((file) => ({ name, file }))))(
    'a $name $file keeps the server from starting, in one sentence, or all flows are there',
    { timeout: 120_000 },
    async ({ name, file }) => {
      const folder = await damagedCopy(store, { name, file, seed });
      const started = await startProduct({ dataFolder: folder }).catch((error: unknown) => error as Error);
      if (started instanceof Error) {
        const { code, stderr } = await runCli(['serve', '--port', '0', '--data', folder]);
        expect(code).toBe(1);
        expect(stderr.trim().split('\n'), 'one sentence, no stack').toHaveLength(1);
        expectClear(stderr);
        return;
      }
      cleanups.push(() => killAll(started));
      const client = await connectClient(started.url);
      cleanups.push(() => client.close());
      const { flows } = await client.request('flow.list', {});
      expect(flows.map(({ name: called }) => called)).toEqual(['Unlucky']);
      await expectNeverGarbage(started, client, store);
    },
  );
});

it('[RN3] a log that holds something else altogether ends its run with a clear sentence', async () => {
  const store = await killedStore();
  cleanups.push(() => store.remove());
  // The write-ahead log as well: alone it would bring everything back, and rightly so.
  for (const file of ['log.db', 'log.db-wal'])
    await writeFile(
      path.join(runFolder(store.folder, store.runId), file),
      Buffer.alloc(64 * 1024, 'no log at all '),
    );
  const server = await startProduct({ dataFolder: store.folder });
  cleanups.push(() => killAll(server));
  const client = await connectClient(server.url);
  cleanups.push(() => client.close());
  const failed = await untilStatus(client, store.runId, 'failed');
  expect(failed.error?.code).toBe('STORAGE_CORRUPT');
  expect(failed.error?.message).toMatch(/log of this run.* is damaged|message log .* is damaged/);
});
