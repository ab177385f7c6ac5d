import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import { afterEach, expect, it } from 'vitest';
import { AT_ONCE, draftFlow, nodeIdOf } from '../flows/draft.ts';
import { type Client, connectClient } from '../support/client.ts';
import { descendantsOf, killNow } from '../support/processes.ts';
import { type Product, startProduct, temporaryFolder } from '../support/product.ts';
import { runFlow, topicLines, untilStatus, watchOnce } from '../support/runs.ts';
import { until } from '../support/until.ts';

const HOUR_MS = 3_600_000;
const PRELOAD = pathToFileURL(fileURLToPath(new URL('./shiftedClock.ts', import.meta.url))).href;
/** What is awaited takes a second or two; an hour's stall takes an hour. */
const GOES_ON_MS_MAX = 30_000;
const MORE = 40;
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Each message fails once, sets a timer, and is passed on by it: nothing arrives without a retry and a timer. */
const CODE = `export function handle(event, ctx) {
  if (event.timer) return ctx.emit('out', event.data);
  if (event.attempt === 1) throw new Error('not at the first attempt');
  ctx.schedule(300, event.data);
}
`;

function timeFlow(): FlowDocument {
  const retry = { ...AT_ONCE, attemptsMax: 5 };
  return draftFlow('Time')
    .add('generator', 'Paced', {
      ratePerSecond: 20,
      count: null,
      eventType: 'test.paced',
      payload: '{"index":"{{index}}"}',
    })
    .add('schedule', 'Every second', {
      cron: '* * * * * *',
      eventType: 'test.tick',
      payload: '{"tick":"{{index}}"}',
    })
    .add('topic', 'all', { partitions: 2 })
    .add('handler', 'Later', { code: CODE, retry })
    .add('topic', 'out', { partitions: 2 })
    .wire('Paced', 'all', 'Later', 'out')
    .wire('Every second', 'all').document;
}

it('[RN3] a clock that is set back by an hour stalls nothing: pace, calendar, retries and timers go on, also after a crash', {
  timeout: 240_000,
}, async () => {
  const { folder, remove } = await temporaryFolder('clock');
  cleanups.push(remove);
  const clock = path.join(folder, 'clock');
  await writeFile(clock, '0');
  const env = { NODE_OPTIONS: `--import=${PRELOAD}`, MILLRACE_TEST_CLOCK: clock };
  let server: Product = await startProduct({ dataFolder: path.join(folder, 'data'), env });
  cleanups.push(() => server.kill());
  let client: Client = await connectClient(server.url);
  cleanups.push(() => client.close());
  const run = await runFlow(client, timeFlow());

  const outOf = async (name: string): Promise<number> =>
    (await watchOnce(client, run.id)).metrics?.nodes[nodeIdOf(name)]?.out ?? 0;
  const goesOn = async (when: string): Promise<void> => {
    for (const [name, more] of [
      ['Paced', MORE],
      ['Every second', 2],
      ['Later', MORE],
    ] as const) {
      const before = await outOf(name);
      await until(
        `${name} to go on ${when}`,
        async () => (await outOf(name)) >= before + more,
        GOES_ON_MS_MAX,
      );
    }
  };

  await goesOn('at first');
  await writeFile(clock, String(-HOUR_MS));
  await goesOn('when the clock is set back');

  client.close();
  const below = descendantsOf(server.pid);
  await server.kill();
  for (const { pid } of below) killNow(pid);
  server = await startProduct({ dataFolder: path.join(folder, 'data'), env });
  client = await connectClient(server.url);
  await goesOn('after a crash, with the clock still behind');

  await client.request('run.stop', { runId: run.id });
  await untilStatus(client, run.id, 'stopped');
  const stored = await topicLines(server.url, run.id, nodeIdOf('all'));
  const indexes = stored.flatMap(({ data }) => data.index ?? []).toSorted((a, b) => a - b);
  expect(indexes, 'each message once').toEqual(indexes.map((_, index) => index));
  const response = await fetch(`${server.url}/api/runs/${encodeURIComponent(run.id)}/traces.jsonl`);
  const spans = (await response.text())
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Span);
  expect(spans.length).toBeGreaterThan(0);
  expect(spans.filter(({ data }) => data.durationUs < 0)).toEqual([]);
});

type Span = { data: { durationUs: number } };
