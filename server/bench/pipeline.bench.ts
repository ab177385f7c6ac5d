import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { emptyDocument, type FlowDocument } from '@millrace/shared/flow/document.ts';
import { initialDelivery } from '@millrace/shared/flow/records/delivery.ts';
import { NODE_KINDS } from '@millrace/shared/flow/records/registry.ts';
import { uuidV7 } from '@millrace/shared/message/ids.ts';
import type { Message } from '@millrace/shared/message/message.ts';
import { createRandom } from '@millrace/shared/util/random.ts';
import { createEmbeddedBroker } from '../src/brokers/embedded/embeddedBroker.ts';
import { startRun } from '../src/live/run.ts';
import { createSandbox } from '../src/sandbox/isolatedSandbox.ts';

/**
 * Three stages on the embedded broker (generator → topic → handler → topic → handler → topic → file), fsync before
 * acknowledgement and traces on, beside the same steps as plain function calls and beside the bare append rate of the
 * storage. The three take turns in one run, so that a slow moment of the machine meets all of them.
 */

const MESSAGES = 30_000;
const ROUNDS = 3;
const PADDING = 'x'.repeat(180);
const PAYLOAD = JSON.stringify({ index: '{{index}}', customer: 'customer-{{index}}', note: PADDING });
const HANDLER =
  "export function handle(event, ctx) {\n  ctx.emit('out', { ...event.data, stage: (event.data.stage ?? 0) + 1 });\n}\n";

function pipeline(): FlowDocument {
  const document = emptyDocument('flow:bench', 'Bench');
  const delivery = initialDelivery();
  const code = { code: HANDLER, ...delivery, timeoutMs: 1000, memoryMb: 64 };
  const topic = { ...NODE_KINDS.topic.initial(), key: 'customer' };
  document.settings.backlogMessagesMax = 50_000;
  document.nodes = [
    {
      id: 'node:generator',
      kind: 'generator',
      name: 'Generator',
      description: '',
      config: {
        ratePerSecond: 1_000_000,
        count: MESSAGES,
        eventType: 'bench.message',
        key: '',
        payload: PAYLOAD,
        whenFull: 'block',
      },
    },
    { id: 'node:first', kind: 'topic', name: 'first', description: '', config: topic },
    { id: 'node:one', kind: 'handler', name: 'one', description: '', config: code },
    { id: 'node:second', kind: 'topic', name: 'second', description: '', config: topic },
    { id: 'node:two', kind: 'handler', name: 'two', description: '', config: code },
    { id: 'node:third', kind: 'topic', name: 'third', description: '', config: topic },
    {
      id: 'node:sink',
      kind: 'file',
      name: 'sink',
      description: '',
      config: { path: 'out.jsonl', content: 'data', ...delivery },
    },
  ];
  const wire = (index: number, source: string, sourcePort: string, target: string) => ({
    id: `edge:${index}`,
    source,
    sourcePort,
    target,
  });
  document.edges = [
    wire(1, 'node:generator', 'out', 'node:first'),
    wire(2, 'node:first', 'messages', 'node:one'),
    wire(3, 'node:one', 'out', 'node:second'),
    wire(4, 'node:second', 'messages', 'node:two'),
    wire(5, 'node:two', 'out', 'node:third'),
    wire(6, 'node:third', 'messages', 'node:sink'),
  ];
  return document;
}

async function inFolder<Value>(work: (folder: string) => Promise<Value>): Promise<Value> {
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-bench-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Messages per second from the first production to the last commit. */
function embedded(): Promise<number> {
  return inFolder(async (folder) => {
    const document = pipeline();
    const broker = await createEmbeddedBroker({ folder, durability: 'fsync' });
    let end: (error: Error | null) => void = () => {};
    const over = new Promise<void>((resolve, reject) => {
      end = (error) => (error ? reject(error) : resolve());
    });
    const startedAt = performance.now();
    const run = await startRun(
      {
        runId: 'run:bench',
        document,
        folder,
        fileFolders: [],
        paused: false,
        afterCrash: false,
        replaces: null,
        fork: null,
        framesPerSecond: 10,
      },
      { broker, sandbox: createSandbox() },
      {
        onStatus: (status, error) => {
          if (status === 'completed') end(null);
          if (status === 'failed') end(new Error(error?.message ?? 'the run failed'));
        },
        onNotice: (notice) => process.stderr.write(`${notice.message}\n`),
        onLogs: () => {},
        onTraceFrame: () => {},
        isCancelled: () => false,
      },
    );
    if (run === null) throw new Error('a run that forks nothing cannot be cancelled');
    await over;
    const seconds = (performance.now() - startedAt) / 1000;
    const written = run.metrics().nodes['node:sink']?.in;
    await run.close();
    if (written !== MESSAGES) throw new Error(`the sink finished ${written} of ${MESSAGES} messages`);
    return MESSAGES / seconds;
  });
}

/** The same steps as function calls in memory: what the work itself costs without any promise kept. */
function plainCalls(): number {
  const handle = (event: { data: { stage?: number } }, emit: (data: unknown) => void): void => {
    emit({ ...event.data, stage: (event.data.stage ?? 0) + 1 });
  };
  const sink: string[] = [];
  const startedAt = performance.now();
  for (let index = 0; index < MESSAGES; index++) {
    const data: { index: number; customer: string; note: string; stage?: number } = {
      index,
      customer: `customer-${index}`,
      note: PADDING,
    };
    handle({ data }, (first) =>
      handle({ data: first as { stage?: number } }, (second) => sink.push(JSON.stringify(second))),
    );
  }
  const seconds = (performance.now() - startedAt) / 1000;
  if (sink.length !== MESSAGES) throw new Error('a message was lost between function calls');
  return MESSAGES / seconds;
}

/** Messages per second appended to one topic in batches of 1,000, each acknowledged after fsync. */
function rawAppend(): Promise<number> {
  return inFolder(async (folder) => {
    const random = createRandom(1);
    const message = (index: number): Message => {
      const id = uuidV7(1_700_000_000_000 + index, random);
      const data = JSON.stringify({ index, customer: `customer-${index}`, note: PADDING });
      return {
        id,
        source: 'bench',
        type: 'bench.message',
        timeMs: 1_700_000_000_000 + index,
        key: null,
        correlationId: id,
        causationId: null,
        data,
      };
    };
    const batches = Array.from({ length: MESSAGES / 1000 }, (_, batch) =>
      Array.from({ length: 1000 }, (__, i) => message(batch * 1000 + i)),
    );
    const broker = await createEmbeddedBroker({ folder, durability: 'fsync' });
    await broker.open([{ topic: 'raw', partitions: 1 }]);
    const startedAt = performance.now();
    const writes = batches.map((messages) =>
      broker.write({
        appends: [{ topic: 'raw', partition: 0, messages }],
        commits: [],
        state: [],
        nowMs: 1_700_000_000_000,
      }),
    );
    await Promise.all(writes);
    const seconds = (performance.now() - startedAt) / 1000;
    await broker.close();
    return MESSAGES / seconds;
  });
}

const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const results = { embedded: [] as number[], plain: [] as number[], raw: [] as number[] };
for (let round = 0; round < ROUNDS; round++) {
  results.embedded.push(await embedded());
  results.plain.push(plainCalls());
  results.raw.push(await rawAppend());
}
const pipelineRate = median(results.embedded);
const print = (line: {
  name: string;
  value: number;
  unit: string;
  against?: string;
  ratio?: number;
}): void => {
  process.stdout.write(`${JSON.stringify({ ...line, value: Math.round(line.value) })}\n`);
};
const ratio = (value: number): number => Number(value.toPrecision(3));
print({ name: 'pipeline.plain-function-calls', value: median(results.plain), unit: 'messages/s' });
print({ name: 'pipeline.raw-append', value: median(results.raw), unit: 'messages/s' });
print({ name: 'pipeline.three-stages-fsync', value: pipelineRate, unit: 'messages/s' });
print({
  name: 'pipeline.three-stages-fsync',
  value: pipelineRate,
  unit: 'messages/s',
  against: 'pipeline.plain-function-calls',
  ratio: ratio(pipelineRate / median(results.plain)),
});
print({
  name: 'pipeline.three-stages-fsync',
  value: pipelineRate,
  unit: 'messages/s',
  against: 'pipeline.raw-append',
  ratio: ratio(pipelineRate / median(results.raw)),
});
