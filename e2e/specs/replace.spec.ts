import { nodeIdOf } from '../flows/draft.ts';
import { PIPELINE, pipeline } from '../flows/pipeline.ts';
import { importFlow, sinkLines, topicLines, untilStatus } from '../support/runs.ts';
import { expect, test } from '../support/test.ts';

/** The processes of a run take their time on a busy machine. */
const SLOW_START = { timeout: 30_000 };
const TRIPLE =
  "export function handle(event, ctx) { ctx.emit('out', { index: event.data.index, doubled: event.data.index * 3 }); }";

test('[RN4] a person edits a running flow, sees what will change, applies it, and nothing is lost', async ({
  page,
  client,
  product,
  complaints: _complaints,
  workbench,
}) => {
  const { canvas, run, inspector } = workbench;
  const flowId = await importFlow(client, pipeline({ name: 'Edited', count: null, ratePerSecond: 60 }));
  await workbench.open(flowId);
  await run.run();
  await expect.poll(() => canvas.counterValue(PIPELINE.sink, 'in'), SLOW_START).toBeGreaterThan(50);
  await expect(page.getByTestId('run-apply')).toHaveCount(0);

  // The handler is edited while it runs; what runs stays as it was.
  await canvas.select(PIPELINE.handler);
  await inspector.pasteCode(TRIPLE);
  await expect(page.getByTestId('run-apply')).toHaveAccessibleName('Apply 1 change');
  await expect(page.getByTestId('version')).toHaveText('v1 + changes');

  // A change that no running flow can take is shown in red, and does not get through.
  await canvas.select(PIPELINE.topic);
  await inspector.set('partitions', '2');
  await workbench.whenSaved();
  await expect(page.getByTestId('run-apply')).toHaveAccessibleName('Apply 2 changes');
  let dialog = await run.lookAtChanges();
  await expect(dialog.change(nodeIdOf(PIPELINE.topic))).toHaveAttribute('data-effect', 'blocking');
  await expect(dialog.change(nodeIdOf(PIPELINE.topic))).toContainText('cannot give up partitions');
  await expect(dialog.root.getByTestId('replacement-apply')).toHaveAttribute('aria-disabled', 'true');
  await dialog.cancel();
  await workbench.undo();
  await expect(page.getByTestId('run-apply')).toHaveAccessibleName('Apply 1 change');

  // By keyboard: the same list, with the lines of code that differ.
  const before = await canvas.counterValue(PIPELINE.sink, 'in');
  await workbench.command('Apply the changes to the run…');
  dialog = await run.lookedAtChanges();
  const change = dialog.change(nodeIdOf(PIPELINE.handler));
  await expect(change).toHaveAttribute('data-effect', 'keeps');
  await expect(change).toContainText('The next batch runs the new code; offsets and state are kept.');
  await change.getByText('code', { exact: true }).click();
  await expect(change.locator('[data-kind="added"]')).toContainText('event.data.index * 3');
  await dialog.apply();
  await dialog.whenApplied();
  await expect(workbench.toasts().filter({ hasText: 'The run goes on with version 2.' })).toBeVisible();
  await run.expectStatus('running');
  await expect(page.getByTestId('version')).toHaveText('v2');
  await expect(page.getByTestId('run-apply')).toHaveCount(0);
  await expect.poll(() => canvas.counterValue(PIPELINE.sink, 'in')).toBeGreaterThan(before);
  await expect(await run.notices()).toContainText('The run goes on with version 2.');
  await page.keyboard.press('Escape');

  // To the end: every number is whole, the ones before the change by the old code, those after by the new.
  await run.stop();
  const [ended] = (await client.request('run.list', { flowId })).runs;
  const runId = ended?.id ?? '';
  const made = ended?.counters[nodeIdOf(PIPELINE.source)]?.out ?? Number.NaN;
  await canvas.expectCounters(PIPELINE.source, { out: made });
  await canvas.expectCounters(PIPELINE.handler, { in: made });
  await canvas.expectCounters(PIPELINE.sink, { in: made });
  const derived = await topicLines(product.url, runId, nodeIdOf(PIPELINE.derived));
  const factors = derived
    .filter(({ data }) => (data.index ?? 0) > 0)
    .map(({ data }) => Number(data.doubled) / Number(data.index));
  expect(new Set(factors)).toEqual(new Set([2, 3]));
  expect(factors.filter((factor) => factor === 2).length).toBeGreaterThanOrEqual(before - 1);
  const indexes = (await sinkLines(product.dataFolder, runId, 'result.jsonl')).map(
    ({ data }) => data.index ?? -1,
  );
  expect(indexes.sort((a, b) => a - b)).toEqual(Array.from({ length: made }, (_, index) => index));
});

test('[RN4] a version that cannot run is refused where one looks, and the run goes on as it was', async ({
  page,
  client,
  workbench,
}) => {
  const { canvas, run, inspector } = workbench;
  await workbench.open(
    await importFlow(client, pipeline({ name: 'Broken edit', count: null, ratePerSecond: 50 })),
  );
  await run.run();
  await expect.poll(() => canvas.counterValue(PIPELINE.sink, 'in'), SLOW_START).toBeGreaterThan(10);
  await canvas.select(PIPELINE.handler);
  await inspector.pasteCode('export const handle = ;');
  await workbench.whenSaved();
  const dialog = await run.lookAtChanges();
  await dialog.apply();
  await expect(dialog.problem).toContainText(
    'Version 2 cannot run, so the run goes on with version 1. Double:',
    {
      timeout: 30_000,
    },
  );
  await dialog.cancel();
  const before = await canvas.counterValue(PIPELINE.sink, 'in');
  await expect.poll(() => canvas.counterValue(PIPELINE.sink, 'in')).toBeGreaterThan(before + 20);
  await expect(page.getByTestId('run-apply')).toBeVisible();
  await run.stop();
});

test('[RN5] a person handles messages again in a new run, finds it in the list, and compares it with the first', async ({
  page,
  client,
  product,
  workbench,
}) => {
  const { run, dock, canvas, inspector } = workbench;
  const flowId = await importFlow(client, pipeline({ name: 'Again', count: 120, ratePerSecond: 200 }));
  await workbench.open(flowId);
  await run.run();
  await run.expectStatus('completed');
  await canvas.select(PIPELINE.handler);
  await inspector.pasteCode(TRIPLE);
  await workbench.whenSaved();

  await dock.open('messages');
  await dock.chooseTopic(PIPELINE.topic);
  await dock.choosePartition(1);
  await dock.fromOffset(5);
  await dock.messageAt(1, 5).click();
  await dock.handleAgain();
  await expect.poll(async () => (await client.request('run.list', { flowId })).runs.length).toBe(2);
  const [fork, origin] = (await client.request('run.list', { flowId })).runs;
  if (!fork || !origin) throw new Error('the fork is not listed');
  await untilStatus(client, fork.id, 'completed');
  await run.expectStatus('completed');

  const again = await topicLines(product.url, fork.id, nodeIdOf(PIPELINE.topic));
  const first = await topicLines(product.url, origin.id, nodeIdOf(PIPELINE.topic));
  const ids = new Set(first.map(({ id }) => id));
  expect(again.length).toBeGreaterThan(0);
  expect(again.length).toBeLessThan(120);
  expect(again.filter(({ id }) => !ids.has(id))).toEqual([]);
  const tripled = await topicLines(product.url, fork.id, nodeIdOf(PIPELINE.derived));
  expect(tripled).toHaveLength(again.length);
  for (const { data } of tripled) expect(data.doubled).toBe((data.index ?? 0) * 3);

  const list = await run.openList();
  await expect(list.lines()).toHaveCount(2);
  await list.compare(0, 1);
  expect(await list.compared('Version')).toEqual(['v1', 'v2']);
  expect(await list.compared(`${PIPELINE.handler}, in`)).toEqual(['120', String(again.length)]);
  expect(await list.compared(`${PIPELINE.source}, out`)).toEqual(['120', 'not there']);
  await list.search.fill(fork.id);
  await expect(list.lines()).toHaveCount(1);
  await list.search.fill('no such run');
  await expect(page.getByText('No run of this flow fits “no such run”.')).toBeVisible();
  await list.search.fill('');
  await expect(list.lines()).toHaveCount(2);
  // The mark leads from the fork to where it came from.
  await list.forkMarks().click();
  await expect.poll(() => canvas.counterValue(PIPELINE.source, 'out')).toBe(120);
});
