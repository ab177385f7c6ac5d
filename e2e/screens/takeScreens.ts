import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { type Browser, chromium, expect, type Page } from '@playwright/test';
import { findChromium } from '../../scripts/chromium.ts';
import { StartScreen } from '../pages/startScreen.ts';
import { Workbench } from '../pages/workbench.ts';
import { type Client, connectClient } from '../support/client.ts';
import { startProduct, temporaryFolder } from '../support/product.ts';
import { importFlow, untilStatus } from '../support/runs.ts';
import { breakable, shootBreaking } from './breakingScreens.ts';
import { withProblems } from './screenFlows.ts';

const SIZES = [
  { width: 1440, height: 900 },
  { width: 1024, height: 768 },
] as const;
const SCHEMES = ['light', 'dark'] as const;

type Shoot = (name: string) => Promise<void>;

const PARTS = ['all', 'breaking'] as const;
type Part = (typeof PARTS)[number];

/**
 * Pictures of every screen in both schemes and two sizes: `node e2e/screens/takeScreens.ts <folder>`; with `breaking`
 * after it only those of faults, groups and dead letters.
 */
async function takeScreens(folder: string, part: Part): Promise<void> {
  await mkdir(folder, { recursive: true });
  const data = await temporaryFolder('screens');
  const server = await startProduct({ dataFolder: data.folder });
  const client = await connectClient(server.url);
  const executablePath = findChromium();
  const browser = await chromium.launch(executablePath === undefined ? {} : { executablePath });
  try {
    const flows = await prepare(client);
    for (const colorScheme of SCHEMES) {
      for (const viewport of SIZES) {
        const page = await openPage(browser, server.url, { colorScheme, viewport });
        const shoot: Shoot = async (name) => {
          const file = `${name}-${colorScheme}-${viewport.width}.png`;
          await page.screenshot({ path: path.join(folder, file) });
          process.stdout.write(`${file}\n`);
        };
        if (part === 'all') await shootAll(page, flows, shoot);
        await shootBreaking(page, flows.breakable, shoot);
        await page.context().close();
      }
    }
  } finally {
    await browser.close();
    client.close();
    await server.stop();
    await data.remove();
  }
}

type Flows = {
  earthquakes: string;
  orders: string;
  flights: string;
  problems: string;
  empty: string;
  breakable: string;
};

/** The samples, with the earthquakes done, the orders going on, and a drawing with something wrong. */
async function prepare(client: Client): Promise<Flows> {
  const sample = async (name: string): Promise<string> =>
    (await client.request('flow.createFromSample', { name })).document.id;
  const flows = {
    earthquakes: await sample('earthquakes'),
    orders: await sample('orders'),
    flights: await sample('flights'),
    problems: await importFlow(client, withProblems()),
    breakable: await importFlow(client, breakable()),
    empty: (await client.request('flow.create', { name: 'Untitled flow' })).document.id,
  };
  const first = await client.request('run.start', { flowId: flows.earthquakes, paused: false });
  await untilStatus(client, first.id, 'completed');
  await client.request('run.start', { flowId: flows.earthquakes, paused: false });
  await client.request('run.start', { flowId: flows.orders, paused: false });
  await client.request('run.start', { flowId: flows.breakable, paused: false });
  return flows;
}

async function openPage(
  browser: Browser,
  baseURL: string,
  look: { colorScheme: 'light' | 'dark'; viewport: { width: number; height: number } },
): Promise<Page> {
  const context = await browser.newContext({ baseURL, ...look });
  return context.newPage();
}

async function shootAll(page: Page, flows: Flows, shoot: Shoot): Promise<void> {
  const start = new StartScreen(page);
  const workbench = new Workbench(page);
  const { canvas, dock, run } = workbench;

  await start.open();
  await expect(page.getByTestId('sample-orders')).toBeVisible();
  await shoot('start');
  await start.openImport();
  await workbench.importing.importText('{\n  "format": "millrace.flow",\n  "nodes": [,]\n}\n');
  await expect(workbench.importing.fault).toBeVisible();
  await shoot('import-fault');

  await workbench.open(flows.empty);
  await page.getByTestId('empty-canvas').waitFor();
  await shoot('empty');

  await workbench.open(flows.problems);
  await dock.open('problems');
  await shoot('problems');

  await workbench.open(flows.orders);
  await run.expectStatus('running');
  await expect
    .poll(() => canvas.counterValue('Take payment', 'deadLettered'), { timeout: 60_000 })
    .toBeGreaterThan(0);
  await dock.open('traces');
  await expect(dock.traceRows().first()).toBeVisible();
  await shoot('orders-traces');
  await dock.root.getByTestId('trace-filter-status').click();
  await page.getByRole('option', { name: 'dead-lettered', exact: true }).click();
  await expect(dock.traceRows().and(page.locator(':not([data-status="dead-lettered"])'))).toHaveCount(0);
  await dock.traceRows().first().click();
  await expect(dock.spans().first()).toBeVisible();
  await shoot('orders-trace');
  await dock.spans().nth(1).click();
  await shoot('orders-span');
  await dock.closeTrace();
  await dock.open('messages');
  await dock.chooseTopic('failed-payments');
  await dock.messageRows().first().click();
  await shoot('orders-dead-letter');
  await dock.open('metrics');
  await expect(page.getByText('Messages per second')).toBeVisible();
  await shoot('orders-metrics');
  await dock.open('logs');
  await expect(dock.logLines().first()).toBeVisible();
  await shoot('orders-logs');
  await canvas.select('Take payment');
  await workbench.inspector.codeEditor().waitFor();
  await shoot('handler-code');
  await workbench.exporting.open();
  for (const format of ['json', 'mermaid', 'svg'] as const) {
    await workbench.exporting.root.getByTestId(`format-${format}`).click();
    await workbench.exporting.root.getByTestId(/^export-(text|picture)$/).waitFor();
    await shoot(`export-${format}`);
  }
  await workbench.exporting.close();
  await shootReplacement(workbench, shoot);
  await page.keyboard.press('Control+k');
  await page.getByLabel('Search commands').waitFor();
  await shoot('command-palette');
  await page.keyboard.press('Escape');

  await workbench.open(flows.earthquakes);
  await run.expectStatus('completed');
  await dock.open('traces');
  await dock.traceRows().first().click();
  await expect(dock.spans().first()).toBeVisible();
  await shoot('earthquakes');
  await dock.open('messages');
  await dock.messageRows().first().click();
  await expect(dock.messageDetail().getByTestId('message-handle-again')).toBeVisible();
  await shoot('message');
  const list = await run.openList();
  await shoot('run-list');
  await list.compare(0, 1);
  await shoot('run-comparison');
  await page.goto('/nowhere');
  await shoot('not-found');
}

/** What a drawing that was edited would change in its run; the edits are taken back. */
async function shootReplacement({ canvas, inspector, run, page }: Workbench, shoot: Shoot): Promise<void> {
  await canvas.select('Take payment');
  await inspector.pasteCode("export const handle = (event, ctx) => ctx.emit('out', event.data);");
  await canvas.select('failed-payments');
  await page.keyboard.press('Delete');
  const dialog = await run.lookAtChanges();
  await dialog.root.locator('summary').first().click();
  await shoot('apply-changes');
  await dialog.cancel();
  await shoot('changes-pending');
  const undo = page.getByTestId('undo');
  while (await undo.isEnabled()) await undo.click();
  await expect(page.getByTestId('save-state')).toHaveAttribute('data-state', 'saved');
}

const [folder, wanted = 'all'] = process.argv.slice(2);
const part = PARTS.find((name) => name === wanted);
if (folder === undefined || part === undefined) {
  process.stderr.write(`usage: node e2e/screens/takeScreens.ts <folder> [${PARTS.join(' | ')}]\n`);
  process.exitCode = 2;
} else await takeScreens(path.resolve(folder), part);
