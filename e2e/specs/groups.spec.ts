import { DOOR, doorFlow } from '../flows/door.ts';
import { numbered, post } from '../support/ingest.ts';
import { importFlow, sinkLines } from '../support/runs.ts';
import { expect, test } from '../support/test.ts';

const ALL = [0, 1, 2, 3, 4, 5];

test('[CG2] instances share the partitions; a crash, a join and a leave deal them out again, and nothing is lost', async ({
  client,
  product,
  workbench,
}) => {
  const { canvas, run, runPart } = workbench;
  const flow = doorFlow({ name: 'Shared', partitions: 6, work: { instances: 3 } });
  const flowId = await importFlow(client, flow);
  const door = { flowId, path: DOOR.path };
  await workbench.open(flowId);
  await run.run();
  await run.expectStatus('running');
  await expect(canvas.instances(DOOR.work)).toHaveCount(3);
  await canvas.select(DOOR.work);
  await runPart.open('group');
  await runPart.expectStates('up', 'up', 'up');
  const owned = async (): Promise<number[][]> => {
    const lists = await runPart.owned();
    expect(lists.flat().sort((a, b) => a - b)).toEqual(ALL);
    return lists;
  };
  await expect(async () => expect((await owned()).map((own) => own.length)).toEqual([2, 2, 2])).toPass();
  const before = await owned();
  const generation = await runPart.generation();
  await post(product.url, door, numbered(60));
  await canvas.expectCounters(DOOR.work, { in: 60, out: 60 });

  await runPart.root.getByRole('button', { name: 'Crash instance 1' }).click();
  await runPart.expectStates('up', 'down', 'up');
  await expect(async () => expect((await owned()).map((own) => own.length)).toEqual([3, 0, 3])).toPass();
  await expect(canvas.instances(DOOR.work).nth(1)).toHaveAttribute('data-state', 'down');
  expect(await runPart.generation()).toBeGreaterThan(generation);
  // Sticky: who stayed keeps what it had.
  const after = await owned();
  expect(after[0]).toEqual(expect.arrayContaining(before[0] ?? []));
  expect(after[2]).toEqual(expect.arrayContaining(before[2] ?? []));
  await post(product.url, door, numbered(60, { first: 60 }));
  await canvas.expectCounters(DOOR.work, { in: 120, out: 120 });

  await runPart.root.getByRole('button', { name: 'Heal instance 1' }).click();
  await runPart.expectStates('up', 'up', 'up');
  await runPart.root.getByTestId('scale-up').click();
  await expect(runPart.members()).toHaveCount(4);
  await expect(canvas.instances(DOOR.work)).toHaveCount(4);
  await expect(async () => {
    const lengths = (await owned()).map((own) => own.length).sort();
    expect(lengths).toEqual([1, 1, 2, 2]);
  }).toPass();
  for (const count of [3, 2, 1]) {
    await runPart.root.getByTestId('scale-down').click();
    await expect(runPart.members()).toHaveCount(count);
  }
  await expect(async () => expect(await owned()).toEqual([ALL])).toPass();
  await post(product.url, door, numbered(30, { first: 120 }));
  await canvas.expectCounters(DOOR.work, { in: 150, out: 150, failed: 0 });
  await canvas.expectCounters(DOOR.sink, { in: 150 });
  await run.stop();
});

test('[CG3] a group is moved while it is paused, says what moved, and handles exactly that again', async ({
  client,
  product,
  workbench,
}) => {
  const { canvas, run, runPart } = workbench;
  const flowId = await importFlow(client, doorFlow({ name: 'Moved', partitions: 2 }));
  await workbench.open(flowId);
  await run.run();
  await run.expectStatus('running');
  await post(product.url, { flowId, path: DOOR.path }, numbered(40));
  await canvas.expectCounters(DOOR.work, { in: 40 });
  await canvas.select(DOOR.work);
  await runPart.open('group');
  await expect(runPart.seekRun()).toBeDisabled();
  await expect(runPart.root.getByTestId('seek-reason')).toContainText('Pause the group first');

  await runPart.pauseGroup();
  await expect(canvas.flag(DOOR.work, 'paused')).toHaveText('Group paused');
  await runPart.seekRun().click();
  const moved = await runPart.moved();
  expect(moved.map(([name]) => name)).toEqual(['orders 0', 'orders 1']);
  expect(moved.reduce((sum, [, from]) => sum + Number(from), 0)).toBe(40);
  expect(moved.every(([, , to]) => to === '0')).toBe(true);
  await runPart.resumeGroup();
  await canvas.expectCounters(DOOR.work, { in: 80, out: 80 });

  // From an offset of one partition only.
  await runPart.pauseGroup();
  await runPart.root.getByTestId('seek-partition').selectOption('1');
  await runPart.root.getByTestId('seek-at').selectOption('offset');
  await runPart.root.getByTestId('seek-offset').fill('5');
  await runPart.seekRun().click();
  const [[name = '', from = '', to = ''] = []] = await runPart.moved();
  expect([name, to]).toEqual(['orders 1', '5']);
  await runPart.resumeGroup();
  const again = 80 + Number(from) - 5;
  await canvas.expectCounters(DOOR.work, { in: again, out: again });
  await canvas.expectCounters(DOOR.sink, { in: again });
  await run.stop();
  const [{ id: runId = '' } = {}] = (await client.request('run.list', {})).runs;
  const lines = await sinkLines(product.dataFolder, runId, 'result.jsonl');
  expect(lines).toHaveLength(again);
  // The same message handled again emits the same id (MS2).
  expect(new Set(lines.map(({ id }) => id)).size).toBe(40);
});
