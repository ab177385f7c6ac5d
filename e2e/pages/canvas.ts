import { expect, type Locator, type Page } from '@playwright/test';

export type Point = { x: number; y: number };

/** The drawing: nodes by name, ports, edges and the live figures on nodes. */
export class Canvas {
  readonly page: Page;
  readonly root: Locator;

  constructor(page: Page) {
    this.page = page;
    // The panel around it goes by the same id.
    this.root = page.locator('[data-testid="canvas"]:not([data-panel])');
  }

  nodes(): Locator {
    return this.root.locator('.react-flow__node');
  }

  edges(): Locator {
    return this.root.locator('.react-flow__edge');
  }

  node(name: string): Locator {
    return this.nodes().filter({ has: this.page.locator(`span[title="${name}"]`) });
  }

  edge(from: string, to: string): Locator {
    return this.root.locator(`.react-flow__edge[aria-label="Connection from ${from} to ${to}"]`);
  }

  /** `in`, `out`, `dead-letter`, `messages`, or an output of a route. */
  port(nodeName: string, portId: string): Locator {
    return this.node(nodeName).getByTestId(`port-${portId}`);
  }

  counter(nodeName: string, counter: string): Locator {
    return this.node(nodeName).locator(`[data-counter="${counter}"]`);
  }

  condition(nodeName: string): Locator {
    return this.node(nodeName).getByTestId('node-condition');
  }

  /** `fault` or `paused`. */
  flag(nodeName: string, flag: string): Locator {
    return this.node(nodeName).getByTestId(`flag-${flag}`);
  }

  /** The dots of a group's instances. */
  instances(nodeName: string): Locator {
    return this.node(nodeName).getByTestId(/^instance-\d+$/);
  }

  /** What is painted over an edge, in values: `data-backlog`, `data-fullness`, `data-faults`. */
  edgeMarks(from: string, to: string): Locator {
    return this.edge(from, to).locator('[data-live-edge]');
  }

  async selectEdge(from: string, to: string): Promise<void> {
    // An edge is thin and may lie under a figure; the keyboard finds it anyway.
    await this.edge(from, to).focus();
    await this.page.keyboard.press('Enter');
  }

  async expectCounters(
    nodeName: string,
    counters: Record<string, number>,
    options: { timeout?: number } = {},
  ): Promise<void> {
    for (const [counter, value] of Object.entries(counters)) {
      await expect(this.counter(nodeName, counter), `${counter} of ${nodeName}`).toHaveAttribute(
        'data-value',
        String(value),
        options,
      );
    }
  }

  async counterValue(nodeName: string, counter: string): Promise<number> {
    return Number((await this.counter(nodeName, counter).getAttribute('data-value')) ?? Number.NaN);
  }

  async select(name: string): Promise<void> {
    // Where no port and no name is: a press there selects and cannot begin anything else.
    await this.node(name).click({ position: { x: 24, y: 14 } });
  }

  /** Clicks on empty canvas, which selects nothing. */
  async deselect(): Promise<void> {
    await this.page.keyboard.press('Escape');
    const box = await boxOf(this.root);
    await this.page.mouse.click(box.x + box.width / 2, box.y + 12);
  }

  /** Brings all nodes into view and waits until the view stands still. */
  async fit(): Promise<void> {
    await this.page.keyboard.press('Shift+1');
    await this.root.locator('.react-flow__viewport').evaluate(async (viewport) => {
      const FRAMES_STILL = 20;
      let last = '';
      for (let still = 0; still < FRAMES_STILL; ) {
        await new Promise((resolve) => requestAnimationFrame(resolve));
        const now = getComputedStyle(viewport).transform;
        still = now === last ? still + 1 : 0;
        last = now;
      }
    });
  }

  /** Drags a kind from the palette to a place given in pixels from the canvas's corner. */
  async dropFromPalette(kind: string, at: Point): Promise<void> {
    await this.page.getByTestId(`palette-${kind}`).dragTo(this.root, { targetPosition: at });
  }

  /** Pulls an edge from a port with the mouse and lets it go over a node. */
  async connect(from: string, portId: string, to: string): Promise<void> {
    const target = await boxOf(this.node(to));
    await this.pullTo(from, portId, { x: target.x + target.width / 2, y: target.y + target.height / 2 });
  }

  /** Pulls an edge from a port into empty space, given in pixels from the canvas's corner. */
  async pullIntoSpace(from: string, portId: string, at: Point): Promise<void> {
    const canvas = await boxOf(this.root);
    await this.pullTo(from, portId, { x: canvas.x + at.x, y: canvas.y + at.y });
  }

  async pullTo(from: string, portId: string, to: Point): Promise<void> {
    const start = middleOf(await boxOf(this.port(from, portId)));
    await this.page.mouse.move(start.x, start.y);
    await this.page.mouse.down();
    // The first move only tells a drag from a click.
    await this.page.mouse.move(start.x + 8, start.y + 4);
    await this.page.mouse.move(to.x, to.y, { steps: 12 });
    await this.page.mouse.up();
  }

  async dragNode(name: string, by: Point, steps = 10): Promise<void> {
    const box = await boxOf(this.node(name));
    const grip = { x: box.x + 24, y: box.y + 14 };
    await this.page.mouse.move(grip.x, grip.y);
    await this.page.mouse.down();
    await this.page.mouse.move(grip.x + by.x, grip.y + by.y, { steps });
    await this.page.mouse.up();
  }

  /** Renames on the spot, by double click. */
  async rename(name: string, to: string): Promise<void> {
    await this.node(name).getByText(name, { exact: true }).dblclick();
    const input = this.page.getByLabel(`Name of ${name}`);
    await input.fill(to);
    await input.press('Enter');
    await expect(this.node(to)).toBeVisible();
  }

  /** Where nodes stand, in canvas units, by name. */
  async positions(): Promise<Record<string, Point>> {
    return this.nodes().evaluateAll((elements) =>
      Object.fromEntries(
        elements.map((element) => {
          const name = element.querySelector('span[title]')?.getAttribute('title') ?? '';
          const { m41, m42 } = new DOMMatrix(getComputedStyle(element).transform);
          return [name, { x: m41, y: m42 }];
        }),
      ),
    );
  }
}

export type Box = { x: number; y: number; width: number; height: number };

export async function boxOf(locator: Locator): Promise<Box> {
  const box = await locator.boundingBox();
  if (!box) throw new Error(`${locator} is not visible`);
  return box;
}

export function middleOf({ x, y, width, height }: Box): Point {
  return { x: x + width / 2, y: y + height / 2 };
}
