import { DOOR, doorFlow, soon } from '../flows/door.ts';
import { nodeIdOf } from '../flows/draft.ts';
import { type Posted, post } from '../support/ingest.ts';
import { importFlow, topicLines } from '../support/runs.ts';
import { expect, test } from '../support/test.ts';

/** Orders of the key `slow` fail twice; how long that takes is up to the retry. */
const STUMBLING = `export function handle(event, ctx) {
  if (event.key === 'slow' && event.data.n === 0 && event.attempt < 3) ctx.fail('NOT_YET');
  ctx.emit('out', event.data);
}
`;

/** One partition: the key that fails first, then others, and the same key again at the end. */
const SENT: Posted[] = [
  { key: 'slow', data: { n: 0 } },
  { key: 'a', data: { n: 1 } },
  { key: 'b', data: { n: 2 } },
  { key: 'a', data: { n: 3 } },
  { key: 'slow', data: { n: 4 } },
];

for (const { order, expected } of [
  // Everything waits for the retries of the first.
  { order: 'partition', expected: [0, 1, 2, 3, 4] },
  // Only its own key waits: the others are done before it, each key in its order.
  { order: 'key', expected: [1, 2, 3, 0, 4] },
] as const) {
  test(`[DL7] [DL8] order per ${order}: ${order === 'key' ? 'a key that fails holds up no other' : 'one after the other'}`, async ({
    client,
    product,
    workbench,
  }) => {
    const { canvas, inspector, run } = workbench;
    const work = { code: STUMBLING, retry: soon(3, 700) };
    const flowId = await importFlow(client, doorFlow({ name: `By ${order}`, work }));
    await workbench.open(flowId);
    await canvas.select(DOOR.work);
    await inspector.root.getByTestId('section-delivery').click();
    await inspector
      .field('order')
      .getByText(order === 'key' ? 'Per key' : 'Per partition')
      .click();
    await workbench.whenSaved();
    await run.run();
    await run.expectStatus('running');
    await post(product.url, { flowId, path: DOOR.path }, SENT);
    await canvas.expectCounters(DOOR.work, { in: 5, out: 5, failed: 2, retried: 2, deadLettered: 0 });
    await canvas.expectCounters(DOOR.sink, { in: 5 });
    const [{ id: runId = '' } = {}] = (await client.request('run.list', {})).runs;
    const lines = await topicLines(product.url, runId, nodeIdOf(DOOR.done));
    const numbers = lines.map(({ data }) => data.n as number);
    if (order === 'partition') expect(numbers).toEqual(expected);
    else {
      // Between keys any order will do, so long as the failing one comes after those it must not hold up.
      const at = (n: number): number => numbers.indexOf(n);
      expect([...numbers].sort()).toEqual([0, 1, 2, 3, 4]);
      expect(Math.max(at(1), at(2), at(3))).toBeLessThan(at(0));
      expect(at(1)).toBeLessThan(at(3));
      expect(at(0)).toBeLessThan(at(4));
    }
    await run.stop();
  });
}
