import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { runFolder, sinkLines } from '../support/runs.ts';
import { expect, test } from '../support/test.ts';

const COUNT = 200;
/** Of the squares of 0 to 199. */
const SUM = 2_646_700;
const EXPRESSION = '({ n: event.offset, square: event.offset ** 2 })';

test('[KD1] [KD5] [KD15] draws a transform, a batch and a database, runs them, and finds every message in a row and a batch', async ({
  page,
  start,
  product,
  client,
  workbench,
}) => {
  const { canvas, inspector, run } = workbench;

  /** Drops a kind where a row of nodes has left room, and names it. */
  const drop = async (kind: string, name: string, at: { x: number; y: number }): Promise<void> => {
    await canvas.fit();
    await canvas.dropFromPalette(kind, at);
    await inspector.set('name', name);
  };

  await test.step('draw', async () => {
    await start.open();
    await start.newFlow();
    await page.getByTestId('empty-canvas').waitFor();
    await canvas.dropFromPalette('generator', { x: 130, y: 90 });
    await inspector.set('name', 'Numbers');
    await inspector.set('ratePerSecond', '1000');
    await inspector.set('count', String(COUNT));
    await canvas.dropFromPalette('transform', { x: 480, y: 90 });
    await inspector.set('name', 'Square');
    await inspector.typeCode(EXPRESSION);
    await canvas.connect('Numbers', 'out', 'Square');
    await page.getByTestId('put-topic-between').click();
    await canvas.select('Numbers events');
    await inspector.set('partitions', '1');
    await drop('topic', 'squares', { x: 560, y: 430 });
    await canvas.connect('Square', 'out', 'squares');
  });

  await test.step('write a table', async () => {
    await drop('database', 'Table', { x: 150, y: 460 });
    await canvas.connect('squares', 'messages', 'Table');
    await canvas.select('Table');
    await inspector.choose('rowKey', 'Payload');
    await inspector.set('rowKey.path', 'n');
    await inspector.choose('columns', 'One per value');
    await inspector.addRow('columns.columns');
    await inspector.set('columns.columns.0.name', 'square');
    await inspector.select('columns.columns.0.type', 'Integer');
  });

  await test.step('refuse a column that SQL has no room for, and say why', async () => {
    await inspector.set('columns.columns.0.name', 'a b');
    await expect(inspector.root.getByText('Letters, digits and underscores, no digit first.')).toBeVisible();
    await inspector.root.getByRole('button', { name: 'Go back to the saved value' }).click();
    await expect(inspector.field('columns.columns.0.name')).toHaveValue('square');
  });

  await test.step('collect batches beside it', async () => {
    await drop('batch', 'Packs', { x: 150, y: 500 });
    await canvas.connect('squares', 'messages', 'Packs');
    await canvas.select('Packs');
    await inspector.set('items', '30');
    await inspector.set('waitMs', '300');
    await drop('topic', 'packs', { x: 560, y: 500 });
    await canvas.connect('Packs', 'out', 'packs');
    await drop('file', 'Packs file', { x: 300, y: 510 });
    await canvas.connect('packs', 'messages', 'Packs file');
    await canvas.select('Packs file');
    await inspector.set('path', 'packs.jsonl');
    await inspector.choose('content', 'Payload');
    await workbench.whenSaved();
    await expect(page.getByTestId('problem-count'), 'no errors and no warnings').toHaveCount(0);
  });

  await run.run();
  await run.expectStatus('completed');
  const [{ id: runId } = { id: '' }] = (await client.request('run.list', {})).runs;

  await canvas.expectCounters('Square', { in: COUNT, out: COUNT, failed: 0 });
  await canvas.expectCounters('Table', { in: COUNT, failed: 0 });
  await canvas.expectCounters('Packs', { in: COUNT, failed: 0 });

  const database = new DatabaseSync(path.join(runFolder(product.dataFolder, runId), 'files', 'messages.db'));
  const [found] = database.prepare('SELECT count(*) AS rows, sum(square) AS sum FROM messages').all();
  database.close();
  expect(found).toEqual({ rows: COUNT, sum: SUM });

  const packs = (await sinkLines(product.dataFolder, runId, 'packs.jsonl')) as unknown as {
    square: number;
  }[][];
  expect(packs.flat().reduce((sum, { square }) => sum + square, 0)).toBe(SUM);
  expect(packs.flat()).toHaveLength(COUNT);
  expect(Math.max(...packs.map((pack) => pack.length))).toBeLessThanOrEqual(30);
  await canvas.expectCounters('Packs', { out: packs.length });
});
