import { DOOR, doorFlow, soon } from '../flows/door.ts';
import { draftFlow, nodeIdOf } from '../flows/draft.ts';
import { numbered, post } from '../support/ingest.ts';
import { importFlow, watchOnce } from '../support/runs.ts';
import { expect, test } from '../support/test.ts';

/** Of four orders in a row one has no price, one a bad card, and two go through. */
const CHARGE = `export function handle(event, ctx) {
  const { n } = event.data;
  if (n % 4 === 0) throw new Error(\`no price for order \${n}\`);
  if (n % 4 === 1) ctx.fail('CARD_DECLINED', \`the card of order \${n} was declined\`);
  ctx.emit('out', { n });
}
`;

test('[DL4] [DL5] dead letters are grouped by cause; a dry run tells what a redrive does; the loop guard ends it', async ({
  client,
  product,
  workbench,
}) => {
  const { canvas, dock, run, deadLetters } = workbench;
  const flowId = await importFlow(
    client,
    doorFlow({ name: 'Charges', work: { code: CHARGE, retry: soon(2) } }),
  );
  await workbench.open(flowId);
  await dock.open('dead-letters');
  await expect(dock.root.getByTestId('dead-letters-empty')).toContainText('failed at every attempt');
  await run.run();
  await run.expectStatus('running');
  await post(product.url, { flowId, path: DOOR.path }, numbered(12));
  await canvas.expectCounters(DOOR.work, { in: 12, out: 6, failed: 12, retried: 6, deadLettered: 6 });

  // The figure on the node leads to the reasons.
  await dock.open('logs');
  await canvas.counter(DOOR.work, 'deadLettered').click();
  await expect(deadLetters.causes()).toHaveCount(2);
  await expect(deadLetters.cause('no price for order')).toHaveAttribute('data-count', '3');
  await expect(deadLetters.cause('CARD_DECLINED')).toHaveAttribute('data-count', '3');
  await deadLetters.cause('no price for order').getByTestId('open-sample').click();
  await expect(dock.messageDetail().getByTestId('dead-letter')).toContainText('no price for order 8');
  await expect(dock.messageDetail().getByTestId('dead-letter')).toContainText('after 2 attempts');

  await dock.open('dead-letters');
  await deadLetters.choose('CARD_DECLINED');
  await expect(deadLetters.redriveButton()).toHaveAttribute('aria-disabled', 'true');
  expect(await deadLetters.dryRun()).toEqual({ redriven: 3, passed: 3 });
  // A dry run only looks.
  await expect(deadLetters.jobs()).toHaveCount(0);
  await deadLetters.redrive(3);
  await canvas.expectCounters(DOOR.orders, { in: 15 });
  await canvas.expectCounters(DOOR.work, { in: 15, failed: 18, deadLettered: 9 });

  // What was sent back is not sent back again; what came back may go once more.
  await expect(deadLetters.cause('CARD_DECLINED')).toHaveAttribute('data-count', '6');
  expect(await deadLetters.dryRun()).toEqual({ redriven: 3, already: 3, passed: 3 });
  await deadLetters.redrive(3);
  await canvas.expectCounters(DOOR.work, { in: 18, failed: 24, deadLettered: 12 });
  await expect(deadLetters.cause('CARD_DECLINED')).toHaveAttribute('data-count', '9');
  expect(await deadLetters.dryRun()).toEqual({ redriven: 0, already: 6, guarded: 3, passed: 3 });
  await expect(deadLetters.redriveButton()).toHaveAttribute('aria-disabled', 'true');
  await run.stop();
});

test('[DL5] what failed while something was broken is sent back when it is healed, and handled once', async ({
  client,
  product,
  workbench,
}) => {
  const { canvas, dock, run, runPart, deadLetters } = workbench;
  const flowId = await importFlow(client, doorFlow({ name: 'Outage', work: { retry: soon(3) } }));
  await workbench.open(flowId);
  await run.run();
  await run.expectStatus('running');
  await canvas.select(DOOR.work);
  await runPart.inject({ kind: 'fail', rate: '100' });
  await post(product.url, { flowId, path: DOOR.path }, numbered(10));
  await canvas.expectCounters(DOOR.work, { in: 10, out: 0, failed: 30, retried: 20, deadLettered: 10 });
  await run.healAll();

  await dock.open('dead-letters');
  await expect(deadLetters.causes()).toHaveCount(1);
  await expect(deadLetters.cause('FAULT_INJECTED')).toHaveAttribute('data-count', '10');
  // First one, by its key; then the rest, of which that one is not sent back twice.
  await deadLetters.choose('FAULT_INJECTED');
  await deadLetters.root.getByTestId('redrive-key').fill('k7');
  expect(await deadLetters.dryRun()).toEqual({ redriven: 1, passed: 9 });
  await deadLetters.redrive(1);
  await canvas.expectCounters(DOOR.done, { in: 1 });
  await deadLetters.root.getByTestId('redrive-key').fill('');
  expect(await deadLetters.dryRun()).toEqual({ redriven: 9, already: 1 });
  await deadLetters.redrive(9);
  await canvas.expectCounters(DOOR.done, { in: 10 });
  await canvas.expectCounters(DOOR.work, { in: 20, out: 10, failed: 30, deadLettered: 10 });
  await canvas.expectCounters(DOOR.sink, { in: 10 });

  // The trace tells all of it: three attempts that failed, the way back, and the one that did not fail.
  await dock.openTraceOf('k7');
  await expect(dock.attemptsAt(nodeIdOf(DOOR.work))).toHaveCount(4);
  await expect(dock.eventMarks('redriven').first()).toBeVisible();
  await run.stop();
});

/** Two consumers that fail, each for reasons of its own, until a message tells them that all is mended. */
const mendedByMessage = (reasons: string): string => `export function handle(event, ctx) {
  const { n, mended } = event.data;
  if (mended) ctx.state.set('mended', true);
  else if (!ctx.state.get('mended')) {
    ${reasons}
  }
  ctx.emit('out', { n: n ?? -1 });
}
`;

function twoConsumers(name: string) {
  const charge = "if (n % 2 === 0) throw new Error('no price'); ctx.fail('CARD_DECLINED', 'declined');";
  const ship =
    "if (n % 3 === 0) ctx.fail('NO_STOCK', 'nothing left'); if (n % 3 === 1) throw new Error('no address');";
  return draftFlow(name)
    .add('http', 'Door', { path: DOOR.path, eventType: 'test.order' })
    .add('topic', 'orders', { partitions: 1 })
    .add('handler', 'Charge', { code: mendedByMessage(charge), retry: soon(1) })
    .add('handler', 'Ship', { code: mendedByMessage(ship), retry: soon(1) })
    .add('topic', 'charged', { partitions: 1 })
    .add('topic', 'shipped', { partitions: 1 })
    .wire('Door', 'orders', 'Charge', 'charged')
    .wire('orders', 'Ship', 'shipped').document;
}

test('[DL5] all that is chosen is sent back by the server, whether or not a page is there to see it', async ({
  client,
  page,
  product,
  workbench,
}) => {
  const { canvas, dock, run, deadLetters } = workbench;
  const flowId = await importFlow(client, twoConsumers('Unattended'));
  await workbench.open(flowId);
  await run.run();
  await run.expectStatus('running');
  const sameKey = { keyOf: () => 'one' };
  await post(product.url, { flowId, path: DOOR.path }, numbered(12, sameKey));
  await canvas.expectCounters('Charge', { in: 12, deadLettered: 12 });
  await canvas.expectCounters('Ship', { in: 12, deadLettered: 8 });
  await post(product.url, { flowId, path: DOOR.path }, [{ key: 'one', data: { mended: true } }]);
  await canvas.expectCounters('Charge', { in: 13 });
  await dock.open('dead-letters');
  await expect(deadLetters.causes()).toHaveCount(4);
  await deadLetters.expectCounts({ waiting: 20, sentBack: 0 });

  // Three causes of two consumers, while the run stands still: nothing is sent back before the page is gone.
  await run.pause();
  for (const cause of ['no price', 'CARD_DECLINED', 'NO_STOCK']) await deadLetters.choose(cause);
  expect(await deadLetters.dryRun()).toEqual({ redriven: 16, passed: 4 });
  await deadLetters.redriveButton().click();
  await expect(deadLetters.jobs()).toHaveCount(1);
  await expect(deadLetters.jobs()).toHaveAttribute('data-status', 'running');
  await page.goto('about:blank');
  const { runs } = await client.request('run.list', { flowId });
  const runId = runs[0]?.id ?? '';
  await client.request('run.resume', { runId });
  await expect
    .poll(async () => (await watchOnce(client, runId)).metrics?.redrives[0])
    .toMatchObject({ status: 'done', total: 20, counts: { redriven: 16, passed: 4 } });

  await workbench.open(flowId);
  await dock.open('dead-letters');
  await canvas.expectCounters('Charge', { out: 13, deadLettered: 12 });
  await canvas.expectCounters('Ship', { out: 9, deadLettered: 8 });
  await expect(deadLetters.jobs()).toHaveAttribute('data-redriven', '16');
  await deadLetters.expectCounts({ waiting: 4, sentBack: 16 });

  // The rest goes back before one's eyes, and the figures are there after a reload, and after the run.
  await deadLetters.choose('no address');
  expect(await deadLetters.dryRun()).toMatchObject({ redriven: 4 });
  await deadLetters.redrive(4);
  await deadLetters.expectCounts({ waiting: 0, sentBack: 20 });
  await page.reload();
  await dock.open('dead-letters');
  await deadLetters.expectCounts({ waiting: 0, sentBack: 20 });
  await run.stop();
  await page.reload();
  await dock.open('dead-letters');
  await deadLetters.expectCounts({ waiting: 0, sentBack: 20 });
});
