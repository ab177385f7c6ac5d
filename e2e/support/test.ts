import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test as base, type ConsoleMessage, expect, type Page, type TestInfo } from '@playwright/test';
import { StartScreen } from '../pages/startScreen.ts';
import { Workbench } from '../pages/workbench.ts';
import { type Client, connectClient } from './client.ts';
import { type Product, startProduct, temporaryFolder } from './product.ts';

/** What the page complained about in its console. A test fails when it complained about something nobody expected. */
export type Complaints = {
  /** From now on, and for what was said already: lines like this are part of what is tested. */
  expect(pattern: RegExp): void;
};

type Fixtures = {
  /** A server of this test's own, on a free port, with an empty data folder. */
  product: Product;
  /** A connection past the page, to set things up and to ask for the server's own numbers. */
  client: Client;
  complaints: Complaints & { watch(page: Page): void };
  start: StartScreen;
  workbench: Workbench;
};

export const test = base.extend<Fixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures it depends on from this pattern.
  product: async ({}, use, testInfo) => {
    const { folder, remove } = await temporaryFolder('e2e');
    const product = await startProduct({ dataFolder: folder });
    await use(product);
    if (testInfo.status !== testInfo.expectedStatus) await attachLogs(testInfo, product);
    await product.kill();
    await remove();
  },
  client: async ({ product }, use) => {
    const client = await connectClient(product.url);
    await use(client);
    client.close();
  },
  baseURL: async ({ product }, use) => {
    await use(product.url);
  },
  complaints: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures it depends on from this pattern.
    async ({}, use) => {
      const said: string[] = [];
      const expected: RegExp[] = [];
      await use({
        expect: (pattern) => expected.push(pattern),
        watch: (page) => {
          page.on('console', (message) => {
            if (message.type() === 'error' || message.type() === 'warning') said.push(lineOf(message));
          });
          page.on('pageerror', (error) => said.push(`uncaught: ${error.stack ?? error.message}`));
        },
      });
      expect(
        said.filter((line) => !expected.some((pattern) => pattern.test(line))),
        'complaints in the console of the page',
      ).toEqual([]);
    },
    { auto: true },
  ],
  page: async ({ page, complaints }, use) => {
    complaints.watch(page);
    await use(page);
  },
  start: async ({ page }, use) => {
    await use(new StartScreen(page));
  },
  workbench: async ({ page }, use) => {
    await use(new Workbench(page));
  },
});

export { expect };

function lineOf(message: ConsoleMessage): string {
  const { url, lineNumber } = message.location();
  return `${message.type()}: ${message.text()} (${url}:${lineNumber})`;
}

async function attachLogs(testInfo: TestInfo, product: Product): Promise<void> {
  const log = await readFile(path.join(product.dataFolder, 'server.log'), 'utf8').catch(() => '');
  await testInfo.attach('server', {
    body: `${product.output()}\n${log.slice(-20_000)}`,
    contentType: 'text/plain',
  });
}
