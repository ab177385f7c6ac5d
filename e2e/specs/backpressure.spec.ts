import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import { draftFlow, nodeIdOf } from '../flows/draft.ts';
import { importFlow, startRun, summaryOf, watchOnce } from '../support/runs.ts';
import { expect, test } from '../support/test.ts';

const LIMIT = 100;

function filling(name: string, whenFull: 'block' | 'drop', count: number | null): FlowDocument {
  return draftFlow(name)
    .add('generator', 'Source', { count, ratePerSecond: 400, payload: '{"n":"{{index}}"}', whenFull })
    .add('topic', 'all', { partitions: 2 })
    .add('log', 'Reader', { level: 'debug' })
    .wire('Source', 'all', 'Reader').document;
}

test('[TP6] an edge fills up to a limit of its own, the producer waits there, and goes on when it is emptied', async ({
  client,
  workbench,
}) => {
  const { canvas, inspector, run, runPart } = workbench;
  const flowId = await importFlow(client, filling('Blocking', 'block', null));
  await workbench.open(flowId);
  // The limit is drawn: on the edge, in the inspector.
  await canvas.selectEdge('all', 'Reader');
  await inspector.root.getByTestId('own-backlog').check();
  await inspector.set('backlog.messages', String(LIMIT));
  await inspector.set('backlog.bytes', '1 MiB');
  await expect(inspector.field('backlog.bytes')).toHaveValue('1,048,576');
  await workbench.whenSaved();
  await run.runPaused();
  await canvas.select('Reader');
  await runPart.pauseGroup();
  await run.resume();

  await expect(canvas.edgeMarks('all', 'Reader')).toHaveAttribute('data-backlog', String(LIMIT));
  await expect(canvas.edgeMarks('all', 'Reader')).toHaveAttribute('data-fullness', '1.0000');
  await expect(canvas.condition('Source')).toContainText('blocked');
  await canvas.expectCounters('Source', { out: LIMIT, dropped: 0 });
  await canvas.selectEdge('all', 'Reader');
  await runPart.open('backlog');
  await expect(runPart.root.getByTestId('backlog')).toContainText(`${LIMIT} of ${LIMIT}`);
  // It holds: the producer has not gone on meanwhile.
  const [{ id = '' } = {}] = (await client.request('run.list', {})).runs;
  const before = await watchOnce(client, id);
  await expect
    .poll(async () => ((await watchOnce(client, id)).metrics?.timeMs ?? 0) - (before.metrics?.timeMs ?? 0))
    .toBeGreaterThan(1000);
  await canvas.expectCounters('Source', { out: LIMIT });

  await canvas.select('Reader');
  await runPart.resumeGroup();
  await expect.poll(() => canvas.counterValue('Reader', 'in')).toBeGreaterThan(3 * LIMIT);
  await run.stop();
  const sent = (await summaryOf(client, id))?.counters[nodeIdOf('Source')]?.out ?? Number.NaN;
  await canvas.expectCounters('Source', { out: sent });
  await canvas.expectCounters('Reader', { in: sent });
});

test('[TP6] a producer that drops goes on, and counts exactly what it leaves out', async ({
  client,
  workbench,
}) => {
  const { canvas, dock, run, runPart } = workbench;
  const COUNT = 600;
  const document = filling('Dropping', 'drop', COUNT);
  const edges = document.edges.map((edge) =>
    edge.target === nodeIdOf('Reader') ? { ...edge, backlog: { messages: LIMIT, bytes: 1_048_576 } } : edge,
  );
  const flowId = await importFlow(client, { ...document, edges });
  const { id } = await startRun(client, flowId, { paused: true });
  await client.request('run.pauseGroup', { runId: id, nodeId: nodeIdOf('Reader') });
  await workbench.open(flowId);
  await run.resume();
  await canvas.expectCounters('Source', { out: LIMIT, dropped: COUNT - LIMIT }, { timeout: 30_000 });
  await canvas.expectCounters('all', { in: LIMIT });
  await expect(canvas.counter('Source', 'dropped')).toBeVisible();
  await expect(canvas.edgeMarks('all', 'Reader')).toHaveAttribute('data-backlog', String(LIMIT));
  await dock.open('metrics');
  await expect(dock.total(nodeIdOf('Source'), 'dropped')).toHaveAttribute(
    'data-value',
    String(COUNT - LIMIT),
  );

  await canvas.select('Reader');
  await runPart.open('group');
  // There is little left to do: the run is over as soon as it is done.
  await runPart.root.getByTestId('group-resume').click();
  await run.expectStatus('completed');
  await canvas.expectCounters('Reader', { in: LIMIT });
});
