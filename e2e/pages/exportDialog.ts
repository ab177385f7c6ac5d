import { readFile } from 'node:fs/promises';
import type { Download, Locator, Page } from '@playwright/test';

export type ExportFormat = 'json' | 'yaml' | 'mermaid' | 'markdown' | 'svg' | 'png';

/** Looks at the flow in another format, and keeps it. */
export class ExportDialog {
  readonly page: Page;
  readonly root: Locator;

  constructor(page: Page) {
    this.page = page;
    this.root = page.getByRole('dialog', { name: 'Export' });
  }

  async open(): Promise<void> {
    await this.page.getByTestId('export-button').click();
    await this.root.waitFor();
  }

  async download(format: ExportFormat): Promise<{ name: string; content: Buffer }> {
    await this.root.getByTestId(`format-${format}`).click();
    return downloaded(this.page, () => this.root.getByTestId('export-download').click());
  }

  async close(): Promise<void> {
    await this.page.keyboard.press('Escape');
    await this.root.waitFor({ state: 'detached' });
  }
}

/** What the browser saves when something is done. */
export async function downloaded(
  page: Page,
  act: () => Promise<void>,
): Promise<{ name: string; content: Buffer }> {
  const [download] = await Promise.all([page.waitForEvent('download'), act()]);
  return { name: download.suggestedFilename(), content: await contentOf(download) };
}

async function contentOf(download: Download): Promise<Buffer> {
  return readFile(await download.path());
}
