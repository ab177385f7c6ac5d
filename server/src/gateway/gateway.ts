import { toWorkbenchError, type WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { FastifyInstance } from 'fastify';
import type { Supervisor, SupervisorEvents } from '../live/supervision.ts';
import type { FileLibrary } from '../storage/fileLibrary.ts';
import type { SampleLibrary } from '../storage/sampleLibrary.ts';
import type { Store } from '../storage/store.ts';
import { createFlows } from './flows.ts';
import type { Handlers } from './handlers.ts';
import { createHttpApp } from './http/app.ts';
import { fileRoutes } from './http/fileRoutes.ts';
import { flowRoutes } from './http/flowRoutes.ts';
import { ingestRoutes } from './http/ingestRoutes.ts';
import { pageRoutes } from './http/pageRoutes.ts';
import { requestRoutes } from './http/requestRoutes.ts';
import { runRoutes } from './http/runRoutes.ts';
import { statusRoutes } from './http/statusRoutes.ts';
import { LIST_CHANGED_DELAY_MS } from './limits.ts';
import { isLoopbackName } from './origins.ts';
import type { RunReaders } from './ports.ts';
import { createReaderCache } from './readers.ts';
import { browseRequests } from './requests/browseRequests.ts';
import { controlRequests } from './requests/controlRequests.ts';
import { deadLetterRequests } from './requests/deadLetterRequests.ts';
import { flowRequests } from './requests/flowRequests.ts';
import { libraryRequests } from './requests/libraryRequests.ts';
import { replacementRequests } from './requests/replacementRequests.ts';
import { runRequests } from './requests/runRequests.ts';
import { createRunStreams } from './runStreams.ts';
import { createRuns } from './runs.ts';
import type { RunFigures } from './runTelemetry.ts';
import { createSockets } from './sockets.ts';
import { createTelemetry, type Telemetry } from './telemetry.ts';

/** The gateway's log; `main.ts` decides where the lines go. */
export interface GatewayLog {
  info(facts: Record<string, unknown>, message: string): void;
  warn(facts: Record<string, unknown>, message: string): void;
  error(facts: Record<string, unknown>, message: string): void;
}

export type GatewayOptions = {
  version: string;
  host: string;
  port: number;
  allowedOrigins: readonly string[];
  pageFolder: string;
  store: Store;
  files: FileLibrary;
  samples: SampleLibrary;
  readers: RunReaders;
  log: GatewayLog;
  nowMs(): number;
  /** Called once, with where the supervisor's events go. */
  createSupervisor(events: SupervisorEvents): Supervisor;
};

export type Gateway = {
  /** Starts to listen; resolves to the address people open. Rejects with what Node says, such as EADDRINUSE. */
  listen(): Promise<string>;
  /** Starts runs again that were active when the last server ended. */
  resumeRuns(): Promise<void>;
  /** Stops taking requests, then lets the run processes end. Their runs keep their status. */
  close(): Promise<void>;
};

/** Everything between the pages and programs outside and the parts that do the work. */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const { store, files, samples, log, nowMs, version } = options;
  let address = addressOf(options.host, options.port);
  const origins = () => ({ isLoopback: isLoopbackName(options.host), allowed: options.allowedOrigins });

  const telemetry: Telemetry = createTelemetry({
    runs: () => runs.active().map((run) => figuresOf(runs.get(run.summary.id), run.document)),
    sockets: () => sockets.connected(),
  });
  const app: FastifyInstance = createHttpApp(origins, {
    failed: (what, error) => logFailure(log, what, error),
  });
  const sockets = createSockets({
    http: app.server,
    origins,
    log: {
      badRequest: (code, event, why) => {
        telemetry.requestRefused(code);
        log.warn({ code, event: event.slice(0, 64), why }, 'request refused');
      },
      failed: (event, error) => logFailure(log, event, error),
      refused: (reason) => {
        telemetry.handshakeRefused(reason);
        log.warn({ reason }, 'handshake refused');
      },
    },
    onDisconnect: (client) => streams.disconnected(client),
  });
  const listChanged = debounced(LIST_CHANGED_DELAY_MS, () => sockets.broadcast.toAll('flow.listChanged', {}));

  const supervisor = options.createSupervisor({
    status: (...heard) => runs.heard.status(...heard),
    metrics: (runId, metrics) => {
      runs.heard.metrics(runId, metrics);
      streams.metrics(runId, metrics);
    },
    traceFrame: (...heard) => streams.traceFrame(...heard),
    logs: (...heard) => streams.logs(...heard),
    notice: (...heard) => runs.heard.notice(...heard),
    restarted: (...heard) => runs.heard.restarted(...heard),
  });
  const readers = createReaderCache(options.readers, (runId) => supervisor.folderOf(runId));
  const streams = createRunStreams({
    watchTraces: (runId, watch) => supervisor.watchTraces(runId, watch),
    traces: (runId) => readers.traces(runId),
    onSkipped: telemetry.traceRecordsSkipped,
    onLogsDropped: telemetry.logLinesDropped,
  });
  const runs = createRuns({
    store,
    supervisor,
    readers,
    nowMs,
    onChanged: (run) => sockets.broadcast.toAll('run.changed', run),
    onNotice: (runId, notice) => streams.notice(runId, notice),
    onListChanged: listChanged.call,
    onDiscard: (runId) => {
      streams.forget(runId);
      readers.forget(runId);
    },
    onSaveFailed: (runId, error) => log.error({ runId, code: error.code }, `run not saved: ${error.message}`),
  });
  const flows = createFlows({
    store,
    nowMs,
    activeRunOf: (flowId) => runs.activeRunOf(flowId)?.summary.id ?? null,
    discardRunsOf: (flowId) => runs.discardRunsOf(flowId),
    onListChanged: listChanged.call,
    onDeleted: (flowId) => sockets.broadcast.toAll('flow.deleted', { flowId }),
  });

  const handlers: Handlers = {
    ...flowRequests({ flows, onPatched: sockets.toOthersOfFlow }),
    ...runRequests({ runs, streams, readers }),
    ...controlRequests({ runs }),
    ...deadLetterRequests({ runs, readers, versionOf: (flowId, version) => store.version(flowId, version) }),
    ...replacementRequests({ runs }),
    ...browseRequests({ runs, readers }),
    ...libraryRequests({ flows, samples, files, version, ingestBase: () => `${address}/ingest` }),
  };
  sockets.serve(handlers);
  // Each in a scope of its own, because they read bodies differently.
  const mount = (routes: (scope: FastifyInstance) => void): void => {
    app.register((scope, _options, done) => {
      routes(scope);
      done();
    });
  };
  const activeRuns = (): number => runs.active().length;
  const flowExists = (flowId: string): boolean => store.flow(flowId) !== null;
  mount((scope) => statusRoutes(scope, { telemetry, version, startedMs: nowMs(), nowMs, activeRuns }));
  mount((scope) => ingestRoutes(scope, { runs, flowExists, supervisor, telemetry, nowMs }));
  mount((scope) => requestRoutes(scope, handlers));
  mount((scope) => flowRoutes(scope, flows));
  mount((scope) => runRoutes(scope, { runs, readers, folderOf: (runId) => supervisor.folderOf(runId) }));
  mount((scope) => fileRoutes(scope, files));
  await pageRoutes(app, options.pageFolder);

  return {
    listen: async () => {
      await app.listen({ host: options.host, port: options.port });
      const bound = app.server.address();
      if (typeof bound === 'object' && bound !== null) address = addressOf(options.host, bound.port);
      return address;
    },
    resumeRuns: () => runs.resumeAll(),
    close: async () => {
      listChanged.cancel();
      await sockets.close();
      await app.close();
      await supervisor.close();
      streams.close();
      runs.close();
      readers.close();
    },
  };
}

/** Where a person opens the page: a wildcard address is not one. */
function addressOf(host: string, port: number): string {
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${shown}:${port}`;
}

function figuresOf(
  {
    summary,
    metrics,
  }: { summary: { id: string; flowId: string; restarts: number }; metrics: RunFigures['metrics'] },
  document: { nodes: { id: string; name: string; kind: string }[] },
): RunFigures {
  const nodes = document.nodes.map(({ id, name, kind }) => ({ id, name, kind }));
  return { runId: summary.id, flowId: summary.flowId, restarts: summary.restarts, metrics, nodes };
}

/** Refusals are everyday; what is ours to repair is logged with its stack. */
function logFailure(log: GatewayLog, what: string, error: WorkbenchError): void {
  const cause = error.cause === undefined ? undefined : toWorkbenchError(error.cause).stack;
  if (error.code === 'INTERNAL' || error.code.startsWith('STORAGE_')) {
    log.error({ what, code: error.code, stack: error.stack, cause }, error.message);
  } else log.info({ what, code: error.code }, error.message);
}

function debounced(delayMs: number, action: () => void): { call(): void; cancel(): void } {
  let timer: NodeJS.Timeout | null = null;
  return {
    call: () => {
      timer ??= setTimeout(() => {
        timer = null;
        action();
      }, delayMs);
    },
    cancel: () => {
      if (timer) clearTimeout(timer);
    },
  };
}
