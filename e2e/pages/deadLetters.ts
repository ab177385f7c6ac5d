import { expect, type Locator, type Page } from '@playwright/test';

export type Outcomes = Partial<Record<'redriven' | 'already' | 'guarded' | 'homeless' | 'passed', number>>;

/** The tab of what consumers gave up on. */
export class DeadLetters {
  readonly page: Page;
  readonly root: Locator;

  constructor(page: Page) {
    this.page = page;
    this.root = page.getByTestId('dead-letters-panel');
  }

  causes(): Locator {
    return this.root.getByTestId('cause-row');
  }

  /** The group of dead letters whose last error holds this text. */
  cause(text: string | RegExp): Locator {
    return this.causes().filter({ hasText: text });
  }

  async choose(text: string | RegExp): Promise<void> {
    await this.cause(text).getByTestId('choose-cause').check();
  }

  /** What would happen to what is chosen. */
  async dryRun(): Promise<Outcomes> {
    await this.root.getByTestId('dry-run').click();
    const lines = this.root.getByTestId('dry-run-result').locator('[data-outcome]');
    await expect(lines.first()).toBeVisible();
    const found = await lines.evaluateAll((elements) =>
      elements.map((element) => [
        element.getAttribute('data-outcome') ?? '',
        Number(element.getAttribute('data-count')),
      ]),
    );
    return Object.fromEntries(found) as Outcomes;
  }

  redriveButton(): Locator {
    return this.root.getByTestId('redrive');
  }

  /** How many wait and how many were sent back, as the tab says it; the panel's lines have to add up to the same. */
  async expectCounts({ waiting, sentBack }: { waiting: number; sentBack: number }): Promise<void> {
    const badge = this.page.getByTestId('dead-letter-count');
    if (waiting === 0) await expect(badge).toHaveCount(0);
    else await expect(badge).toHaveText(String(waiting));
    const total = (attribute: string): Promise<number> =>
      this.root
        .getByTestId('topic-letters')
        .evaluateAll(
          (lines, name) => lines.reduce((sum, line) => sum + Number(line.getAttribute(name)), 0),
          attribute,
        );
    await expect.poll(() => total('data-waiting')).toBe(waiting);
    await expect.poll(() => total('data-sent-back')).toBe(sentBack);
  }

  jobs(): Locator {
    return this.root.getByTestId('redrive-job');
  }

  /** Sends back what was just looked at, and waits until the newest redrive says that it is done. */
  async redrive(count: number): Promise<void> {
    const before = await this.jobs().count();
    await expect(this.redriveButton()).toHaveText(`Redrive ${count}`);
    await this.redriveButton().click();
    await expect(this.jobs()).toHaveCount(before + 1);
    await expect(this.jobs().first()).toHaveAttribute('data-status', 'done');
    await expect(this.jobs().first()).toHaveAttribute('data-redriven', String(count));
  }
}
