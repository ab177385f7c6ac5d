import type { MetricsSnapshot, NodeCounters } from '@millrace/shared/trace/metrics.ts';
import { Counter, Gauge, type Registry } from 'prom-client';

export type RunFigures = {
  runId: string;
  flowId: string;
  nodes: { id: string; name: string; kind: string }[];
  metrics: MetricsSnapshot | null;
  restarts: number;
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

/** A figure that a run has one of. Undefined while the run has said nothing yet: then there is no sample of it. */
type RunFigure = {
  name: string;
  help: string;
  type: typeof Counter | typeof Gauge;
  value(figures: RunFigures): number | undefined;
};

/** Rules TR2 and TR3: what sampling, expiry and losses leave of the traces. */
const TRACE_FIGURES: RunFigure[] = [
  {
    name: 'millrace_trace_sampling_ratio',
    help: 'Share of new traces that is kept at the moment; 1 keeps all of them.',
    type: Gauge,
    value: ({ metrics }) => metrics?.trace.sampling.share,
  },
  {
    name: 'millrace_traces_begun_total',
    help: 'Traces that began, those that sampling left out included.',
    type: Counter,
    value: ({ metrics }) => metrics?.trace.sampling.tracesBegun,
  },
  {
    name: 'millrace_traces_sampled_out_total',
    help: 'Traces of which sampling kept nothing.',
    type: Counter,
    value: ({ metrics }) => metrics?.trace.sampling.tracesOut,
  },
  {
    name: 'millrace_traces_promoted_total',
    help: 'Traces that sampling left out, brought back because they failed or were slow.',
    type: Counter,
    value: ({ metrics }) => metrics?.trace.sampling.promoted,
  },
  {
    name: 'millrace_traces_incomplete_total',
    help: 'Traces that were brought back when their beginning was gone.',
    type: Counter,
    value: ({ metrics }) => metrics?.trace.sampling.incomplete,
  },
  {
    name: 'millrace_traces_left_out_total',
    help: 'Failed or slow traces that were more than could be brought back.',
    type: Counter,
    value: ({ metrics }) => metrics?.trace.sampling.leftOut,
  },
  {
    name: 'millrace_trace_records_kept',
    help: 'Trace records in the store.',
    type: Gauge,
    value: ({ metrics }) => metrics?.trace.kept,
  },
  {
    name: 'millrace_trace_records_sampled_out_total',
    help: 'Trace records that sampling left out.',
    type: Counter,
    value: ({ metrics }) => metrics?.trace.sampling.recordsOut,
  },
  {
    name: 'millrace_trace_records_expired_total',
    help: 'Trace records deleted to make room.',
    type: Counter,
    value: ({ metrics }) => metrics?.trace.expired,
  },
  {
    name: 'millrace_trace_records_lost_total',
    help: 'Trace records that did not reach the store: a crash, a full disk, or more than could be written.',
    type: Counter,
    value: ({ metrics }) => metrics?.trace.lost,
  },
];

const RUN_FIGURES: RunFigure[] = [
  {
    name: 'millrace_run_restarts_total',
    help: 'How often the process of a run died and was started again.',
    type: Counter,
    value: ({ restarts }) => restarts,
  },
  ...TRACE_FIGURES,
];

/** Figures of the active runs, read when they are asked for. */
export function addRunFigures(registers: Registry[], runs: () => RunFigures[]): void {
  for (const [key, help] of Object.entries(NODE_COUNTERS) as [keyof NodeCounters, string][])
    addNodeCounter(registers, runs, key, help);
  addGaugePerPart(registers, runs, {
    name: 'millrace_subscription_lag',
    help: 'Messages a consumer has not finished yet, by edge.',
    label: 'edge',
    values: ({ subscriptions }) => Object.entries(subscriptions).map(([edge, { lag }]) => [edge, lag]),
  });
  addGaugePerPart(registers, runs, {
    name: 'millrace_dead_letters_waiting',
    help: 'Dead letters that were not sent back, by topic.',
    label: 'topic',
    values: ({ deadLetters }) => Object.entries(deadLetters).map(([topic, { waiting }]) => [topic, waiting]),
  });
  for (const figure of RUN_FIGURES) addRunFigure(registers, runs, figure);
}

function addNodeCounter(
  registers: Registry[],
  runs: () => RunFigures[],
  key: keyof NodeCounters,
  help: string,
): void {
  new Counter({
    name: `millrace_node_${key === 'deadLettered' ? 'dead_lettered' : key}_total`,
    help,
    labelNames: ['run', 'flow', 'node', 'name', 'kind'],
    registers,
    collect() {
      this.reset();
      for (const { runId, flowId, nodes, metrics } of runs()) {
        for (const { id, name, kind } of nodes)
          this.inc({ run: runId, flow: flowId, node: id, name, kind }, metrics?.nodes[id]?.[key] ?? 0);
      }
    },
  });
}

type GaugePerPart = {
  name: string;
  help: string;
  label: string;
  values(metrics: MetricsSnapshot): [part: string, value: number][];
};

function addGaugePerPart(
  registers: Registry[],
  runs: () => RunFigures[],
  { name, help, label, values }: GaugePerPart,
): void {
  new Gauge({
    name,
    help,
    labelNames: ['run', 'flow', label],
    registers,
    collect() {
      this.reset();
      for (const { runId, flowId, metrics } of runs()) {
        for (const [part, value] of metrics === null ? [] : values(metrics))
          this.set({ run: runId, flow: flowId, [label]: part }, value);
      }
    },
  });
}

function addRunFigure(
  registers: Registry[],
  runs: () => RunFigures[],
  { name, help, type: Metric, value }: RunFigure,
): void {
  new Metric({
    name,
    help,
    labelNames: ['run', 'flow'],
    registers,
    collect() {
      this.reset();
      for (const figures of runs()) {
        const at = value(figures);
        if (at !== undefined) this.inc({ run: figures.runId, flow: figures.flowId }, at);
      }
    },
  });
}
