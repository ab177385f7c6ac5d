import type { Locator, Page } from '@playwright/test';

/** The list of flows and samples. */
export class StartScreen {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  async open(): Promise<void> {
    await this.page.goto('/');
    await this.page.getByTestId('start-screen').waitFor();
  }

  flow(name: string): Locator {
    return this.page.locator('article').filter({ has: this.page.getByText(name, { exact: true }) });
  }

  async newFlow(): Promise<void> {
    await this.page.getByTestId('new-flow').click();
  }

  async openFlow(name: string): Promise<void> {
    await this.page.getByRole('link', { name: `Open ${name}`, exact: true }).click();
  }

  async openSample(name: string): Promise<void> {
    await this.page.getByTestId(`sample-${name}`).click();
  }

  async deleteFlow(name: string): Promise<void> {
    await this.flow(name).getByTestId('flow-menu').click();
    await this.page.getByRole('menuitem', { name: 'Delete…' }).click();
    await this.page.getByTestId('confirm-delete').click();
    await this.flow(name).waitFor({ state: 'detached' });
  }

  async openImport(): Promise<void> {
    await this.page.getByTestId('import-button').click();
  }
}
