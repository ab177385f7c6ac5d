import type { Page } from '@playwright/test';
import { nodeIdOf } from '../flows/draft.ts';
import { PIPELINE, pipeline } from '../flows/pipeline.ts';
import { boxOf } from '../pages/canvas.ts';
import { importFlow, untilStatus } from '../support/runs.ts';
import { expect, test } from '../support/test.ts';

const RATE_PER_SECOND = 2000;
const DRAG_MS = 3000;
/** A machine with other work may spoil one drag; the page is as smooth as its best. */
const DRAGS_MAX = 6;
const FRAMES_PER_SECOND_MIN = 50;
/** Where the machine is too busy for a smooth drag of a flow that stands still, running it may cost this share of it. */
const SHARE_OF_STILL_MIN = 0.85;
const FRAME_MS_MEDIAN_MAX = 20;

// A recording of every mouse move, with a copy of the page before and after, would be all that is measured.
test.use({ trace: 'off' });

type Smoothness = { framesPerSecond: number; medianMs: number; longestMs: number };

test('dragging a node stays smooth while 2,000 messages a second flow, and every counter ends exact', async ({
  page,
  client,
  workbench,
}) => {
  const { canvas, run, dock } = workbench;
  await workbench.open(
    await importFlow(client, pipeline({ name: 'Busy', count: null, ratePerSecond: RATE_PER_SECOND })),
  );
  await dock.open('traces');
  const measure = (): Promise<Smoothness> =>
    dragAround(page, PIPELINE.handler, () => boxOf(canvas.node(PIPELINE.handler)));
  const still = await measure();
  report('standing still', still);
  const enough = Math.min(FRAMES_PER_SECOND_MIN, still.framesPerSecond * SHARE_OF_STILL_MIN);

  await run.run();
  await expect.poll(() => canvas.counterValue(PIPELINE.source, 'out')).toBeGreaterThan(RATE_PER_SECOND);
  let best: Smoothness = { framesPerSecond: 0, medianMs: Number.POSITIVE_INFINITY, longestMs: 0 };
  for (let drag = 1; drag <= DRAGS_MAX && best.framesPerSecond < FRAMES_PER_SECOND_MIN; drag++) {
    const before = await canvas.counterValue(PIPELINE.source, 'out');
    const measured = await measure();
    const made = (await canvas.counterValue(PIPELINE.source, 'out')) - before;
    report(`with ${made} messages made meanwhile`, measured);
    expect(made, 'messages flow while the node is dragged').toBeGreaterThan(DRAG_MS);
    if (measured.framesPerSecond > best.framesPerSecond) best = measured;
  }
  expect(best.framesPerSecond, 'frames per second').toBeGreaterThanOrEqual(enough);
  if (enough === FRAMES_PER_SECOND_MIN) expect(best.medianMs).toBeLessThanOrEqual(FRAME_MS_MEDIAN_MAX);

  await run.stop();
  const [{ id = '' } = {}] = (await client.request('run.list', {})).runs;
  const { counters } = await untilStatus(client, id, 'stopped');
  for (const name of Object.values(PIPELINE)) {
    const { in: taken = -1, out: sent = -1 } = counters[nodeIdOf(name)] ?? {};
    const shown: Record<string, number> = name === PIPELINE.source ? { out: sent } : { in: taken };
    await canvas.expectCounters(name, shown);
  }
});

function report(what: string, { framesPerSecond, medianMs, longestMs }: Smoothness): void {
  const figures = [
    `${framesPerSecond.toFixed(1)} frames/s`,
    `median ${medianMs.toFixed(1)} ms`,
    `longest ${longestMs.toFixed(0)} ms`,
  ];
  process.stdout.write(`drag ${what}: ${figures.join(', ')}\n`);
}

/** Drags a node in circles with real mouse moves and measures the frames that the page draws meanwhile. */
async function dragAround(
  page: Page,
  name: string,
  box: () => Promise<{ x: number; y: number }>,
): Promise<Smoothness> {
  const { x, y } = await box();
  const grip = { x: x + 24, y: y + 14 };
  await page.mouse.move(grip.x, grip.y);
  await page.mouse.down();
  await page.mouse.move(grip.x + 6, grip.y + 6);
  await page.evaluate(() => {
    const frames: number[] = [];
    const note = (now: number): void => {
      frames.push(now);
      handle = requestAnimationFrame(note);
    };
    let handle = requestAnimationFrame(note);
    Object.assign(window, {
      endOfDrag: () => {
        cancelAnimationFrame(handle);
        return frames;
      },
    });
  });
  const startedAt = performance.now();
  for (let turn = 0; performance.now() - startedAt < DRAG_MS; turn++) {
    const angle = turn / 12;
    await page.mouse.move(grip.x + Math.cos(angle) * 60, grip.y + Math.sin(angle) * 60);
  }
  const frames = await page.evaluate(() => (window as unknown as { endOfDrag(): number[] }).endOfDrag());
  await page.mouse.move(grip.x, grip.y);
  await page.mouse.up();
  const gaps = frames.slice(1).map((time, index) => time - (frames[index] ?? 0));
  if (gaps.length === 0) throw new Error(`the page drew no frame while ${name} was dragged`);
  const sorted = gaps.toSorted((a, b) => a - b);
  return {
    framesPerSecond: (gaps.length / ((frames.at(-1) ?? 0) - (frames[0] ?? 0))) * 1000,
    medianMs: sorted[Math.floor(sorted.length / 2)] ?? Number.POSITIVE_INFINITY,
    longestMs: sorted.at(-1) ?? 0,
  };
}
