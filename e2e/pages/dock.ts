import { expect, type Locator, type Page } from '@playwright/test';

export type DockTab = 'traces' | 'messages' | 'dead-letters' | 'faults' | 'metrics' | 'problems' | 'logs';

/** The tabs at the bottom. */
export class Dock {
  readonly page: Page;
  readonly root: Locator;

  constructor(page: Page) {
    this.page = page;
    // The panel around it goes by the same id.
    this.root = page.locator('[data-testid="dock"]:not([data-panel])');
  }

  async open(tab: DockTab): Promise<void> {
    await this.page.getByTestId(`tab-${tab}`).click();
    await expect(this.page.getByTestId(`tab-${tab}`)).toHaveAttribute('aria-selected', 'true');
  }

  // Traces

  traceRows(): Locator {
    return this.root.getByTestId('trace-row');
  }

  /** Traces in which an injected fault had a part. */
  faultedTraceRows(): Locator {
    return this.root.locator('[data-testid="trace-row"][data-faults]');
  }

  /** New traces stay out of the list until it is pressed again, so that its rows can be. */
  async holdTraces(): Promise<void> {
    const toggle = this.root.getByTestId('traces-follow');
    await toggle.click();
    await expect(toggle).toHaveAttribute('aria-pressed', 'false');
  }

  traceDetail(): Locator {
    return this.root.locator('[data-testid="trace-detail"]:not([data-panel])');
  }

  spans(): Locator {
    return this.traceDetail().getByTestId('span-row');
  }

  /** The attempts of one consumer in the open trace, in the order of the waterfall. */
  attemptsAt(nodeId: string): Locator {
    return this.spans().and(this.page.locator(`[data-node-id="${nodeId}"][data-operation="process"]`));
  }

  /** Why the selected step failed. */
  spanError(): Locator {
    return this.traceDetail().getByTestId('span-error');
  }

  /** A sign that something befell a step, such as `fault-injected` or `deduplicated`. */
  eventMarks(kind: string): Locator {
    return this.traceDetail().locator(`[data-event="${kind}"]`);
  }

  /** Opens the trace of a message by its key. */
  async openTraceOf(key: string): Promise<void> {
    await this.open('traces');
    await this.root.getByTestId('trace-filter-text').fill(key);
    await expect(this.traceRows()).toHaveCount(1);
    await this.traceRows().first().click();
    await expect(this.spans().first()).toBeVisible();
  }

  async closeTrace(): Promise<void> {
    await this.root.getByTestId('trace-close').click();
    await this.traceDetail().waitFor({ state: 'detached' });
  }

  // Messages

  messageRows(): Locator {
    return this.root.getByTestId('message-row');
  }

  messageAt(partition: number, offset: number): Locator {
    return this.root.locator(
      `[data-testid="message-row"][data-partition="${partition}"][data-offset="${offset}"]`,
    );
  }

  messageDetail(): Locator {
    return this.root.locator('[data-testid="message-detail"]:not([data-panel])');
  }

  /** Rule RN5: a new run begins with the open message. */
  async handleAgain(): Promise<void> {
    await this.messageDetail().getByTestId('message-handle-again').click();
  }

  async chooseTopic(name: string): Promise<void> {
    await this.#choose('message-topic', new RegExp(`^${name} · `));
  }

  async choosePartition(partition: number): Promise<void> {
    await this.#choose('message-partition', `Partition ${partition}`);
  }

  async fromOffset(offset: number): Promise<void> {
    await this.#choose('message-from', 'From offset');
    await this.root.getByTestId('message-offset').fill(String(offset));
  }

  async #choose(testId: string, option: string | RegExp): Promise<void> {
    await this.root.getByTestId(testId).click();
    await this.page.getByRole('option', { name: option }).click();
  }

  // Metrics

  total(nodeId: string, counter: string): Locator {
    return this.root.locator(`tr[data-node-id="${nodeId}"] td[data-counter="${counter}"]`);
  }

  // Logs

  logLines(): Locator {
    return this.root.getByTestId('log-line');
  }

  // Problems

  problem(code: string): Locator {
    return this.root.getByTestId(`problem-${code}`);
  }
}
