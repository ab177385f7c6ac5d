import { expect, type Locator, type Page } from '@playwright/test';

export type FaultChoice = {
  kind: string;
  /** Percent. */
  rate?: string;
  delay?: string;
  instance?: string;
  partition?: string;
  /** Left out: until healed. */
  duration?: string;
};

/** What the inspector shows of a run at the selected node or edge: its group, its faults, how full it is. */
export class RunPart {
  readonly page: Page;
  readonly root: Locator;

  constructor(page: Page) {
    this.page = page;
    this.root = page.getByTestId('run-part');
  }

  /** Opens a section that may be open already. */
  async open(section: 'group' | 'faults' | 'backlog'): Promise<void> {
    const toggle = this.root.getByTestId(`section-${section}`);
    if ((await toggle.getAttribute('aria-expanded')) !== 'true') await toggle.click();
    await expect(toggle).toHaveAttribute('aria-expanded', 'true');
  }

  // Faults

  async inject(choice: FaultChoice): Promise<void> {
    await this.open('faults');
    await this.root.getByTestId('fault-kind').selectOption(choice.kind);
    await this.fillAndInject(choice);
  }

  /** The form, when its kind is chosen already. */
  async fillAndInject({ kind, rate, delay, instance, partition, duration }: FaultChoice): Promise<void> {
    const field = (name: string): Locator => this.root.getByTestId(`fault-${name}`);
    await expect(field('kind')).toHaveValue(kind);
    if (rate !== undefined) await field('rate').fill(rate);
    if (delay !== undefined) await field('delay').fill(delay);
    if (instance !== undefined) await field('instance').selectOption(instance);
    if (partition !== undefined) await field('partition').selectOption(partition);
    if (duration !== undefined) {
      await field('lasts').getByText('For a time').click();
      await field('duration').fill(duration);
    }
    await field('inject').click();
    await expect(this.faults(kind).first()).toBeVisible();
  }

  faults(kind: string): Locator {
    return this.root.locator(`[data-testid="active-fault"][data-kind="${kind}"]`);
  }

  // Group

  members(): Locator {
    return this.root.getByTestId(/^member-\d+$/);
  }

  member(index: number): Locator {
    return this.root.getByTestId(`member-${index}`);
  }

  async expectStates(...states: ('up' | 'paused' | 'down')[]): Promise<void> {
    await expect(this.members()).toHaveCount(states.length);
    for (const [index, state] of states.entries())
      await expect(this.member(index), `instance ${index}`).toHaveAttribute('data-state', state);
  }

  /** The partitions that each instance owns of the one topic that the group reads, as numbers. */
  async owned(): Promise<number[][]> {
    const texts = await this.members().getByTestId('owns').allInnerTexts();
    return texts.map((text) => partitionsIn(text));
  }

  async generation(): Promise<number> {
    return Number((await this.root.getByTestId('group-generation').innerText()).replaceAll(',', ''));
  }

  async pauseGroup(): Promise<void> {
    await this.open('group');
    await this.root.getByTestId('group-pause').click();
    await expect(this.root.getByTestId('group-resume')).toBeVisible();
  }

  async resumeGroup(): Promise<void> {
    await this.open('group');
    await this.root.getByTestId('group-resume').click();
    await expect(this.root.getByTestId('group-pause')).toBeVisible();
  }

  seekRun(): Locator {
    return this.root.getByTestId('seek-run');
  }

  /** What the last seek moved: name of the partition, from, to, and the words for it. */
  async moved(): Promise<string[][]> {
    const rows = this.root.getByTestId('seek-moved').locator('tbody tr');
    await expect(rows.first()).toBeVisible();
    const lines = await rows.evaluateAll((elements) =>
      elements.map((row) => [...row.children].map((cell) => cell.textContent ?? '')),
    );
    return lines;
  }
}

/** `orders 0–2, 5` → 0, 1, 2, 5. */
function partitionsIn(text: string): number[] {
  if (text === 'no partition') return [];
  const list = text.slice(text.lastIndexOf('orders') + 'orders'.length);
  return list.split(',').flatMap((part) => {
    const [first = 0, last = first] = part.split('–').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
