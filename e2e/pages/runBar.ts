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

  /** Rule RN4: opens the list of what the drawing would change in the run. */
  async lookAtChanges(): Promise<ReplacementDialog> {
    await this.page.getByTestId('run-apply').click();
    return this.lookedAtChanges();
  }

  /** The list is open, or about to be. */
  async lookedAtChanges(): Promise<ReplacementDialog> {
    const dialog = new ReplacementDialog(this.page);
    await dialog.changes().first().waitFor();
    return dialog;
  }

  async openList(): Promise<RunList> {
    const list = new RunList(this.page);
    if (!(await list.search.isVisible())) await this.page.getByTestId('run-list-toggle').click();
    await list.search.waitFor();
    return list;
  }
}

export class ReplacementDialog {
  readonly page: Page;
  readonly root: Locator;
  readonly problem: Locator;

  constructor(page: Page) {
    this.page = page;
    this.root = page.getByRole('dialog', { name: 'Apply the changes to the run' });
    this.problem = page.getByTestId('replacement-problem');
  }

  changes(): Locator {
    return this.root.getByTestId('replacement-change');
  }

  change(nodeId: string): Locator {
    return this.root.locator(`[data-testid="replacement-change"][data-id="${nodeId}"]`);
  }

  async apply(): Promise<void> {
    await this.root.getByTestId('replacement-apply').click();
  }

  async whenApplied(): Promise<void> {
    await this.root.waitFor({ state: 'detached', timeout: ENDED_MS_MAX });
  }

  async cancel(): Promise<void> {
    await this.root.getByRole('button', { name: 'Cancel' }).click();
    await this.root.waitFor({ state: 'detached' });
  }
}

/** The runs of the open flow. */
export class RunList {
  readonly page: Page;
  readonly search: Locator;
  readonly comparison: Locator;

  constructor(page: Page) {
    this.page = page;
    this.search = page.getByTestId('run-search');
    this.comparison = page.getByTestId('run-comparison');
  }

  lines(): Locator {
    return this.page.getByTestId('run-line');
  }

  forkMarks(): Locator {
    return this.page.getByTestId('run-fork-mark');
  }

  /** Newest first. */
  async compare(...places: readonly number[]): Promise<void> {
    for (const place of places) await this.page.getByTestId('run-compare').nth(place).check();
    await this.comparison.waitFor();
  }

  /** What both runs say in a row of the comparison, the older one first. */
  async compared(row: string): Promise<string[]> {
    const cells = this.comparison
      .getByRole('row')
      .filter({ has: this.page.getByRole('rowheader', { name: row, exact: true }) });
    return cells.getByRole('cell').allInnerTexts();
  }
}
