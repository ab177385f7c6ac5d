import { expect, type Locator, type Page } from '@playwright/test';

const ENDED_MS_MAX = 45_000;

/** Run controls and what the shown run is doing, in the top bar. */
export class RunBar {
  readonly page: Page;
  readonly status: Locator;

  constructor(page: Page) {
    this.page = page;
    this.status = page.getByTestId('run-status');
  }

  async run(): Promise<void> {
    await this.page.getByTestId('run-start').click();
  }

  /** Presses Run although it says that it cannot: that is how one asks why. */
  async runRefused(): Promise<void> {
    const button = this.page.getByTestId('run-start');
    await expect(button).toHaveAttribute('aria-disabled', 'true');
    await button.click({ force: true });
  }

  /** Through the command palette's key: the run begins holding still. */
  async runPaused(): Promise<void> {
    await this.page.keyboard.press('Control+Shift+Enter');
    await this.expectStatus('paused');
  }

  async pause(): Promise<void> {
    await this.page.getByTestId('run-pause').click();
    await this.expectStatus('paused');
  }

  async resume(): Promise<void> {
    await this.page.getByTestId('run-resume').click();
    await this.expectStatus('running');
  }

  async step(): Promise<void> {
    await this.page.getByTestId('run-step').click();
  }

  async stop(): Promise<void> {
    await this.page.getByTestId('run-stop').click();
    await this.expectStatus('stopped');
  }

  async expectStatus(status: string, timeout: number = ENDED_MS_MAX): Promise<void> {
    await expect(this.status).toHaveAttribute('data-status', status, { timeout });
  }

  /** Ends every fault that is on, in one press. */
  async healAll(): Promise<void> {
    await this.page.getByTestId('heal-all').click();
    await expect(this.page.getByTestId('faults-running')).toHaveCount(0);
  }

  /** Opens the list of what happened to the run as a whole. */
  async notices(): Promise<Locator> {
    const list = this.page.getByRole('list', { name: 'Notices of this run' });
    if (!(await list.isVisible())) await this.page.getByTestId('run-notices').click();
    await list.waitFor();
    return list;
  }
}
