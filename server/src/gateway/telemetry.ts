import type { MetricsSnapshot, NodeCounters } from '@millrace/shared/trace/metrics.ts';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';

export type RunFigures = {
  runId: string;
  flowId: string;
  nodes: { id: string; name: string; kind: string }[];
  metrics: MetricsSnapshot | null;
  restarts: number;
};

export type TelemetryOptions = { runs(): RunFigures[]; sockets(): number };

/** The figures of `/metrics`, in Prometheus' text format. Figures of runs are those of the active ones. */
export type Telemetry = {
  readonly contentType: string;
  text(): Promise<string>;
  requestRefused(code: string): void;
  handshakeRefused(reason: string): void;
  traceRecordsSkipped(records: number): void;
  logLinesDropped(lines: number): void;
  ingested(messages: number): void;
  ingestRefused(code: string): void;
};

const NODE_COUNTERS: Record<keyof NodeCounters, string> = {
  in: 'Messages a node has taken.',
  out: 'Messages a node has given.',
  failed: 'Attempts that did not end ok.',
  retried: 'Attempts scheduled again.',
  deadLettered: 'Messages given up on and sent to a dead-letter topic.',
  skipped: 'Messages given up on and skipped.',
  rejected: 'Messages refused before anything was written.',
  deduplicated: 'Messages passed over because their key was handled before.',
  dropped: 'Messages left out by a full reader, or lost by at-most-once.',
  expired: 'Messages deleted by retention or compaction.',
  flagged: 'Messages appended though they do not fit their schema.',
  redriven: 'Dead letters sent back.',
};

export function createTelemetry(options: TelemetryOptions): Telemetry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];

  new Gauge({
    name: 'millrace_sockets',
    help: 'Connected pages.',
    registers,
    collect() {
      this.set(options.sockets());
    },
  });
  new Gauge({
    name: 'millrace_active_runs',
    help: 'Runs that are not over.',
    registers,
    collect() {
      this.set(options.runs().length);
    },
  });
  addRunFigures(registers, options.runs);

  const counter = <Label extends string>(
    name: string,
    help: string,
    labelNames: Label[] = [],
  ): Counter<Label> => new Counter({ name, help, labelNames, registers });
  const requests = counter(
    'millrace_socket_requests_refused_total',
    'Requests that were not in the catalog or did not fit it.',
    ['code'],
  );
  const handshakes = counter('millrace_handshakes_refused_total', 'Pages that were not let in.', ['reason']);
  const skipped = counter(
    'millrace_trace_records_skipped_total',
    'Trace records left out because a page was slow.',
  );
  const dropped = counter(
    'millrace_log_lines_dropped_total',
    'Log lines left out because a page was slow or a run said too much.',
  );
  const ingested = counter('millrace_ingested_messages_total', 'Messages taken over HTTP and acknowledged.');
  const ingestRefused = counter('millrace_ingest_refused_total', 'HTTP ingest requests that were refused.', [
    'code',
  ]);
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    requestRefused: (code) => requests.inc({ code }),
    handshakeRefused: (reason) => handshakes.inc({ reason }),
    traceRecordsSkipped: (records) => skipped.inc(records),
    logLinesDropped: (lines) => dropped.inc(lines),
    ingested: (messages) => ingested.inc(messages),
    ingestRefused: (code) => ingestRefused.inc({ code }),
  };
}

function addRunFigures(registers: Registry[], runs: () => RunFigures[]): void {
  const labelNames = ['run', 'flow', 'node', 'name', 'kind'] as const;
  for (const [key, help] of Object.entries(NODE_COUNTERS) as [keyof NodeCounters, string][]) {
    new Counter({
      name: `millrace_node_${key === 'deadLettered' ? 'dead_lettered' : key}_total`,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const { runId, flowId, nodes, metrics } of runs()) {
          for (const { id, name, kind } of nodes) {
            this.inc({ run: runId, flow: flowId, node: id, name, kind }, metrics?.nodes[id]?.[key] ?? 0);
          }
        }
      },
    });
  }
  new Gauge({
    name: 'millrace_subscription_lag',
    help: 'Messages a consumer has not finished yet, by edge.',
    labelNames: ['run', 'flow', 'edge'] as const,
    registers,
    collect() {
      this.reset();
      for (const { runId, flowId, metrics } of runs()) {
        for (const [edge, { lag }] of Object.entries(metrics?.subscriptions ?? {}))
          this.set({ run: runId, flow: flowId, edge }, lag);
      }
    },
  });
  new Counter({
    name: 'millrace_run_restarts_total',
    help: 'How often the process of a run died and was started again.',
    labelNames: ['run', 'flow'] as const,
    registers,
    collect() {
      this.reset();
      for (const { runId, flowId, restarts } of runs()) this.inc({ run: runId, flow: flowId }, restarts);
    },
  });
}
