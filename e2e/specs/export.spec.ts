import type { Page } from '@playwright/test';
import { PIPELINE, pipeline } from '../flows/pipeline.ts';
import { downloaded } from '../pages/exportDialog.ts';
import { dropFile, pasteText } from '../pages/importDialog.ts';
import { importFlow, parseLines } from '../support/runs.ts';
import { expect, test } from '../support/test.ts';

const COUNT = 30;
const exported = () => pipeline({ name: 'To be exported', count: COUNT, ratePerSecond: 300 });

test('exports the drawing in every format', async ({ page, client, workbench }) => {
  const { exporting } = workbench;
  await workbench.open(await importFlow(client, exported()));
  await exporting.open();
  const texts = {
    json: { file: 'to-be-exported.flow.json', has: ['"format": "millrace.flow"', '"name": "Double"'] },
    yaml: { file: 'to-be-exported.flow.yaml', has: ['format: millrace.flow', 'name: Double'] },
    mermaid: { file: 'to-be-exported.mmd', has: ['flowchart', 'Double', '-->'] },
    markdown: { file: 'to-be-exported.md', has: ['# To be exported', 'Double', 'export function handle'] },
    svg: { file: 'to-be-exported.svg', has: ['<svg', 'Double', '</svg>'] },
  } as const;
  for (const [format, { file, has }] of Object.entries(texts)) {
    const { name, content } = await exporting.download(format as keyof typeof texts);
    expect(name).toBe(file);
    for (const part of has) expect(content.toString(), `${format} has ${part}`).toContain(part);
  }
  const png = await exporting.download('png');
  expect(png.name).toBe('to-be-exported.png');
  const picture = await decoded(page, png.content);
  expect(picture.width).toBeGreaterThan(1000);
  expect(picture.height).toBeGreaterThan(80);
  expect(picture.colours, 'more than an empty sheet').toBeGreaterThan(20);
});

test('exports the messages of a topic as CloudEvents and the traces of a run too, one a line', async ({
  page,
  client,
  workbench,
}) => {
  const { dock, run } = workbench;
  await workbench.open(await importFlow(client, exported()));
  await run.run();
  await run.expectStatus('completed');
  await dock.open('messages');
  await dock.chooseTopic(PIPELINE.derived);
  const messages = await downloaded(page, () => dock.root.getByTestId('messages-export').click());
  expect(messages.name).toMatch(/\.jsonl$/);
  const lines = parseLines(messages.content.toString());
  expect(lines.map((line) => line.data.index).toSorted((a, b) => Number(a) - Number(b))).toEqual(
    Array.from({ length: COUNT }, (_, index) => index),
  );
  expect(lines[0]).toMatchObject({ specversion: '1.0', datacontenttype: 'application/json' });

  await dock.open('traces');
  const traces = await downloaded(page, () => dock.root.getByTestId('traces-export').click());
  const facts = traces.content
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { type: string; correlationid: string });
  expect(facts.filter(({ type }) => type === 'dev.millrace.trace.produced')).toHaveLength(COUNT);
  expect(new Set(facts.map(({ correlationid }) => correlationid)).size).toBe(COUNT);
});

test('imports a flow by file, by paste and by dragging it onto the page', async ({
  page,
  client,
  start,
  workbench,
}) => {
  const flowId = await importFlow(client, exported());
  await workbench.open(flowId);
  await workbench.exporting.open();
  const json = (await workbench.exporting.download('json')).content.toString();
  const yaml = (await workbench.exporting.download('yaml')).content.toString();
  await workbench.exporting.close();

  await start.open();
  await start.openImport();
  await workbench.importing.chooseFile({ name: 'flow.flow.yaml', text: yaml });
  await expect(workbench.canvas.nodes()).toHaveCount(5);
  expect(workbench.flowId(), 'nothing that is there is replaced').not.toBe(flowId);

  const byFile = workbench.flowId();
  await dropFile(page, { name: 'flow.flow.json', text: json });
  await expect.poll(() => workbench.flowId()).not.toBe(byFile);
  await expect(workbench.canvas.nodes()).toHaveCount(5);

  await workbench.toStart();
  await expect(page.locator('article')).toHaveCount(3);
  await pasteText(page, json);
  await page.getByTestId('import-run').click();
  await expect(workbench.canvas.nodes()).toHaveCount(5);
  await workbench.toStart();
  await expect(page.locator('article')).toHaveCount(4);
});

/** What a picture holds, by the browser's own decoder. */
function decoded(page: Page, png: Buffer): Promise<{ width: number; height: number; colours: number }> {
  return page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
    const { width, height } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext('2d');
    if (!context) throw new Error('this browser has no canvas to draw on');
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    return { width, height, colours: new Set(new Uint32Array(data.buffer)).size };
  }, png.toString('base64'));
}
