import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { MetricsSnapshot } from '@millrace/shared/trace/metrics.ts';
import { createRandom } from '@millrace/shared/util/random.ts';
import { expect, it } from 'vitest';
import { type Client, connectClient } from '../support/client.ts';
import { type Product, startProduct, temporaryFolder } from '../support/product.ts';
import { until } from '../support/until.ts';
import { ALL, crashFlow, DERIVED_SINK, DIRECT_SINK, GENERATED } from './crashFlow.ts';

const KILLS = Number(process.env.MILLRACE_KILLS ?? 20);
const SEED = Number(process.env.MILLRACE_SEED ?? 20261123);
const GENERATED_COUNT = KILLS * 300;
const RATE_PER_SECOND = 400;
/** A kill falls after so many acknowledged HTTP messages at most, since the server was ready. */
const ACKNOWLEDGED_BEFORE_KILL_MAX = 60;

type Line = {
  id: string;
  correlationid: string;
  partitionkey?: string;
  data: { index?: number; seen?: number };
};

it(`[RN3] [TP3] [CG4] nothing acknowledged is lost when the server is killed ${KILLS} times (seed ${SEED})`, {
  timeout: 120_000 + KILLS * 10_000,
}, async () => {
  const random = createRandom(SEED);
  const { folder, remove } = await temporaryFolder('kill');
  let product: Product = await startProduct({ dataFolder: folder });
  let client: Client = await connectClient(product.url);
  try {
    const { document } = await client.request('flow.import', {
      document: crashFlow(GENERATED_COUNT, RATE_PER_SECOND),
      keepId: true,
    });
    const run = await client.request('run.start', { flowId: document.id, paused: false });
    const acknowledged = new Set<string>();
    let resumed = 0;

    for (let kill = 0; kill < KILLS; kill++) {
      const killAfter = 1 + random.int(ACKNOWLEDGED_BEFORE_KILL_MAX);
      await ingestUntil(product.url, acknowledged, killAfter, random.int(3));
      client.close();
      await product.kill();
      product = await startProduct({ dataFolder: folder });
      client = await connectClient(product.url);
      const { runs } = await client.request('run.list', {});
      const again = runs.find((candidate) => candidate.id === run.id);
      expect(again?.status, 'the run goes on by itself').toBe('running');
      resumed++;
    }

    const metrics = await until('both sinks to have caught up', async () => {
      const watched = await client.request('run.watch', {
        runId: run.id,
        afterSeq: null,
        traces: false,
        logs: false,
      });
      return watched.metrics && isCaughtUp(watched.metrics) ? watched.metrics : null;
    });
    await client.request('run.stop', { runId: run.id });
    await until('the run to stop', async () => {
      const { runs } = await client.request('run.list', {});
      return runs.find((candidate) => candidate.id === run.id)?.status === 'stopped';
    });

    const stored = await linesOf(
      `${product.url}/api/runs/${encodeURIComponent(run.id)}/topics/${encodeURIComponent(ALL)}/messages.jsonl`,
    );
    const files = path.join(folder, 'runs', run.id.replace(':', '-'), 'files');
    const direct = parseLines(await readFile(path.join(files, 'direct.jsonl'), 'utf8'));
    const derived = parseLines(await readFile(path.join(files, 'derived.jsonl'), 'utf8'));

    const storedIds = new Set(stored.map((line) => line.id));
    expect(storedIds.size, 'the log holds no message twice').toBe(stored.length);
    expect(
      [...acknowledged].filter((id) => !storedIds.has(id)),
      'acknowledged messages that are missing',
    ).toEqual([]);
    const indexes = stored
      .flatMap((line) => (line.data.index === undefined ? [] : [line.data.index]))
      .toSorted((a, b) => a - b);
    expect(indexes, 'each generated message once').toEqual(
      Array.from({ length: GENERATED_COUNT }, (_, index) => index),
    );

    expect(new Set(direct.map((line) => line.id)), 'the sink holds what the producers made').toEqual(
      storedIds,
    );
    expect(
      new Set(derived.map((line) => line.correlationid)),
      'and so does the sink behind the handler',
    ).toEqual(storedIds);
    expect(new Set(derived.map((line) => line.id)).size, 'a message handled twice derives the same id').toBe(
      storedIds.size,
    );
    // `ctx.state` counts the messages of a key: it must have counted each exactly once, in the order of the log.
    expectCountedOnce(derived);

    expect(metrics.nodes[GENERATED]?.out, 'counters survive with the work they count').toBe(GENERATED_COUNT);
    expect(metrics.nodes[DIRECT_SINK]?.in).toBe(stored.length);
    expect(metrics.nodes[DERIVED_SINK]?.in).toBe(stored.length);
    process.stdout.write(
      `${KILLS} kills, run resumed ${resumed} times; acknowledged over HTTP ${acknowledged.size}, found in the log ${stored.length}; ` +
        `sink lines ${direct.length} and ${derived.length}, of them duplicates ${direct.length - storedIds.size} and ${derived.length - storedIds.size}\n`,
    );
  } finally {
    client.close();
    await product.kill();
    await remove();
  }
});

/** Posts messages until `enough` of them are acknowledged; with `parallel` more posts in flight when it returns. */
async function ingestUntil(
  url: string,
  acknowledged: Set<string>,
  enough: number,
  parallel: number,
): Promise<void> {
  const post = async (): Promise<boolean> => {
    const response = await fetch(`${url}/ingest/crash/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ customer: `web-${acknowledged.size % 7}` }),
    });
    if (response.status !== 202) return false;
    const { accepted } = (await response.json()) as { accepted: { id: string }[] };
    for (const { id } of accepted) acknowledged.add(id);
    return accepted.length > 0;
  };
  let count = 0;
  await until(`${enough} acknowledged messages`, async () => {
    while (count < enough && (await post())) count++;
    return count >= enough;
  });
  // These are cut off by the kill: answered or not, nothing may be lost that was answered.
  for (let i = 0; i < parallel; i++) void post().catch(() => {});
}

function isCaughtUp(metrics: MetricsSnapshot): boolean {
  const lag = Object.values(metrics.subscriptions).reduce((sum, subscription) => sum + subscription.lag, 0);
  return metrics.nodes[GENERATED]?.out === GENERATED_COUNT && lag === 0;
}

async function linesOf(url: string): Promise<Line[]> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return parseLines(await response.text());
}

function parseLines(text: string): Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

function expectCountedOnce(derived: Line[]): void {
  const byKey = new Map<string, Map<string, number>>();
  for (const { id, partitionkey = '', data } of derived) {
    const counts = byKey.get(partitionkey) ?? new Map<string, number>();
    byKey.set(partitionkey, counts.set(id, data.seen ?? -1));
  }
  for (const [key, counts] of byKey) {
    expect(
      [...counts.values()].toSorted((a, b) => a - b),
      `state of key ${key}`,
    ).toEqual(Array.from({ length: counts.size }, (_, i) => i + 1));
  }
}
