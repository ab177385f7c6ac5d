import { soon } from '../flows/door.ts';
import { nodeIdOf } from '../flows/draft.ts';
import { PIPELINE, pipeline, withCode } from '../flows/pipeline.ts';
import { importFlow, watchOnce } from '../support/runs.ts';
import { expect, test } from '../support/test.ts';

const THROWS = `export function handle(event, ctx) {
  const order = event.data;
  throw new Error('there is no order ' + order.index);
}
`;
const PER_SECOND = 10_000;

test('[TR7] [HD3] [RN2] a handler that throws for every message: its node says so, its traces too, and the run obeys', async ({
  page,
  client,
  workbench,
}) => {
  const { canvas, dock, run } = workbench;
  const flow = withCode(pipeline({ name: 'Flood', count: null, ratePerSecond: PER_SECOND }), THROWS, {
    retry: soon(1),
  });
  await workbench.open(await importFlow(client, flow));
  await run.run();
  await expect
    .poll(() => canvas.counterValue(PIPELINE.handler, 'failed'), { timeout: 60_000 })
    .toBeGreaterThan(PER_SECOND);

  // While the flood goes on, the node says what is wrong, in words that are said once, with the line of the code.
  const condition = canvas.condition(PIPELINE.handler);
  await expect(condition).toHaveAttribute('data-state', 'failing');
  await expect(condition).toHaveText(/^failing: Error: there is no order \d+ \(handler\.ts:3:9\)$/);
  await expect(condition).toHaveAttribute('title', /^HANDLER_THREW: Error: there is no order/);
  await expect(canvas.counter(PIPELINE.handler, 'failed')).toHaveAttribute(
    'title',
    /attempts that did not end well\nLast error: HANDLER_THREW: Error: there is no order/,
  );

  await dock.open('traces');
  await dock.root.getByTestId('trace-filter-status').click();
  await page.getByRole('option', { name: 'dead-lettered', exact: true }).click();
  await dock.holdTraces();
  await dock.traceRows().first().click();
  const attempt = dock.attemptsAt(nodeIdOf(PIPELINE.handler)).first();
  await expect(attempt).toHaveAttribute('data-span-status', 'failed');
  await attempt.click();
  await expect(dock.spanError()).toContainText('HANDLER_THREW');
  await expect(dock.spanError().locator('p')).toHaveText(
    /^Error: there is no order \d+ \(handler\.ts:3:9\)$/,
  );

  await run.pause();
  const [{ id = '' } = {}] = (await client.request('run.list', {})).runs;
  // What was in hand is finished first; then the node shows exactly what the run has counted.
  await expect
    .poll(async () => {
      const handler = (await watchOnce(client, id)).metrics?.nodes[nodeIdOf(PIPELINE.handler)];
      const shown = await canvas.counterValue(PIPELINE.handler, 'failed');
      return handler !== undefined && shown === handler.failed && shown === handler.deadLettered;
    })
    .toBe(true);
  const paused = await canvas.counterValue(PIPELINE.handler, 'failed');
  await canvas.expectCounters(PIPELINE.handler, { in: paused, deadLettered: paused, retried: 0 });
  await run.resume();
  await expect
    .poll(() => canvas.counterValue(PIPELINE.handler, 'failed'), { timeout: 60_000 })
    .toBeGreaterThan(paused);
  await run.stop();
  const ended = (await client.request('run.list', {})).runs[0]?.counters[nodeIdOf(PIPELINE.handler)];
  await canvas.expectCounters(PIPELINE.handler, {
    failed: ended?.failed ?? Number.NaN,
    deadLettered: ended?.failed ?? Number.NaN,
  });
});
