import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { toWorkbenchError, WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { FlowDocument, FlowNode } from '@millrace/shared/flow/document.ts';
import type { Message } from '@millrace/shared/message/message.ts';
import type { ResponseOf } from '@millrace/shared/protocol/catalog.ts';
import type { LogLine, RunNotice } from '@millrace/shared/protocol/entities.ts';
import type { MetricsSnapshot, RunStatus } from '@millrace/shared/trace/metrics.ts';
import type { Broker } from '../brokers/broker.ts';
import { createEngine, type Engine } from '../engine/engine.ts';
import type { EngineAnswers, EngineCommand, EngineError, RestoredRun } from '../engine/io.ts';
import { nativeOf } from '../engine/natives/registry.ts';
import { sandboxModuleOf } from '../engine/operators/registry.ts';
import { buildPlan, type ExecutionPlan } from '../engine/plan/plan.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { createTracePipeline, type TracePipeline } from '../trace/tracePipeline.ts';
import { copyFork, type ForkSource } from './fork.ts';
import { type Ingested, type Invoker, LiveDriver } from './liveDriver.ts';
import { nativeInvoker } from './natives.ts';
import { createPayloadCheck } from './payloadCheck.ts';
import { isSwitched, switchTo } from './replacement.ts';
import { newestAppendMs, restoreRun, topicSpecOf } from './restore.ts';
import type { RunBootstrap } from './runLink.ts';
import { type SeekRequest, seekPositions } from './seek.ts';
import { createSink } from './sinks/registry.ts';
import type { Sink } from './sinks/sink.ts';
import { createSource } from './sources/registry.ts';
import type { Source } from './sources/source.ts';
import { createWallClock } from './wallClock.ts';

export type RunParts = {
  broker: Broker;
  sandbox: Sandbox;
  /** The log of the run that this one forks. */
  origin?: ForkSource;
  /** What becomes of the trace records; kept in the run's folder when left out. */
  createTraces?: typeof createTracePipeline;
};

/** What a run tells whoever hosts it. */
export type RunHost = {
  onStatus(status: RunStatus, error: EngineError | null): void;
  onNotice(notice: RunNotice): void;
  onLogs(lines: LogLine[]): void;
  onTraceFrame(firstSeq: number, count: number, frame: Uint8Array): void;
  /** Asked while a fork copies what it begins with. */
  isCancelled(): boolean;
};

/** One run, live: the engine core with its broker, sandbox, sources, sinks and trace store, in this process. */
export interface LiveRun {
  pause(): void;
  resume(): void;
  step(): Promise<ResponseOf<'run.step'>>;
  /** Begins to drain; `onStatus` tells when it is over. */
  stop(): void;
  ingest(producer: string, messages: Message[]): Promise<Ingested>;
  metrics(): MetricsSnapshot;
  command(command: EngineCommand): Promise<EngineAnswers[EngineCommand['type']]>;
  /** Rule CG3: moves a paused group. */
  seek(request: SeekRequest): Promise<EngineAnswers['seek']>;
  /** Lets work under way finish and leaves everything ready to be resumed. False when it took too long and was left. */
  suspend(): Promise<boolean>;
  /** Frees everything; the traces are on disk when it resolves. */
  close(): Promise<void>;
}

/** How long a suspended run may take to finish what is under way; what is not finished then is redelivered later. */
const SUSPEND_MS_MAX = 3000;

/** Null when it was cancelled before it began. */
export async function startRun(boot: RunBootstrap, parts: RunParts, host: RunHost): Promise<LiveRun | null> {
  const { document } = boot;
  const { broker, sandbox, createTraces = createTracePipeline } = parts;
  const plan = buildPlan(document);
  const checkPayload = createPayloadCheck(document);
  // First, because it is what most often cannot be: a version whose code does not compile leaves the log as it was.
  const { invokers, sinks } = await openInvokers(document, plan, sandbox, path.join(boot.folder, 'files'));
  await broker.open(plan.topics.map(topicSpecOf));
  if (boot.fork && parts.origin) {
    const whole = await copyFork({
      broker,
      plan,
      source: parts.origin,
      fork: boot.fork,
      nowMs: Date.now,
      onProgress: (message) => host.onNotice({ timeMs: Date.now(), level: 'info', message }),
      isCancelled: host.isCancelled,
    });
    if (!whole) return null;
  }
  const found = await restoreRun(broker, plan, document, boot.afterCrash);
  const clock = createWallClock(await newestAppendMs(broker, found));
  const sources = await openSources(boot, found, clock.nowMs);
  const traces = await createTraces({
    folder: boot.folder,
    resumeSeq: traceSeqOf(found),
    traceRatePerSecond: document.settings.traceRatePerSecond,
    slowTraceMs: document.settings.slowTraceMs,
    onFrame: host.onTraceFrame,
    onTrouble: (error) =>
      host.onNotice({
        timeMs: clock.nowMs(),
        level: 'warning',
        message: `Traces are not being kept: ${error.message}`,
        error: error.toData(),
      }),
  });

  const restored = await switched(boot, plan, broker, found, clock.nowMs());
  const engine = createEngine({
    plan,
    runId: boot.runId,
    seed: document.settings.seed,
    settings: document.settings,
    checkPayload,
  });
  const driver = new LiveDriver({
    engine,
    broker,
    clock,
    invokers,
    sources,
    onReset: (node, instance) => sandbox.reset(node, instance),
    onTrace: (entries) => traces.push(entries),
    onLog: (lines) => {
      const timeMs = clock.nowMs();
      host.onLogs(traces.log(lines.map((line) => ({ ...line, timeMs }))));
    },
    onStatus: (status, error) => host.onStatus(status, error),
    onStalled: (reason) =>
      host.onNotice(
        reason === null
          ? { timeMs: clock.nowMs(), level: 'info', message: 'Storage takes writes again; the run goes on.' }
          : {
              timeMs: clock.nowMs(),
              level: 'error',
              message: `The run waits, because storage refuses to write: ${reason}`,
            },
      ),
  });

  let closed = false;
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    driver.close();
    await sandbox.close();
    await Promise.all([...sources.values()].map((source) => source.close()));
    await Promise.all(sinks.map((sink) => sink.close()));
    await traces.close();
    await broker.close();
  };
  driver.start({ ...restored, traceRecords: traces.recordsGiven() }, boot.paused);
  return {
    pause: () => driver.pause(),
    resume: () => driver.resume(),
    step: () => driver.step(),
    stop: () => driver.stop(),
    ingest: (producer, messages) => driver.ingest(producer, messages),
    metrics: () => snapshot(boot.runId, engine, traces, clock.nowMs()),
    command: (command) => driver.command(command),
    seek: async (request) => {
      const positions = await seekPositions(broker, plan, request);
      return driver.command({ type: 'seek', node: request.node, positions });
    },
    async suspend() {
      driver.pause();
      const idle = await driver.whenIdle(SUSPEND_MS_MAX);
      await close();
      return idle;
    },
    close,
  };
}

/** Rule RN4: once everything that could refuse has been opened, the log goes over to the new version. */
async function switched(
  { document, replaces }: RunBootstrap,
  plan: ExecutionPlan,
  broker: Broker,
  restored: RestoredRun,
  nowMs: number,
): Promise<RestoredRun> {
  if (replaces === null || isSwitched(restored, replaces.version)) return restored;
  const change = switchTo(document, plan, replaces, restored, nowMs);
  await broker.write({ appends: [], commits: change.commits, state: change.state, nowMs });
  return change.restored;
}

function snapshot(runId: string, engine: Engine, traces: TracePipeline, timeMs: number): MetricsSnapshot {
  const view = engine.view(timeMs);
  return {
    runId,
    timeMs,
    status: view.status,
    nodes: view.nodes,
    conditions: view.conditions,
    topics: view.topics,
    subscriptions: view.subscriptions,
    groups: view.groups,
    faults: view.faults,
    redrives: view.redrives,
    deadLetters: view.deadLetters,
    trace: traces.stats(),
    stalled: view.stalled,
  };
}

async function openSources(
  boot: RunBootstrap,
  restored: RestoredRun,
  nowMs: () => number,
): Promise<Map<string, Source>> {
  const sources = new Map<string, Source>();
  const startedMs = runEntry(restored, 'started') ?? nowMs();
  for (const node of boot.document.nodes) {
    const env = { fileFolders: boot.fileFolders, seed: boot.document.settings.seed, nowMs, startedMs };
    const source = await atNode(node, () => createSource(node, env));
    if (source) sources.set(node.id, source);
  }
  return sources;
}

async function openInvokers(
  { nodes }: FlowDocument,
  plan: ExecutionPlan,
  sandbox: Sandbox,
  folder: string,
): Promise<{ invokers: Map<string, Invoker>; sinks: Sink[] }> {
  const invokers = new Map<string, Invoker>();
  const sinks: Sink[] = [];
  const topicNames = Object.fromEntries(
    nodes.filter(({ kind }) => kind === 'topic').map(({ id, name }) => [id, name]),
  );
  for (const node of nodes) {
    await atNode(node, async () => {
      const module = sandboxModuleOf(node);
      if (module) {
        await sandbox.load({ ...module, topicNames });
        invokers.set(node.id, (invocation, nowMs) => sandbox.invoke(invocation, nowMs));
        return;
      }
      const native = nativeOf(node);
      if (native) {
        invokers.set(node.id, nativeInvoker(native));
        return;
      }
      if (node.kind === 'file') await mkdir(folder, { recursive: true });
      const connected = connectedOutputs(plan, node.id);
      const sink = await createSink(node, { folder, connected, variables: process.env });
      if (!sink) return;
      sinks.push(sink);
      invokers.set(node.id, (invocation, nowMs) => sink.invoke(invocation, nowMs));
    });
  }
  return { invokers, sinks };
}

function connectedOutputs({ consumers }: ExecutionPlan, node: string): ReadonlySet<string> {
  const outputs = Object.entries(consumers.find((consumer) => consumer.node === node)?.outputs ?? {});
  return new Set(outputs.filter(([, topics]) => topics.length > 0).map(([port]) => port));
}

/** Names the node in whatever goes wrong while it is set up. */
async function atNode<Value>(node: FlowNode, setUp: () => Promise<Value>): Promise<Value> {
  try {
    return await setUp();
  } catch (thrown) {
    const error = toWorkbenchError(thrown);
    throw new WorkbenchError(error.code, `${node.name}: ${error.message}`, {
      details: { ...error.details, nodeId: node.id },
      retryable: error.retryable,
      cause: error,
    });
  }
}

function traceSeqOf(restored: RestoredRun): number {
  return runEntry(restored, 'trace') ?? 0;
}

function runEntry(restored: RestoredRun, key: string): number | null {
  const entry = restored.state.find((candidate) => candidate.store === 'run' && candidate.key === key);
  return entry ? (JSON.parse(entry.value) as number) : null;
}
