import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { pipeline } from '../flows/pipeline.ts';
import { connectClient } from '../support/client.ts';
import { startProduct, temporaryFolder } from '../support/product.ts';
import { runFlow, runFolder, untilStatus } from '../support/runs.ts';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

it('a damaged log ends the run it belongs to with a clear sentence; the server and other flows go on', async () => {
  const { folder, remove } = await temporaryFolder('damaged');
  cleanups.push(remove);
  let server = await startProduct({ dataFolder: folder });
  cleanups.push(() => server.kill());
  let client = await connectClient(server.url);
  cleanups.push(() => client.close());
  const broken = await runFlow(client, pipeline({ name: 'Unlucky', count: null, ratePerSecond: 100 }));
  await untilStatus(client, broken.id, 'running');
  client.close();
  await server.kill();
  // The write-ahead log as well: alone it would bring everything back, and rightly so.
  for (const file of ['log.db', 'log.db-wal']) {
    await writeFile(path.join(runFolder(folder, broken.id), file), Buffer.alloc(64 * 1024, 'no log at all '));
  }

  server = await startProduct({ dataFolder: folder });
  client = await connectClient(server.url);
  const failed = await untilStatus(client, broken.id, 'failed');
  expect(failed.error?.code).toBe('STORAGE_CORRUPT');
  expect(failed.error?.message).toMatch(/log of this run is damaged/);

  const fine = await runFlow(client, pipeline({ name: 'Lucky', count: 50, ratePerSecond: 500 }));
  await untilStatus(client, fine.id, 'completed');
});
