import { afterEach, expect, it } from 'vitest';
import { nodeIdOf } from '../flows/draft.ts';
import { PIPELINE, pipeline } from '../flows/pipeline.ts';
import { connectClient } from '../support/client.ts';
import { startProduct, temporaryFolder } from '../support/product.ts';
import {
  importFlow,
  runFlow,
  sinkLines,
  startRun,
  summaryOf,
  untilStatus,
  watchOnce,
} from '../support/runs.ts';
import { until } from '../support/until.ts';

const COUNT = 2000;
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

it('[RN3] a server that is stopped in good order goes on with its runs when it starts again, and redoes nothing', {
  timeout: 120_000,
}, async () => {
  const { folder, remove } = await temporaryFolder('restart');
  cleanups.push(remove);
  let server = await startProduct({ dataFolder: folder });
  cleanups.push(() => server.kill());
  let client = await connectClient(server.url);
  cleanups.push(() => client.close());
  const run = await runFlow(client, pipeline({ name: 'Stopped twice', count: COUNT, ratePerSecond: 200 }));
  const paused = await startRun(
    client,
    await importFlow(client, pipeline({ name: 'Held still', count: 10, ratePerSecond: 100 })),
    { paused: true },
  );
  const handled = async (): Promise<number> =>
    (await watchOnce(client, run.id)).metrics?.nodes[nodeIdOf(PIPELINE.sink)]?.in ?? 0;

  for (const atLeast of [50, 400]) {
    await until(`${atLeast} messages to have arrived`, async () => (await handled()) >= atLeast);
    client.close();
    expect(await server.stop(), 'exit code after SIGTERM').toBe(0);
    server = await startProduct({ dataFolder: folder });
    client = await connectClient(server.url);
  }
  // Asked to end while its runs are still on their way up, a server must leave them as they were.
  client.close();
  expect(await server.stop()).toBe(0);
  server = await startProduct({ dataFolder: folder });
  client = await connectClient(server.url);

  const { counters } = await untilStatus(client, run.id, 'completed');
  expect(counters[nodeIdOf(PIPELINE.source)]?.out).toBe(COUNT);
  expect(counters[nodeIdOf(PIPELINE.handler)]).toMatchObject({ in: COUNT, out: COUNT, failed: 0 });
  expect(counters[nodeIdOf(PIPELINE.sink)]?.in).toBe(COUNT);
  const lines = await sinkLines(folder, run.id, 'result.jsonl');
  const indexes = lines.map((line) => line.data.index ?? -1).toSorted((a, b) => a - b);
  expect(indexes, 'each message once in the file').toEqual(
    Array.from({ length: COUNT }, (_, index) => index),
  );
  expect((await summaryOf(client, paused.id))?.status, 'a paused run stays paused').toBe('paused');
});
