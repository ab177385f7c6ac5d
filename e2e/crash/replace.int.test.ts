import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import { expect, it } from 'vitest';
import { draftFlow, nodeIdOf } from '../flows/draft.ts';
import { type Client, connectClient } from '../support/client.ts';
import { type Product, startProduct, temporaryFolder } from '../support/product.ts';
import { importFlow, sinkLines, topicLines, watchOnce } from '../support/runs.ts';
import { until } from '../support/until.ts';

const COUNT = 3000;
const RATE_PER_SECOND = 150;
const POLL_MS = 2;

/** Versions take turns: each says its number, and the odd ones also have a file that the others do not. */
function version(number: number): FlowDocument {
  const code = `export function handle(event, ctx) {
  const seen = (ctx.state.get('seen') ?? 0) + 1;
  ctx.state.set('seen', seen);
  ctx.emit('out', { index: event.data.index, seen, version: ${number} });
}
`;
  const draft = draftFlow('Replaced')
    .add('generator', 'Source', {
      count: COUNT,
      ratePerSecond: RATE_PER_SECOND,
      key: 'k{{number.int {"max":9}}}',
      payload: '{"index":"{{index}}"}',
    })
    .add('topic', 'numbers', { partitions: 3 })
    .add('handler', 'Speak', { code })
    .add('topic', 'spoken', { partitions: 3 })
    .add('file', 'Result', { path: 'result.jsonl' })
    .wire('Source', 'numbers', 'Speak', 'spoken', 'Result');
  if (number % 2 === 1) draft.add('file', 'Odd', { path: `odd-${number}.jsonl` }).wire('spoken', 'Odd');
  return draft.document;
}

/** Processes that the server has started: those of its runs. */
async function runProcesses({ pid }: Product): Promise<string> {
  return (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim();
}

type Moment = {
  when: string;
  come(product: Product, before: string, answered: Promise<unknown>): Promise<unknown>;
};

const whenProcesses = async (product: Product, fits: (now: string) => boolean): Promise<void> => {
  await until('the processes of the run to change', async () => {
    const now = await runProcesses(product);
    if (!fits(now)) await delay(POLL_MS);
    return fits(now);
  });
};

/** At which moments of a replacement the server is killed; one each. */
const MOMENTS: readonly Moment[] = [
  { when: 'it was asked for', come: async () => {} },
  {
    when: 'the old process is gone',
    come: (product, before) => whenProcesses(product, (now) => now !== before),
  },
  {
    when: 'the new process is there',
    come: (product, before) => whenProcesses(product, (now) => now !== '' && now !== before),
  },
  { when: 'it was answered', come: (_product, _before, answered) => answered },
];

it('[RN4] [RN3] a run is on the old version or on the new one, whole, whenever its server is killed', {
  timeout: 240_000,
}, async () => {
  const { folder, remove } = await temporaryFolder('replace');
  let product = await startProduct({ dataFolder: folder });
  let client: Client = await connectClient(product.url);
  try {
    const flowId = await importFlow(client, version(1));
    const { id: runId } = await client.request('run.start', { flowId, paused: false });
    const isAt = async (least: number) =>
      ((await watchOnce(client, runId)).metrics?.nodes[nodeIdOf('Result')]?.in ?? 0) >= least;
    await until('the first results', () => isAt(100));

    let drawn = version(1);
    for (const [index, moment] of MOMENTS.entries()) {
      const next = version(index + 2);
      await draw(client, drawn, next);
      drawn = next;
      const before = await runProcesses(product);
      const { run: old } = await watchOnce(client, runId);
      const preview = await client.request('run.previewReplacement', { runId });
      const answered = client
        .request('run.replace', {
          runId,
          expectedVersion: preview.version,
          expectedRevision: preview.revision,
        })
        // The kill may come before the answer.
        .catch(() => null);
      await moment.come(product, before, answered);
      await product.kill();
      client.close();
      product = await startProduct({ dataFolder: folder });
      client = await connectClient(product.url);

      const run = await until(`the run to be back after ${moment.when}`, async () => {
        const watched = await watchOnce(client, runId);
        return watched.run.status === 'running' && watched.metrics && (await isAt(100)) ? watched : null;
      });
      expect([old.version, preview.version], moment.when).toContain(run.run.version);
      if (moment.when === 'it was answered') expect(run.run.version).toBe(preview.version);
      // Every node of its version is there and no other, whichever version it is.
      const { document } = await client.request('flow.version', { flowId, version: run.run.version });
      await until(`numbers of version ${run.run.version} alone`, async () => {
        const nodes = Object.keys((await watchOnce(client, runId)).metrics?.nodes ?? {});
        const drawnNodes = nodes.filter((id) => !id.endsWith('.dead-letters')).sort();
        return JSON.stringify(drawnNodes) === JSON.stringify(document.nodes.map(({ id }) => id).sort());
      });
      const sofar = (await watchOnce(client, runId)).metrics?.nodes[nodeIdOf('Result')]?.in ?? 0;
      await until('it to go on', () => isAt(sofar + 50));
    }

    await until(
      'the run to complete',
      async () => (await watchOnce(client, runId)).run.status === 'completed',
      90_000,
    );
    const { run } = await watchOnce(client, runId);
    expect(run.counters[nodeIdOf('Source')]?.out).toBe(COUNT);
    expect(run.counters[nodeIdOf('Speak')]).toMatchObject({ in: COUNT, out: COUNT, deadLettered: 0 });
    expect(run.counters[nodeIdOf('Result')]?.in).toBe(COUNT);
    const spoken = await topicLines(product.url, runId, nodeIdOf('spoken'));
    const indexes = spoken.map(({ data }) => data.index ?? -1).toSorted((a, b) => a - b);
    expect(indexes).toEqual(Array.from({ length: COUNT }, (_, index) => index));
    expect(spoken.filter(({ data }) => data.seen === 1)).toHaveLength(10);
    const written = new Set((await sinkLines(folder, runId, 'result.jsonl')).map(({ id }) => id));
    expect(written).toEqual(new Set(spoken.map(({ id }) => id)));
  } finally {
    client.close();
    await product.kill();
    await remove();
  }
});

/** What a person does to the drawing between two versions. */
async function draw(client: Client, before: FlowDocument, after: FlowDocument): Promise<void> {
  const ids = new Set([...after.nodes, ...after.edges].map(({ id }) => id));
  await client.request('flow.patch', {
    flowId: after.id,
    clientId: 'crash-test',
    patchId: `to-${after.nodes.length}`,
    patch: {
      put: [
        ...after.nodes.map((node) => ({ type: 'node' as const, id: node.id, node })),
        ...after.edges.map((edge) => ({ type: 'edge' as const, id: edge.id, edge })),
      ],
      remove: [...before.nodes, ...before.edges].map(({ id }) => id).filter((id) => !ids.has(id)),
    },
  });
}
