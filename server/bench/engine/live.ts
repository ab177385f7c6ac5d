import { setTimeout as delay } from 'node:timers/promises';
import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import { decodeFrame } from '@millrace/shared/trace/frame.ts';
import { zeroTraceFigures } from '@millrace/shared/trace/metrics.ts';
import type { Broker, ReadRequest, WriteBatch } from '../../src/brokers/broker.ts';
import { createEmbeddedBroker } from '../../src/brokers/embedded/embeddedBroker.ts';
import { type LiveRun, startRun } from '../../src/live/run.ts';
import { createSandbox } from '../../src/sandbox/isolatedSandbox.ts';
import { createTracePipeline, type TracePipeline } from '../../src/trace/tracePipeline.ts';
import { SINK, SOURCE } from '../flows.ts';
import { inFolder } from '../folders.ts';

export type LiveOptions = {
  document: FlowDocument;
  messages: number;
  traces: 'kept' | 'left out';
  /** Asks for the time from the production of a message to its line in the sink. */
  latency?: boolean;
  /** Asks for what the run wrote and read, so that the same can be done without it. */
  layout?: boolean;
  /** Asks for memory whenever so many messages more have arrived. */
  memoryEvery?: number;
};

/** One message's place: what went where, without the messages themselves. */
export type StorageStep =
  | {
      type: 'write';
      appends: { topic: string; partition: number; messages: number; bytes: number }[];
      commits: number;
    }
  | { type: 'read'; request: ReadRequest };
export type StorageLayout = { topics: { topic: string; partitions: number }[]; steps: StorageStep[] };

export type MemorySample = { messages: number; rssMb: number; heapMb: number };

export type LiveResult = {
  seconds: number;
  /** User and system time of this process and its threads; not of the handlers' process. */
  cpuSeconds: number;
  latenciesMs: number[];
  layout: StorageLayout | null;
  memory: MemorySample[];
};

const RUN_ID = 'run:bench';
const POLL_MS = 20;
/** Messages of the first moments meet code that nobody has run yet. */
const WARM_UP_MS = 2000;
const BYTES_PER_MB = 1_048_576;

/** A run as the server's run process has it: broker, sandbox, sources, sinks and traces, in this process. */
export function measureLive(options: LiveOptions): Promise<LiveResult> {
  return inFolder(async (folder) => {
    const { document, messages } = options;
    const layout: StorageLayout = { topics: [], steps: [] };
    const embedded = await createEmbeddedBroker({ folder, durability: 'fsync' });
    const broker = options.layout ? recording(embedded, layout) : embedded;
    const frames: Uint8Array[] = [];
    const end = Promise.withResolvers<void>();
    const run = await startRun(
      {
        runId: RUN_ID,
        document,
        folder,
        fileFolders: [],
        paused: false,
        afterCrash: false,
        framesPerSecond: 10,
        replaces: null,
        fork: null,
      },
      {
        broker,
        sandbox: createSandbox(),
        createTraces: options.traces === 'kept' ? createTracePipeline : leavingTracesOut,
      },
      {
        onStatus: (status, error) => {
          if (status === 'completed') end.resolve();
          if (status === 'failed') end.reject(new Error(error?.message ?? 'the run failed'));
        },
        onNotice: ({ message }) => process.stderr.write(`${message}\n`),
        onLogs: () => {},
        isCancelled: () => false,
        onTraceFrame: (_firstSeq, _count, frame) => {
          if (options.latency) frames.push(frame);
        },
      },
    );
    if (run === null) throw new Error('the run did not begin');
    const startedAt = performance.now();
    const cpuBefore = process.cpuUsage();
    const memory: MemorySample[] = [];
    const watching = options.memoryEvery ? watchMemory(run, options.memoryEvery, messages, memory) : null;
    await end.promise;
    const seconds = (performance.now() - startedAt) / 1000;
    const { user, system } = process.cpuUsage(cpuBefore);
    await watching;
    const arrived = run.metrics().nodes[SINK]?.in;
    await run.close();
    if (arrived !== messages) throw new Error(`${arrived} of ${messages} messages arrived`);
    return {
      seconds,
      cpuSeconds: (user + system) / 1e6,
      latenciesMs: latenciesOf(frames),
      layout: options.layout ? layout : null,
      memory,
    };
  });
}

/** The engine makes its records all the same; this leaves out packing, indexing and keeping them. */
async function leavingTracesOut(): Promise<TracePipeline> {
  let records = 0;
  return {
    push: (batch) => {
      records += batch.length;
    },
    log: () => [],
    recordsGiven: () => records,
    stats: () => ({ ...zeroTraceFigures(), lastSeq: Math.max(0, records - 1) }),
    flush: async () => {},
    close: async () => {},
  };
}

function recording(broker: Broker, { topics, steps }: StorageLayout): Broker {
  return {
    ...broker,
    open: (asked) => {
      topics.push(...asked);
      return broker.open(asked);
    },
    write: (batch) => {
      steps.push({ type: 'write', appends: sizesOf(batch), commits: batch.commits.length });
      return broker.write(batch);
    },
    read: (request) => {
      steps.push({ type: 'read', request: { ...request } });
      return broker.read(request);
    },
  };
}

function sizesOf({
  appends,
}: WriteBatch): { topic: string; partition: number; messages: number; bytes: number }[] {
  return appends.map(({ topic, partition, messages }) => ({
    topic,
    partition,
    messages: messages.length,
    bytes: messages.reduce((sum, { data }) => sum + data.length, 0),
  }));
}

/** From the record of a message's production to that of the sink having written its line; what warmed it up left out. */
function latenciesOf(frames: Uint8Array[]): number[] {
  const producedMs = new Map<string, number>();
  const latenciesMs: number[] = [];
  let firstMs = Number.POSITIVE_INFINITY;
  for (const frame of frames) {
    for (const { kind, nodeId, correlationId, timeMs } of decodeFrame(frame).records) {
      if (kind === 'produced' && nodeId === SOURCE) {
        firstMs = Math.min(firstMs, timeMs);
        producedMs.set(correlationId, timeMs);
      }
      if (kind !== 'handled' || nodeId !== SINK) continue;
      const from = producedMs.get(correlationId);
      if (from !== undefined && from >= firstMs + WARM_UP_MS) latenciesMs.push(timeMs - from);
    }
  }
  return latenciesMs;
}

async function watchMemory(
  run: LiveRun,
  every: number,
  messages: number,
  samples: MemorySample[],
): Promise<void> {
  for (let next = every; next <= messages; ) {
    const arrived = run.metrics().nodes[SINK]?.in ?? 0;
    if (arrived >= next) {
      globalThis.gc?.();
      const { rss, heapUsed } = process.memoryUsage();
      samples.push({ messages: arrived, rssMb: rss / BYTES_PER_MB, heapMb: heapUsed / BYTES_PER_MB });
      next = arrived - (arrived % every) + every;
    } else await delay(POLL_MS);
  }
}
