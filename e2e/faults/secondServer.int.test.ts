import { afterEach, expect, it } from 'vitest';
import { nodeIdOf } from '../flows/draft.ts';
import { PIPELINE, pipeline } from '../flows/pipeline.ts';
import { runCli } from '../support/cli.ts';
import { connectClient } from '../support/client.ts';
import { startProduct, temporaryFolder } from '../support/product.ts';
import { runFlow, untilStatus, watchOnce } from '../support/runs.ts';
import { until } from '../support/until.ts';

const COUNT = 1200;
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

it('a second server on the same data folder says why it cannot start, and the run of the first goes on', async () => {
  const { folder, remove } = await temporaryFolder('second');
  cleanups.push(remove);
  const first = await startProduct({ dataFolder: folder });
  cleanups.push(() => first.kill());
  const client = await connectClient(first.url);
  cleanups.push(() => client.close());
  const run = await runFlow(client, pipeline({ name: 'Shared folder', count: COUNT, ratePerSecond: 200 }));
  const produced = async (): Promise<number> =>
    (await watchOnce(client, run.id)).metrics?.nodes[nodeIdOf(PIPELINE.source)]?.out ?? 0;
  await until('the run to be under way', async () => (await produced()) > 0);

  const second = await runCli(['serve', '--port', '0', '--data', folder]);
  const before = await produced();

  expect(second.code).toBe(1);
  expect(second.stdout).toBe('');
  expect(second.stderr.trim().split('\n'), 'one sentence, no stack').toHaveLength(1);
  expect(second.stderr).toContain(folder);
  expect(second.stderr).toContain(first.url);
  if (before < COUNT) await until('the run to go on', async () => (await produced()) > before);

  const finished = await untilStatus(client, run.id, 'completed');
  expect(finished.restarts, 'the refused server did not touch the run').toBe(0);
  expect(finished.counters[nodeIdOf(PIPELINE.sink)]?.in).toBe(COUNT);
});
