import { nodeIdOf } from '../flows/draft.ts';
import { PIPELINE, pipeline, withCode } from '../flows/pipeline.ts';
import { startProduct } from '../support/product.ts';
import { importFlow, watchOnce } from '../support/runs.ts';
import { expect, test } from '../support/test.ts';
import { until } from '../support/until.ts';

test('[RN2] pauses, steps exactly one message at a time, resumes and stops', async ({
  page,
  client,
  workbench,
}) => {
  const { canvas, run } = workbench;
  await workbench.open(
    await importFlow(client, pipeline({ name: 'Stepped', count: null, ratePerSecond: 50 })),
  );
  await run.run();
  await expect.poll(() => canvas.counterValue(PIPELINE.sink, 'in')).toBeGreaterThan(5);
  await run.pause();

  const [{ id = '' } = {}] = (await client.request('run.list', {})).runs;
  // One step is one message handled by one consumer or, when none waits, one made by a producer.
  const moves = async (): Promise<number> => {
    const nodes = (await watchOnce(client, id)).metrics?.nodes ?? {};
    const of = (name: string) => nodes[nodeIdOf(name)];
    return (of(PIPELINE.source)?.out ?? 0) + (of(PIPELINE.handler)?.in ?? 0) + (of(PIPELINE.sink)?.in ?? 0);
  };
  // What was in flight when the pause came is finished first; then nothing moves.
  let seen = -1;
  await until('the run to stand still', async () => {
    const now = await moves();
    const { metrics } = await watchOnce(client, id);
    const isStill =
      now === seen && Object.values(metrics?.conditions ?? {}).every(({ inFlight = 0 }) => inFlight === 0);
    seen = now;
    return isStill;
  });
  const note = page.getByTestId('step-note');
  for (const step of [1, 2, 3, 4]) {
    const before = await moves();
    await run.step();
    await expect.poll(moves, `step ${step}: one message, no more`).toBe(before + 1);
    await expect(note).toHaveText(/ (handled|made) …/);
  }
  const before = await canvas.counterValue(PIPELINE.sink, 'in');
  await run.resume();
  await expect.poll(() => canvas.counterValue(PIPELINE.sink, 'in')).toBeGreaterThan(before + 5);
  await run.stop();
  await expect(page.getByTestId('run-start')).toBeVisible();
});

test('reads a topic by partition, offset and key', async ({ page, client, workbench }) => {
  const { dock, run } = workbench;
  await workbench.open(await importFlow(client, pipeline({ name: 'Read', count: 60, ratePerSecond: 300 })));
  await run.run();
  await run.expectStatus('completed');
  await dock.open('messages');
  await dock.chooseTopic(PIPELINE.derived);
  await expect(dock.messageRows().first()).toBeVisible();
  await dock.root.getByTestId('message-partitions').click();
  const counts = await dock.root
    .getByTestId('partition-table')
    .locator('tbody tr td:nth-child(4)')
    .allInnerTexts();
  expect(counts.reduce((sum, text) => sum + Number(text), 0)).toBe(60);
  await dock.root.getByTestId('message-partitions').click();

  const partition = counts.findIndex((text) => Number(text) > 1);
  await dock.choosePartition(partition);
  await dock.fromOffset(1);
  const second = dock.messageAt(partition, 1);
  await second.click();
  await expect(dock.messageAt(partition, 0)).toHaveCount(0);
  const detail = dock.messageDetail();
  await expect(detail).toContainText(`Partition ${partition}, offset 1`);
  const payload = JSON.parse(await detail.getByTestId('json').innerText()) as {
    index: number;
    doubled: number;
  };
  expect(payload.doubled).toBe(payload.index * 2);
  const key = await detail.locator('dt', { hasText: 'partitionkey' }).locator('+ dd').innerText();
  await dock.root.getByTestId('message-key').fill(key);
  await expect
    .poll(async () => {
      const keys = await dock.messageRows().locator('> span:nth-of-type(3)').allInnerTexts();
      return keys.length > 0 && keys.every((text) => text === key);
    })
    .toBe(true);
  await expect(page.getByTestId('version')).toHaveText('v1');
});

test('follows the logs, reads exact totals in metrics, and switches to dark', async ({
  page,
  client,
  workbench,
}) => {
  const { dock, run } = workbench;
  const flow = withCode(
    pipeline({ name: 'Logged', count: 40, ratePerSecond: 200 }),
    "export function handle(event, ctx) { ctx.log('info', `saw ${event.data.index}`); ctx.emit('out', event.data); }",
  );
  await workbench.open(await importFlow(client, flow));
  await run.run();
  await run.expectStatus('completed');
  await dock.open('logs');
  await expect(dock.root.getByTestId('log-lines')).toHaveAttribute('data-count', '40');
  await dock.root.getByTestId('log-filter-text').fill('saw 39');
  await expect(dock.logLines()).toHaveCount(1);
  await dock.logLines().getByLabel('Open the trace of this line').click();
  await expect(dock.traceDetail()).toBeVisible();

  await dock.open('metrics');
  await expect(dock.total(nodeIdOf(PIPELINE.source), 'out')).toHaveAttribute('data-value', '40');
  await expect(dock.total(nodeIdOf(PIPELINE.sink), 'in')).toHaveAttribute('data-value', '40');

  await page.getByTestId('theme').click();
  await page.getByTestId('theme-dark').click();
  await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', 'dark');
  await page.reload();
  await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', 'dark');
  await page.getByTestId('theme').click();
  await page.getByTestId('theme-light').click();
  await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', 'light');
});

test('[TR5] a page that is reloaded, and one whose server was killed and started again, goes on watching', async ({
  page,
  product,
  client,
  complaints,
  workbench,
}) => {
  // The page asks in vain while nobody answers; browsers write that down.
  complaints.expect(/WebSocket connection to .* failed|ERR_CONNECTION_REFUSED/);
  const { canvas, run, dock } = workbench;
  const flowId = await importFlow(client, pipeline({ name: 'Survivor', count: null, ratePerSecond: 100 }));
  await workbench.open(flowId);
  await run.run();
  await expect.poll(() => canvas.counterValue(PIPELINE.sink, 'in')).toBeGreaterThan(20);
  await page.reload();
  await run.expectStatus('running');
  await expect.poll(() => canvas.counterValue(PIPELINE.sink, 'in')).toBeGreaterThan(20);
  await dock.open('traces');
  await expect(dock.traceRows().first()).toBeVisible();

  const before = await canvas.counterValue(PIPELINE.sink, 'in');
  await product.kill();
  await expect(page.getByTestId('save-state')).toHaveText(/Offline/);
  const again = await startProduct({
    dataFolder: product.dataFolder,
    port: Number(new URL(product.url).port),
  });
  try {
    await expect(page.getByTestId('save-state')).toHaveText('Saved', { timeout: 30_000 });
    await expect
      .poll(() => canvas.counterValue(PIPELINE.sink, 'in'), { timeout: 30_000 })
      .toBeGreaterThan(before + 50);
    await expect(await run.notices()).toContainText('Millrace was started again');
    await page.keyboard.press('Escape');
    await run.stop();
  } finally {
    await page.close();
    await again.kill();
  }
});
