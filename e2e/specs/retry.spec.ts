import { DOOR, doorFlow, soon } from '../flows/door.ts';
import { nodeIdOf } from '../flows/draft.ts';
import { type Posted, post } from '../support/ingest.ts';
import { importFlow, topicLines } from '../support/runs.ts';
import { expect, test } from '../support/test.ts';

const TWICE = `export function handle(event, ctx) {
  if (event.data.n === 0 && event.attempt < 3) ctx.fail('NOT_YET', \`attempt \${event.attempt} is too early\`);
  if (event.data.n === 9) ctx.fail('CARD_DECLINED');
  ctx.emit('out', event.data);
}
`;
const SENT: Posted[] = [
  { key: 'same', data: { n: 0 } },
  { key: 'same', data: { n: 1 } },
];

for (const { order, label, expected } of [
  { order: 'in-order', label: 'Others wait', expected: [0, 1] },
  { order: 'out-of-order', label: 'Others pass', expected: [1, 0] },
] as const) {
  test(`[DL3] retries ${order}: attempts are seen one by one, and ${label.toLowerCase()}`, async ({
    page,
    client,
    product,
    workbench,
  }) => {
    const { canvas, dock, inspector, run } = workbench;
    const work = { code: TWICE, retry: soon(3, 600) };
    const flowId = await importFlow(client, doorFlow({ name: `Retry ${order}`, work }));
    await workbench.open(flowId);
    await canvas.select(DOOR.work);
    await inspector.root.getByTestId('section-delivery').click();
    await inspector.field('retry.order').getByText(label).click();
    await workbench.whenSaved();
    await run.run();
    await run.expectStatus('running');
    await post(product.url, { flowId, path: DOOR.path }, SENT);
    await canvas.expectCounters(DOOR.work, { in: 2, out: 2, failed: 2, retried: 2, deadLettered: 0 });
    await canvas.expectCounters(DOOR.sink, { in: 2 });
    const [{ id: runId = '' } = {}] = (await client.request('run.list', {})).runs;
    const lines = await topicLines(product.url, runId, nodeIdOf(DOOR.done));
    expect(lines.map(({ data }) => data.n)).toEqual(expected);

    await dock.open('traces');
    await dock.root.getByTestId('trace-filter-status').click();
    await page.getByRole('option', { name: 'retried', exact: true }).click();
    await expect(dock.traceRows()).toHaveCount(1);
    await dock.traceRows().first().click();
    const attempts = dock.attemptsAt(nodeIdOf(DOOR.work));
    await expect(attempts).toHaveCount(3);
    expect(
      await attempts.evaluateAll((rows) => rows.map((row) => row.getAttribute('data-span-status'))),
    ).toEqual(['failed', 'failed', 'ok']);
    await expect(attempts.nth(0).getByLabel('will be retried')).toBeVisible();
    await expect(attempts.nth(2)).toContainText('attempt 3');
    await run.stop();
  });
}

test('[DL3] what another attempt cannot mend is not tried again', async ({ client, product, workbench }) => {
  const { canvas, inspector, run } = workbench;
  const flowId = await importFlow(
    client,
    doorFlow({ name: 'Hopeless', work: { code: TWICE, retry: soon(5) } }),
  );
  await workbench.open(flowId);
  await canvas.select(DOOR.work);
  const delivery = inspector.root.getByRole('region', { name: 'Delivery' });
  await delivery.getByTestId('section-delivery').click();
  await delivery.getByRole('button', { name: 'Advanced' }).first().click();
  await inspector.set('retry.exceptFor', 'CARD_DECLINED');
  await workbench.whenSaved();
  await run.run();
  await run.expectStatus('running');
  await post(product.url, { flowId, path: DOOR.path }, [{ key: 'x', data: { n: 9 } }]);
  await canvas.expectCounters(DOOR.work, { in: 1, failed: 1, retried: 0, deadLettered: 1 });
  await run.stop();
});
