import { AT_ONCE, type Draft, draftFlow, nodeIdOf } from '../flows/draft.ts';
import { dropFile } from '../pages/importDialog.ts';
import { connectClient } from '../support/client.ts';
import { startProduct } from '../support/product.ts';
import { importFlow, watchOnce } from '../support/runs.ts';
import { mountSmallDisk } from '../support/smallDisk.ts';
import { expect, test } from '../support/test.ts';
import { until } from '../support/until.ts';

const COUNT = 3;

/** One topic, two readers: what the first does must not reach the second. */
function withHandler(
  name: string,
  code: string,
  limits: { timeoutMs?: number; memoryMb?: number } = {},
): Draft {
  return draftFlow(name)
    .add('generator', 'Source', {
      count: COUNT,
      ratePerSecond: 50,
      eventType: 'test',
      payload: '{"n":"{{index}}"}',
    })
    .add('topic', 'all', { partitions: 1 })
    .add('handler', 'Trouble', { code, retry: AT_ONCE, ...limits })
    .add('file', 'Other', { path: 'other.jsonl' }, { column: 2, row: 1 })
    .wire('Source', 'all', 'Trouble')
    .wire('all', 'Other');
}

test('[DL2] [HD1] a handler that loops for ever is stopped; the other branch goes on', async ({
  page,
  client,
  workbench,
}) => {
  const { canvas, dock, run } = workbench;
  const code = 'export function handle(event) {\n  for (;;) {}\n}\n';
  await workbench.open(await importFlow(client, withHandler('Endless', code, { timeoutMs: 200 }).document));
  await run.run();
  await run.expectStatus('completed');
  await canvas.expectCounters('Trouble', { in: COUNT, failed: COUNT, deadLettered: COUNT });
  await canvas.expectCounters('Other', { in: COUNT, failed: 0 });
  await dock.open('traces');
  await dock.traceRows().first().click();
  const stopped = dock.spans().and(page.locator('[data-span-status="timed-out"]'));
  await expect(stopped).toHaveCount(1);
  await stopped.click();
  await expect(page.getByTestId('span-error')).toContainText(/200 ms/);
});

test('[RN2] [TR1] a recording with a broken line ends its producer, and the list of traces says which line', async ({
  page,
  client,
  product,
  workbench,
}) => {
  const { canvas, dock, run } = workbench;
  const body = '{"n":1}\n{"n":2}\n{"n":\n';
  const stored = await fetch(`${product.url}/api/files/broken.jsonl`, { method: 'PUT', body });
  expect(stored.ok).toBe(true);
  const { document } = draftFlow('Broken recording')
    .add('replay', 'Recording', { file: 'broken.jsonl', speed: { mode: 'full' }, idField: '', timeField: '' })
    .add('topic', 'all', { partitions: 1 })
    .add('log', 'Reader', { level: 'debug' })
    .wire('Recording', 'all', 'Reader');
  await workbench.open(await importFlow(client, document));
  await run.run();
  await run.expectStatus('failed');
  await canvas.expectCounters('Reader', { in: 2 });
  await dock.open('traces');
  const failed = dock.traceRows().and(page.locator('[data-status="failed"]'));
  await expect(failed).toHaveCount(1);
  await failed.click();
  await dock.spans().first().click();
  await expect(page.getByTestId('span-error')).toContainText('Line 3 of broken.jsonl cannot be read');
});

test('[HD3] a handler that throws is shown with the line of the user’s code', async ({
  page,
  client,
  workbench,
}) => {
  const { canvas, dock, run } = workbench;
  const code = [
    'type Order = { n: number };',
    'export function handle(event) {',
    '  const order: Order = event.data;',
    '  throw new Error(`no price for ${order.n}`);',
    '}',
  ].join('\n');
  await workbench.open(await importFlow(client, withHandler('Throwing', code).document));
  await run.run();
  await run.expectStatus('completed');
  await canvas.expectCounters('Trouble', { in: COUNT, failed: COUNT, deadLettered: COUNT });
  await canvas.expectCounters('Other', { in: COUNT, failed: 0 });
  await dock.open('traces');
  await dock.traceRows().last().click();
  await dock.spans().and(page.locator('[data-span-status="failed"]')).click();
  await expect(page.getByTestId('span-error')).toContainText('no price for 0 (handler.ts:4:9)');
  await expect(canvas.counter('Trouble', 'failed')).toHaveAttribute(
    'title',
    /Last error: .*no price for 2 \(handler\.ts:4:9\)/,
  );
});

test('[DL2] a handler that allocates without end loses its message and nothing else', async ({
  page,
  client,
  workbench,
}) => {
  const { canvas, dock, run } = workbench;
  const code =
    'export function handle(event) {\n  const all = [];\n  for (;;) all.push(new Array(10_000).fill(event.id));\n}\n';
  const draft = withHandler('Greedy', code, { memoryMb: 32, timeoutMs: 10_000 });
  await workbench.open(await importFlow(client, draft.document));
  await run.run();
  await run.expectStatus('completed', 60_000);
  await canvas.expectCounters('Trouble', { in: COUNT, failed: COUNT, deadLettered: COUNT });
  await canvas.expectCounters('Other', { in: COUNT, failed: 0 });
  await dock.open('traces');
  await dock.traceRows().first().click();
  await dock.spans().and(page.locator('[data-span-status="crashed"]')).first().click();
  await expect(page.getByTestId('span-error')).toContainText(/32 MB|memory/i);
});

test('[MS4] a payload of 2 MiB is refused with a clear message, and the next one is taken', async ({
  page,
  client,
  workbench,
}) => {
  const { canvas, run } = workbench;
  const flow = draftFlow('Large posts')
    .add('http', 'Door', { path: 'door', eventType: 'test', key: '' })
    .add('topic', 'all', {})
    .add('log', 'Log', {})
    .wire('Door', 'all', 'Log').document;
  await workbench.open(await importFlow(client, flow));
  await run.run();
  await run.expectStatus('running');
  const refused = await page.request.post('/ingest/large-posts/door', {
    data: { text: 'x'.repeat(2 * 1024 * 1024) },
  });
  expect(refused.status()).toBe(413);
  const { code, message } = (await refused.json()) as { code: string; message: string };
  expect(code).toBe('MESSAGE_TOO_LARGE');
  expect(message).toMatch(/1 MiB|1,?048,?576|bytes/);
  await canvas.expectCounters('Door', { rejected: 1 });
  expect((await page.request.post('/ingest/large-posts/door', { data: { text: 'small' } })).status()).toBe(
    202,
  );
  await canvas.expectCounters('Door', { out: 1, rejected: 1 });
  await canvas.expectCounters('all', { in: 1 });
});

test('a damaged flow file is refused with the place of the fault, and nothing is changed', async ({
  page,
  client,
  start,
  workbench,
}) => {
  await importFlow(client, withHandler('Kept as it is', 'export function handle() {}').document);
  await start.open();
  await expect(start.flow('Kept as it is')).toBeVisible();

  await start.openImport();
  await workbench.importing.importText('{\n  "format": "millrace.flow",\n  "nodes": [,]\n}\n');
  await expect(workbench.importing.fault).toContainText('line 3');
  await workbench.importing.fault.getByRole('button', { name: 'Show line 3' }).click();
  await workbench.importing.close();

  const wrong = withHandler('Wrong inside', 'export function handle() {}').document;
  const text = JSON.stringify(wrong, null, 2).replace('"partitions": 1', '"partitions": "many"');
  await dropFile(page, { name: 'wrong.flow.json', text });
  await expect(workbench.importing.fault).toContainText('partitions');
  await workbench.importing.close();

  await expect(page.locator('article')).toHaveCount(1);
  const { flows } = await client.request('flow.list', {});
  expect(flows.map(({ name }) => name)).toEqual(['Kept as it is']);
});

test('[TP3] a full disk is told on the page; the run goes on when there is room', async ({
  page,
  workbench,
}) => {
  const disk = await mountSmallDisk(32);
  test.skip(disk === null, 'mounting a tmpfs is not permitted here');
  if (!disk) return;
  const server = await startProduct({ dataFolder: disk.folder });
  const client = await connectClient(server.url);
  try {
    const flow = draftFlow('Filling up')
      .add('generator', 'Source', {
        count: null,
        ratePerSecond: 500,
        payload: JSON.stringify({ text: 'x'.repeat(2000) }),
      })
      .add('topic', 'all', {})
      .add('log', 'Log', { level: 'debug' })
      .wire('Source', 'all', 'Log').document;
    const flowId = await importFlow(client, flow);
    await page.goto(`${server.url}/flows/${flowId.slice('flow:'.length)}`);
    await workbench.run.run();
    await workbench.run.expectStatus('running');
    await disk.fill(1024 * 1024);
    await expect(workbench.run.status).toContainText('Stalled', { timeout: 40_000 });
    await expect(workbench.run.status).toContainText(/disk|room|space/i);
    await expect(await workbench.run.notices()).toContainText(/disk|room|space/i);
    await page.keyboard.press('Escape');
    const [{ id = '' } = {}] = (await client.request('run.list', {})).runs;
    const produced = async (): Promise<number> =>
      (await watchOnce(client, id)).metrics?.nodes[nodeIdOf('Source')]?.out ?? 0;
    const before = await produced();
    await disk.makeRoom();
    await expect(workbench.run.status).toContainText('Running', { timeout: 40_000 });
    await until('the run to go on', async () => (await produced()) > before);
  } finally {
    await page.close();
    client.close();
    await server.kill();
    await disk.remove();
  }
});
