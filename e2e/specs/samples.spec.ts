import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { runFolder, sinkLines } from '../support/runs.ts';
import { countFlights, countQuakes, lastDepartures } from '../support/sampleData.ts';
import { expect, test } from '../support/test.ts';

test('opens the earthquakes sample and gets exactly the strong ones', async ({ start, workbench }) => {
  const { all, strong } = await countQuakes();
  const { canvas, run } = workbench;
  await start.open();
  await start.openSample('earthquakes');
  await run.run();
  await run.expectStatus('completed');
  await canvas.expectCounters('USGS reports', { out: all });
  await canvas.expectCounters('quakes', { in: all, lag: 0 });
  await canvas.expectCounters('Magnitude 4.5+', { in: all, out: strong, failed: 0 });
  await canvas.expectCounters('strong-quakes', { in: strong });
  await canvas.expectCounters('Classify', { in: strong, out: strong, failed: 0 });
  await canvas.expectCounters('Alert file', { in: strong, failed: 0 });
});

test('opens the flights sample and sees each sorted by its delay', async ({ start, workbench }) => {
  const { all, late, delayed, early, onTime } = await countFlights();
  const { canvas, run } = workbench;
  await start.open();
  await start.openSample('flights');
  await run.run();
  await run.expectStatus('completed', 90_000);
  await canvas.expectCounters('Departures', { out: all });
  await canvas.expectCounters('By delay', { in: all, out: all, failed: 0 });
  await canvas.expectCounters('late-flights', { in: late });
  await canvas.expectCounters('delayed-flights', { in: delayed });
  await canvas.expectCounters('early-flights', { in: early });
  await canvas.expectCounters('on-time-flights', { in: onTime });
  await canvas.expectCounters('Very late', { in: late });
  await canvas.expectCounters('On-time file', { in: onTime });
});

test('[KD15] opens the airports sample and finds a row for each airport, and every flight in a report', async ({
  start,
  client,
  product,
  workbench,
}) => {
  const { all } = await countFlights();
  const { canvas, run } = workbench;
  await start.open();
  await start.openSample('airports');
  await run.run();
  await run.expectStatus('completed', 90_000);
  await canvas.expectCounters('Departure', { in: all, out: all, failed: 0 });
  await canvas.expectCounters('Airports', { in: all, failed: 0 });
  await canvas.expectCounters('Reports', { in: all, failed: 0 });
  const [{ id: runId } = { id: '' }] = (await client.request('run.list', {})).runs;

  const lasts = await lastDepartures();
  const database = new DatabaseSync(path.join(runFolder(product.dataFolder, runId), 'files', 'airports.db'));
  const rows = database.prepare('SELECT airport, last_departure FROM airports').all();
  database.close();
  expect(new Map(rows.map((row) => [row.airport, row.last_departure]))).toEqual(lasts);

  type Report = { count: number; items: unknown[] };
  const reports = (await sinkLines(product.dataFolder, runId, 'reports.jsonl')) as unknown as Report[];
  expect(reports.reduce((sum, { items }) => sum + items.length, 0)).toBe(all);
  expect(reports.every(({ count, items }) => count === items.length && count <= 250)).toBe(true);
});

test('[DL3] [DL4] opens the orders sample and sees payments retried and given up on', async ({
  page,
  start,
  workbench,
}) => {
  const { canvas, dock, run } = workbench;
  await start.open();
  await start.openSample('orders');
  await run.run();
  await run.expectStatus('running');
  await expect.poll(() => canvas.counterValue('Take payment', 'retried')).toBeGreaterThan(0);
  await expect
    .poll(() => canvas.counterValue('Take payment', 'deadLettered'), { timeout: 60_000 })
    .toBeGreaterThan(0);
  await run.stop();

  await dock.open('messages');
  await dock.chooseTopic('failed-payments');
  await dock.messageRows().first().click();
  const letter = dock.messageDetail().getByTestId('dead-letter');
  await expect(letter).toContainText('after 4 attempts');
  await expect(letter).toContainText('CARD_DECLINED');
  await dock.messageDetail().getByTestId('message-open-trace').click();
  await expect(dock.spans().and(page.locator('[data-span-status="failed"]'))).toHaveCount(4);
  await expect(canvas.node('failed-payments')).toHaveClass(/\blit\b/);
});

test('opens the web hook sample, posts a sign-up and reads it in the logs', async ({
  page,
  start,
  workbench,
}) => {
  const { canvas, dock, inspector, run } = workbench;
  await start.open();
  await start.openSample('web-hook');
  await run.run();
  await run.expectStatus('running');
  await canvas.select('Sign-up form');
  const address = inspector.root.getByText(/^http:\/\/127\.0\.0\.1:\d+\/ingest\/[^/]+\/signups$/);
  const url = await address.innerText();

  const accepted = await page.request.post(url, { data: { email: 'Ada.Lovelace@Example.org', plan: 'pro' } });
  expect(accepted.status()).toBe(202);
  await page.request.post(url, { data: { plan: 'free' } });

  await dock.open('logs');
  await expect(dock.logLines().filter({ hasText: 'Ada Lovelace signed up for pro' })).toBeVisible();
  await expect(dock.logLines().filter({ hasText: 'ada.lovelace@example.org' })).toBeVisible();
  await canvas.expectCounters('Sign-up form', { out: 2 });
  await canvas.expectCounters('New contacts', { in: 1 });
  await canvas.expectCounters('rejected-signups', { in: 1 });
  await run.stop();
});
