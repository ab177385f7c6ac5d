import { DOOR, doorFlow } from '../flows/door.ts';
import { nodeIdOf } from '../flows/draft.ts';
import { type Posted, post } from '../support/ingest.ts';
import { importFlow, sinkLines } from '../support/runs.ts';
import { expect, test } from '../support/test.ts';

const order = (id: number): Posted => ({ key: `k${id}`, data: { order: { id } } });
const orders = (from: number, to: number): Posted[] =>
  Array.from({ length: to - from }, (_, index) => order(from + index));

test('[DL6] duplicates of a key are passed over, counted and traced', async ({
  client,
  product,
  workbench,
}) => {
  const { canvas, dock, inspector, run } = workbench;
  const flowId = await importFlow(client, doorFlow({ name: 'Once', partitions: 2 }));
  const door = { flowId, path: DOOR.path };
  await workbench.open(flowId);
  await canvas.select(DOOR.work);
  await inspector.root.getByTestId('section-delivery').click();
  await inspector.field('idempotency').getByText('For a time').click();
  await inspector.set('idempotency.key', 'order.id');
  await inspector.set('idempotency.forMs', '2 h');
  await expect(inspector.field('idempotency.forMs')).toHaveValue('7,200,000');
  await workbench.whenSaved();
  await run.run();
  await run.expectStatus('running');

  // Each of ten orders comes three times: once alone, twice in one request. Ids differ; the order is the same.
  await post(product.url, door, orders(0, 10));
  await post(product.url, door, [...orders(0, 10), ...orders(0, 10)]);
  await canvas.expectCounters(DOOR.orders, { in: 30 });
  await canvas.expectCounters(DOOR.work, { deduplicated: 20, out: 10, failed: 0 });
  await expect(canvas.counter(DOOR.work, 'deduplicated')).toHaveText('20 dup');
  await canvas.expectCounters(DOOR.sink, { in: 10 });
  await dock.open('metrics');
  await expect(dock.total(nodeIdOf(DOOR.work), 'deduplicated')).toHaveAttribute('data-value', '20');

  // One of a new order is handled; what was seen stays seen.
  await post(product.url, door, orders(9, 11));
  await canvas.expectCounters(DOOR.work, { deduplicated: 21, out: 11 });
  await dock.open('traces');
  await dock.root.getByTestId('trace-filter-text').fill('k9');
  await expect(dock.traceRows()).toHaveCount(4);
  await dock.traceRows().first().click();
  await expect(dock.eventMarks('deduplicated')).toBeVisible();
  await run.stop();
  const [{ id: runId = '' } = {}] = (await client.request('run.list', {})).runs;
  expect(await sinkLines(product.dataFolder, runId, 'result.jsonl')).toHaveLength(11);
});
