import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import { afterEach, expect, it } from 'vitest';
import { draftFlow, nodeIdOf } from '../flows/draft.ts';
import { connectClient } from '../support/client.ts';
import { startProduct } from '../support/product.ts';
import { importFlow, runFlow, sinkLines, topicLines, untilStatus, watchOnce } from '../support/runs.ts';
import { mountSmallDisk } from '../support/smallDisk.ts';
import { until } from '../support/until.ts';

const DISK_MEGABYTES = 32;
const LEFT_BYTES = 3 * 1024 * 1024;
const GENERATED = 3000;
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function fillingFlow(): FlowDocument {
  return draftFlow('Filling up')
    .add('generator', 'Source', {
      count: GENERATED,
      ratePerSecond: 1000,
      eventType: 'test.made',
      payload: JSON.stringify({ index: '{{index}}', text: 'x'.repeat(1000) }),
    })
    .add('http', 'Door', { path: 'door', eventType: 'test.posted', key: '' }, { column: 0, row: 1 })
    .add('topic', 'all', { partitions: 2 }, { column: 1 })
    .add('file', 'Kept', { path: 'kept.jsonl' }, { column: 2 })
    .wire('Source', 'all', 'Kept')
    .wire('Door', 'all').document;
}

it('[TP3] a full disk stalls the run and says so; nothing acknowledged is missing when there is room again', {
  timeout: 120_000,
}, async (context) => {
  const disk = await mountSmallDisk(DISK_MEGABYTES);
  if (!disk) return context.skip('mounting a tmpfs is not permitted here');
  cleanups.push(() => disk.remove());
  const server = await startProduct({ dataFolder: disk.folder });
  cleanups.push(() => server.kill());
  const client = await connectClient(server.url);
  cleanups.push(() => client.close());

  await disk.fill(LEFT_BYTES);
  const run = await runFlow(client, fillingFlow());
  const acknowledged: string[] = [];
  const post = async (): Promise<{ status: number; code: string | null }> => {
    const response = await fetch(`${server.url}/ingest/filling-up/door`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ posted: acknowledged.length }),
      signal: AbortSignal.timeout(15_000),
    });
    const answer = (await response.json()) as { accepted?: { id: string }[]; code?: string };
    for (const { id } of answer.accepted ?? []) acknowledged.push(id);
    return { status: response.status, code: answer.code ?? null };
  };

  const stalled = await until('the run to say that the disk is full', async () => {
    await post().catch(() => {});
    return (await watchOnce(client, run.id)).metrics?.stalled ?? null;
  });
  expect(stalled).toMatch(/disk|room|space/i);
  const { notices, run: summary } = await watchOnce(client, run.id);
  expect(summary.status, 'a stalled run is not over').toBe('running');
  expect(notices.map((notice) => notice.message).join('\n'), 'the page is told').toMatch(/disk|room|space/i);
  expect(acknowledged.length, 'some posts were taken before').toBeGreaterThan(0);

  const refusal = await until('saving a flow to be refused', async () => {
    const large = draftFlow('Too much').document;
    large.description = 'y'.repeat(16_000);
    large.id = `flow:large-${Math.round(performance.now())}`;
    return importFlow(client, large).then(
      () => null,
      (error: unknown) => error,
    );
  });
  expect(refusal).toMatchObject({ code: 'STORAGE_FULL' });
  expect((refusal as Error).message).toMatch(/disk|room|space/i);

  await disk.makeRoom();
  await until('the run to go on', async () => (await watchOnce(client, run.id)).metrics?.stalled === null);
  const sinkId = nodeIdOf('Kept');
  await until('everything to arrive', async () => {
    const { metrics } = await watchOnce(client, run.id);
    const made = metrics?.nodes[nodeIdOf('Source')]?.out ?? 0;
    const lag = Object.values(metrics?.subscriptions ?? {}).reduce((sum, one) => sum + one.lag, 0);
    return made === GENERATED && lag === 0;
  });
  expect((await post()).status, 'the door is open again').toBe(202);
  await client.request('run.stop', { runId: run.id });
  const stopped = await untilStatus(client, run.id, 'stopped');

  const stored = await topicLines(server.url, run.id, nodeIdOf('all'));
  const ids = new Set(stored.map((line) => line.id));
  expect(ids.size, 'no message is stored twice').toBe(stored.length);
  expect(
    acknowledged.filter((id) => !ids.has(id)),
    'acknowledged posts that are missing',
  ).toEqual([]);
  const indexes = stored.flatMap((line) => line.data.index ?? []).toSorted((a, b) => a - b);
  expect(indexes, 'each generated message once').toEqual(
    Array.from({ length: GENERATED }, (_, index) => index),
  );
  const kept = await sinkLines(disk.folder, run.id, 'kept.jsonl');
  expect(new Set(kept.map((line) => line.id)), 'the sink has them all').toEqual(ids);
  expect(stopped.counters[sinkId]?.in).toBe(stored.length);
});
