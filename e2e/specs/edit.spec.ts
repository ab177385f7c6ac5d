import { draftFlow } from '../flows/draft.ts';
import { PIPELINE, pipeline } from '../flows/pipeline.ts';
import { Workbench } from '../pages/workbench.ts';
import { importFlow } from '../support/runs.ts';
import { expect, test } from '../support/test.ts';

const small = () => pipeline({ name: 'To be edited', count: 100, ratePerSecond: 100 });

test('undoes and redoes, also after a reload; a drag is one step', async ({ page, client, workbench }) => {
  const { canvas } = workbench;
  await workbench.open(await importFlow(client, small()));
  await expect(canvas.nodes()).toHaveCount(5);
  const before = await canvas.positions();

  await canvas.dragNode(PIPELINE.handler, { x: 40, y: 120 });
  await canvas.select(PIPELINE.sink);
  await page.keyboard.press('Delete');
  await expect(canvas.nodes()).toHaveCount(4);
  await expect(canvas.edges()).toHaveCount(3);
  await workbench.whenSaved();
  const moved = (await canvas.positions())[PIPELINE.handler];
  expect(moved).not.toEqual(before[PIPELINE.handler]);

  await page.reload();
  await expect(canvas.nodes()).toHaveCount(4);
  await workbench.undo();
  await expect(canvas.nodes()).toHaveCount(5);
  await expect(canvas.edges()).toHaveCount(4);
  await workbench.undo();
  await expect
    .poll(async () => (await canvas.positions())[PIPELINE.handler])
    .toEqual(before[PIPELINE.handler]);
  await expect(page.getByTestId('undo')).toBeDisabled();

  await page.keyboard.press('Control+Shift+z');
  await expect.poll(async () => (await canvas.positions())[PIPELINE.handler]).toEqual(moved);
  await workbench.redo();
  await expect(canvas.nodes()).toHaveCount(4);
  await expect(page.getByTestId('redo')).toBeDisabled();
});

test('copies, pastes, renames on the spot and deletes', async ({ page, context, client, workbench }) => {
  const { canvas } = workbench;
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await workbench.open(await importFlow(client, small()));
  await canvas.select(PIPELINE.handler);
  await page.keyboard.press('Control+c');
  await page.keyboard.press('Control+v');
  await expect(canvas.nodes()).toHaveCount(6);
  await page.keyboard.press('F2');
  const input = page.getByLabel(/^Name of /);
  await input.fill('Copy of it');
  await input.press('Enter');
  await expect(canvas.node('Copy of it')).toBeVisible();
  await canvas.rename(PIPELINE.derived, 'renamed topic');
  await canvas.select('Copy of it');
  await page.keyboard.press('Backspace');
  await expect(canvas.nodes()).toHaveCount(5);

  await page.keyboard.press('Control+a');
  await page.keyboard.press('Control+x');
  await expect(canvas.nodes()).toHaveCount(0);
  await page.keyboard.press('Control+v');
  await expect(canvas.nodes()).toHaveCount(5);
  await expect(canvas.edges()).toHaveCount(4);
});

test('puts right what is wrong with quick fixes, then runs', async ({ page, client, workbench }) => {
  const { canvas, dock, run } = workbench;
  const flow = draftFlow('Half drawn')
    .add('generator', 'Source', { count: 20, ratePerSecond: 200, payload: '{"n":"{{index}}"}' })
    .add('log', 'Log', {}, { column: 2 }).document;
  await workbench.open(await importFlow(client, flow));
  await expect(page.getByTestId('problem-count')).toHaveAttribute('data-severity', 'error');
  await dock.open('logs');
  await run.runRefused();
  await expect(page.getByTestId('tab-problems')).toHaveAttribute('aria-selected', 'true');
  await dock.problem('producer-without-topic').getByTestId('quick-fix').first().click();
  await expect(dock.problem('producer-without-topic')).toHaveCount(0);
  await expect(canvas.edges()).toHaveCount(1);
  await expect(dock.problem('consumer-without-subscription')).toBeVisible();
  await canvas.connect('Source messages', 'messages', 'Log');
  await expect(canvas.edges()).toHaveCount(2);
  await dock.problem('dead-letters-automatic').getByTestId('quick-fix').click();
  await expect(canvas.node('Log dead letters')).toBeVisible();
  await expect(page.getByTestId('problem-count')).toHaveCount(0);
  await run.run();
  await run.expectStatus('completed');
  await canvas.expectCounters('Log', { in: 20 });
});

test('lays a flow out, and takes that back in one step', async ({ client, workbench }) => {
  const { canvas } = workbench;
  const flow = small();
  for (const id of Object.keys(flow.layout.nodes)) flow.layout.nodes[id] = { x: 0, y: 0 };
  flow.layout.nodes['node:double'] = { x: 900, y: 700 };
  await workbench.open(await importFlow(client, flow));
  const before = await canvas.positions();
  await workbench.command('Arrange automatically');
  const order = [PIPELINE.source, PIPELINE.topic, PIPELINE.handler, PIPELINE.derived, PIPELINE.sink];
  await expect
    .poll(async () => {
      const positions = await canvas.positions();
      const xs = order.map((name) => positions[name]?.x ?? 0);
      return xs.every((x, index) => index === 0 || x > (xs[index - 1] ?? 0) + 100);
    }, 'from left to right, none over another')
    .toBe(true);
  await workbench.undo();
  await expect.poll(() => canvas.positions()).toEqual(before);
});

test('two tabs on one flow see each other’s edits and the same counters', async ({
  page,
  context,
  client,
  complaints,
  workbench,
}) => {
  const flowId = await importFlow(client, small());
  await workbench.open(flowId);
  const secondPage = await context.newPage();
  complaints.watch(secondPage);
  const second = new Workbench(secondPage);
  await second.open(flowId);
  await second.canvas.rename(PIPELINE.sink, 'Named elsewhere');
  await expect(workbench.canvas.node('Named elsewhere')).toBeVisible();
  await workbench.canvas.dragNode(PIPELINE.topic, { x: 0, y: 96 });
  await workbench.whenSaved();
  const dragged = (await workbench.canvas.positions())[PIPELINE.topic];
  await expect.poll(async () => (await second.canvas.positions())[PIPELINE.topic]).toEqual(dragged);
  // Undo takes back what this tab did, not what the other did.
  await workbench.undo();
  await expect(workbench.canvas.node('Named elsewhere')).toBeVisible();
  await expect.poll(async () => (await second.canvas.positions())[PIPELINE.topic]).not.toEqual(dragged);

  await workbench.run.run();
  for (const tab of [workbench, second]) {
    await tab.run.expectStatus('completed');
    await tab.canvas.expectCounters(PIPELINE.source, { out: 100 });
    await tab.canvas.expectCounters('Named elsewhere', { in: 100 });
  }
  await page.bringToFront();
});

test('does everything with the keyboard: adds, connects and runs from the command palette', async ({
  page,
  start,
  workbench,
}) => {
  const { canvas, inspector, run } = workbench;
  await start.open();
  await start.newFlow();
  await canvas.root.waitFor();
  await workbench.command('Add Generator');
  await inspector.set('count', '10');
  await workbench.command('Add Topic');
  await workbench.command('Add Log');
  await expect(canvas.nodes()).toHaveCount(3);
  await connectByKeyboard('Log', 'Topic', 'messages');
  await connectByKeyboard('Topic', 'Generator', 'out');
  await expect(canvas.edges()).toHaveCount(2);
  await workbench.command('Run the flow');
  await run.expectStatus('completed');
  await canvas.expectCounters('Log', { in: 10 });

  async function connectByKeyboard(to: string, from: string, port: string): Promise<void> {
    await page.keyboard.press('Control+f');
    await page.getByLabel('Find a node').fill(from);
    await page.keyboard.press('Enter');
    const select = inspector.root.getByTestId(`connect-${port}`);
    await select.focus();
    await select.press('ArrowDown');
    await select.pressSequentially(to);
    await expect(page.getByRole('option', { name: to, exact: true })).toBeVisible();
    await select.press('ArrowDown');
    await select.press('Enter');
    await expect(canvas.edge(from, to)).toBeAttached();
  }
});
