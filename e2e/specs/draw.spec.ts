import { expect, test } from '../support/test.ts';

const COUNT = 200;
const CODE =
  "export function handle(event, ctx) { ctx.emit('out', { number: event.data.index, square: event.data.index ** 2 }); }";

test('draws a flow from nothing, runs it, follows a message, exports it, deletes it and gets it back', async ({
  page,
  start,
  workbench,
}) => {
  const { canvas, inspector, dock, run } = workbench;

  await test.step('draw with the mouse', async () => {
    await start.open();
    await start.newFlow();
    await page.getByTestId('empty-canvas').waitFor();
    await workbench.name.click();
    await page.getByTestId('flow-name-input').fill('Squares');
    await page.keyboard.press('Enter');

    await canvas.dropFromPalette('generator', { x: 150, y: 120 });
    await expect(canvas.node('Generator')).toBeVisible();
    await inspector.set('name', 'Numbers');
    await inspector.set('ratePerSecond', '400');
    await inspector.set('count', String(COUNT));

    await canvas.dropFromPalette('handler', { x: 480, y: 120 });
    await inspector.set('name', 'Square');
    await inspector.typeCode(CODE);
  });

  await test.step('[wiring rule] a producer that is pulled to a consumer is offered a topic between', async () => {
    await canvas.connect('Numbers', 'out', 'Square');
    await expect(page.getByRole('menu', { name: 'Put a topic between' })).toContainText(/topic/);
    await expect(canvas.edges()).toHaveCount(0);
    await page.getByTestId('put-topic-between').click();
    await expect(canvas.edges()).toHaveCount(2);
    await expect(canvas.edge('Numbers', 'Numbers events')).toBeAttached();
    await expect(canvas.edge('Numbers events', 'Square')).toBeAttached();
  });

  await test.step('an edge that is let go in empty space asks what to add', async () => {
    await canvas.fit();
    await canvas.pullIntoSpace('Square', 'out', { x: 560, y: 330 });
    await page.getByTestId('add-here-topic').click();
    await inspector.set('name', 'squares');
    await inspector.set('partitions', '2');
    await canvas.dropFromPalette('file', { x: 180, y: 330 });
    await inspector.set('name', 'Squares file');
    await inspector.set('path', 'squares.jsonl');
    await canvas.connect('squares', 'messages', 'Squares file');
    await expect(canvas.edges()).toHaveCount(4);
    await workbench.whenSaved();
    await expect(page.getByTestId('problem-count'), 'no errors and no warnings').toHaveCount(0);
  });

  await test.step('run it and see exact counters', async () => {
    await run.run();
    await run.expectStatus('completed');
    await canvas.expectCounters('Numbers', { out: COUNT });
    await canvas.expectCounters('Numbers events', { in: COUNT, lag: 0 });
    await canvas.expectCounters('Square', { in: COUNT, out: COUNT, failed: 0 });
    await canvas.expectCounters('squares', { in: COUNT, lag: 0 });
    await canvas.expectCounters('Squares file', { in: COUNT, failed: 0 });
    await expect(page.getByTestId('version')).toHaveText('v1');
  });

  await test.step('open one message’s trace and see its whole path', async () => {
    await dock.open('traces');
    await expect(page.getByTestId('trace-total')).toHaveText(`${COUNT} traces`);
    await dock.traceRows().first().click();
    await expect(dock.spans()).toHaveCount(4);
    const steps = await dock.spans().allInnerTexts();
    for (const name of ['Numbers', 'Square', 'Squares file']) expect(steps.join('\n')).toContain(name);
    await expect(dock.traceDetail().locator('[data-span-status="ok"]')).toHaveCount(4);
    for (const name of ['Numbers', 'Numbers events', 'Square', 'squares', 'Squares file']) {
      await expect(canvas.node(name), `${name} is lit`).toHaveClass(/\blit\b/);
    }
    await expect(canvas.edges().and(page.locator('.lit'))).toHaveCount(4);
    await dock.closeTrace();
    await expect(page.locator('.react-flow__node.lit')).toHaveCount(0);
  });

  await test.step('export, delete, import again: the same document, byte for byte', async () => {
    await workbench.exporting.open();
    const exported = await workbench.exporting.download('json');
    expect(exported.name).toBe('squares.flow.json');
    await workbench.exporting.close();
    await workbench.toStart();
    await start.deleteFlow('Squares');
    await expect(page.getByTestId('no-flows')).toBeVisible();

    await start.openImport();
    await workbench.importing.chooseFile({ name: exported.name, text: exported.content.toString() });
    await expect(canvas.nodes()).toHaveCount(5);
    await expect(canvas.edges()).toHaveCount(4);
    await workbench.exporting.open();
    const again = await workbench.exporting.download('json');
    expect(again.content.toString()).toBe(exported.content.toString());
  });
});
