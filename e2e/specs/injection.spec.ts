import { DOOR, doorFlow, soon } from '../flows/door.ts';
import { nodeIdOf } from '../flows/draft.ts';
import { numbered, post } from '../support/ingest.ts';
import { importFlow, topicLines } from '../support/runs.ts';
import { expect, test } from '../support/test.ts';

test('[SM2] fails attempts on purpose, shows it on node and trace, and is healed in one press', async ({
  page,
  client,
  product,
  workbench,
}) => {
  const { canvas, dock, run, runPart } = workbench;
  const flowId = await importFlow(client, doorFlow({ name: 'Failing', work: { retry: soon(3) } }));
  const door = { flowId, path: DOOR.path };
  await workbench.open(flowId);
  await run.run();
  await run.expectStatus('running');
  await canvas.select(DOOR.work);
  await runPart.inject({ kind: 'fail', rate: '100' });
  await expect(canvas.flag(DOOR.work, 'fault')).toHaveText('Fail attempts');
  await expect(canvas.flag(DOOR.work, 'fault')).toHaveAttribute('title', /has not fired yet/);
  await expect(page.getByTestId('faults-running')).toHaveAttribute('data-count', '1');

  await post(product.url, door, numbered(5));
  await canvas.expectCounters(DOOR.work, { in: 5, out: 0, failed: 15, retried: 10, deadLettered: 5 });
  await expect(canvas.flag(DOOR.work, 'fault')).toHaveAttribute('title', /fired 15×/);
  await dock.open('faults');
  await expect(dock.root.getByTestId('active-fault')).toHaveAttribute('data-fired', '15');
  await dock.openTraceOf('k3');
  await expect(dock.attemptsAt(nodeIdOf(DOOR.work))).toHaveCount(3);
  await expect(dock.eventMarks('fault-injected').first()).toBeVisible();

  await run.healAll();
  await expect(canvas.flag(DOOR.work, 'fault')).toHaveCount(0);
  await post(product.url, door, numbered(5, { first: 5 }));
  await canvas.expectCounters(DOOR.work, { in: 10, out: 5, failed: 15, deadLettered: 5 });
  await canvas.expectCounters(DOOR.sink, { in: 5 });
  // The list tells those that were broken on purpose from the others.
  await dock.closeTrace();
  await dock.root.getByTestId('trace-filter-text').fill('');
  await expect(dock.traceRows()).toHaveCount(10);
  await expect(dock.faultedTraceRows()).toHaveCount(5);
  await expect(dock.faultedTraceRows().first().getByRole('img')).toHaveAccessibleName(
    'Faults were injected 3 times',
  );
  await page.reload();
  await dock.open('traces');
  await expect(dock.faultedTraceRows()).toHaveCount(5);
  await run.stop();
});

test('[SM2] an edge duplicates, delays and corrupts on purpose, with exact counts', async ({
  client,
  product,
  workbench,
}) => {
  const { canvas, run, runPart } = workbench;
  const flowId = await importFlow(client, doorFlow({ name: 'Leaky' }));
  const door = { flowId, path: DOOR.path };
  await workbench.open(flowId);
  await run.run();
  await run.expectStatus('running');

  await canvas.selectEdge(DOOR.door, DOOR.orders);
  await runPart.inject({ kind: 'duplicate', rate: '100' });
  await expect(canvas.edgeMarks(DOOR.door, DOOR.orders)).toHaveAttribute('data-faults', 'duplicate');
  await post(product.url, door, numbered(4));
  await canvas.expectCounters(DOOR.orders, { in: 8 });
  await canvas.expectCounters(DOOR.work, { in: 8 });
  await canvas.expectCounters(DOOR.sink, { in: 8 });
  await runPart.faults('duplicate').getByTestId('heal-fault').click();
  await expect(runPart.faults('duplicate')).toHaveCount(0);
  await expect(canvas.edgeMarks(DOOR.door, DOOR.orders)).not.toHaveAttribute('data-faults', /./);
  await post(product.url, door, numbered(1, { first: 4 }));
  await canvas.expectCounters(DOOR.orders, { in: 9 });

  await runPart.inject({ kind: 'corrupt', rate: '100' });
  await post(product.url, door, numbered(1, { first: 5 }));
  await canvas.expectCounters(DOOR.orders, { in: 10 });
  await run.healAll();
  const [{ id: runId = '' } = {}] = (await client.request('run.list', {})).runs;
  const lines = await topicLines(product.url, runId, nodeIdOf(DOOR.orders));
  expect(lines).toHaveLength(10);
  // The copies go by one id, and are recognisable for it; of what was mangled the number is gone.
  expect(new Set(lines.slice(0, 8).map(({ id }) => id)).size).toBe(4);
  expect(lines.map(({ data }) => data?.n)).toEqual([
    ...lines.slice(0, 9).map(({ data }) => data?.n),
    undefined,
  ]);

  await canvas.selectEdge(DOOR.orders, DOOR.work);
  await runPart.inject({ kind: 'delay', delay: '2 s', duration: '10 min' });
  await expect(runPart.faults('delay')).toContainText('heals itself in');
  await post(product.url, door, numbered(1, { first: 6 }));
  await canvas.expectCounters(DOOR.sink, { in: 11 });
  const { traces } = await client.request('trace.list', { runId, text: 'k6', limit: 10 });
  const { records } = await client.request('trace.get', {
    runId,
    correlationId: traces[0]?.correlationId ?? '',
  });
  const at = (kind: string, name: string): number =>
    records.find((record) => record.kind === kind && record.nodeId === nodeIdOf(name))?.timeMs ?? Number.NaN;
  expect(at('delivered', DOOR.work) - at('appended', DOOR.orders)).toBeGreaterThanOrEqual(2000);
  await run.stop();
});

test('[SM2] an instance crashes from the menu of its node, and comes back when its time is over', async ({
  page,
  client,
  product,
  workbench,
}) => {
  const { canvas, dock, run, runPart } = workbench;
  const flowId = await importFlow(client, doorFlow({ name: 'Crashing' }));
  await workbench.open(flowId);
  await run.run();
  await run.expectStatus('running');
  await canvas.node(DOOR.work).click({ button: 'right', position: { x: 24, y: 14 } });
  await page.getByRole('menuitem', { name: 'Inject a fault: Crash…' }).click();
  // The form has the kind and the focus.
  await expect(runPart.root.getByTestId('fault-kind')).toBeFocused();
  await runPart.fillAndInject({ kind: 'crash', duration: '20 s' });
  await expect(runPart.faults('crash')).toContainText('heals itself in');
  await runPart.open('group');
  await runPart.expectStates('down');
  await expect(canvas.flag(DOOR.work, 'fault')).toHaveText('Crash');
  await post(product.url, { flowId, path: DOOR.path }, numbered(3));
  await canvas.expectCounters(DOOR.orders, { in: 3 });
  await canvas.expectCounters(DOOR.work, { in: 0 });
  await dock.open('faults');

  await expect(dock.root.getByTestId('faults-empty')).toBeVisible({ timeout: 60_000 });
  await runPart.expectStates('up');
  await canvas.expectCounters(DOOR.work, { in: 3, out: 3 });
  await canvas.expectCounters(DOOR.sink, { in: 3 });
  await run.stop();
});

test('a fault that makes no sense is not injected, and the field says why', async ({ client, workbench }) => {
  const { canvas, run, runPart } = workbench;
  await workbench.open(await importFlow(client, doorFlow({ name: 'Refused' })));
  await run.run();
  await run.expectStatus('running');
  await canvas.select(DOOR.work);
  await runPart.open('faults');
  await runPart.root.getByTestId('fault-kind').selectOption('slow');
  await runPart.root.getByTestId('fault-delay').fill('soon');
  await runPart.root.getByTestId('fault-rate').fill('200');
  await runPart.root.getByTestId('fault-inject').click();
  await expect(runPart.root).toContainText('A time of 1 ms to 1 h');
  await expect(runPart.root).toContainText('A share above 0 and up to 100 %');
  await expect(runPart.faults('slow')).toHaveCount(0);
  // By the keyboard alone: heal through the palette what was injected through it.
  await workbench.command('Inject a fault: Pause');
  await runPart.fillAndInject({ kind: 'pause' });
  await workbench.command('Heal all faults');
  await expect(runPart.faults('pause')).toHaveCount(0);
  await run.stop();
});
