import type { ErrorData } from '@millrace/shared/errors/workbenchError.ts';
import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import {
  type MetricsSnapshot,
  type NodeCounters,
  type RunStatus,
  type TraceFigures,
  zeroCounters,
  zeroTraceFigures,
} from '@millrace/shared/trace/metrics.ts';
import { buildPlan } from '../engine/plan/plan.ts';
import { formatDuration } from './duration.ts';

/** What `run --json` prints. Scripts read it, so fields are added but never renamed. */
export type RunReport = {
  flow: { id: string; name: string };
  status: RunStatus;
  error: ErrorData | null;
  seed: number;
  durability: 'fsync' | 'relaxed';
  durationMs: number;
  restarts: number;
  nodes: Record<string, { name: string; kind: string } & NodeCounters>;
  /** `ends`: the next offset of each partition, which is how many messages it has taken. */
  topics: Record<string, { name: string; ends: number[] }>;
  /** What is kept of the traces. `share` is that of new traces at the end; `sampledOut` and `leftOut` were not kept (TR2). */
  traces: {
    share: number;
    begun: number;
    kept: number;
    sampledOut: number;
    promoted: number;
    leftOut: number;
  };
  /** All of those that were given out (TR3). */
  traceRecords: { kept: number; expired: number; lost: number; sampledOut: number };
  /** What the file sinks wrote. `path` is null when the folder of the run was not kept. */
  files: { name: string; bytes: number; path: string | null }[];
};

export type RunOutcome = {
  status: RunStatus;
  error: ErrorData | null;
  metrics: MetricsSnapshot | null;
  durationMs: number;
  restarts: number;
  files: RunReport['files'];
};

export function reportOf(document: FlowDocument, outcome: RunOutcome): RunReport {
  const { metrics, status, error, durationMs, restarts, files } = outcome;
  const nodes: RunReport['nodes'] = {};
  const topics: RunReport['topics'] = {};
  for (const { id, name, kind } of inReadingOrder(document)) {
    nodes[id] = { name, kind, ...(metrics?.nodes[id] ?? zeroCounters()) };
  }
  // The plan also knows the topics that nobody drew, where dead letters are parked.
  for (const { topic, name } of buildPlan(document).topics) {
    topics[topic] = { name, ends: metrics?.topics[topic]?.end ?? [] };
  }
  const { seed, durability } = document.settings;
  const flow = { id: document.id, name: document.name };
  const trace = metrics?.trace ?? zeroTraceFigures();
  return {
    flow,
    status,
    error,
    seed,
    durability,
    durationMs: Math.round(durationMs),
    restarts,
    nodes,
    topics,
    traces: tracesOf(trace),
    traceRecords: {
      kept: trace.kept,
      expired: trace.expired,
      lost: trace.lost,
      sampledOut: trace.sampling.recordsOut,
    },
    files,
  };
}

function tracesOf({ sampling }: TraceFigures): RunReport['traces'] {
  const { share, tracesBegun: begun, tracesOut: sampledOut, promoted, leftOut } = sampling;
  return { share, begun, kept: Math.max(0, begun - sampledOut), sampledOut, promoted, leftOut };
}

/** As a person reads the drawing: from left to right, and from top to bottom. */
function inReadingOrder({ nodes, layout }: FlowDocument): FlowDocument['nodes'] {
  const at = (id: string): { x: number; y: number } => layout.nodes[id] ?? { x: 0, y: 0 };
  return nodes.toSorted((a, b) => at(a.id).x - at(b.id).x || at(a.id).y - at(b.id).y);
}

const COLUMNS = ['in', 'out', 'failed', 'retried', 'deadLettered', 'skipped', 'rejected'] as const;
const HEADINGS: Record<(typeof COLUMNS)[number], string> = {
  in: 'in',
  out: 'out',
  failed: 'failed',
  retried: 'retried',
  deadLettered: 'dead letters',
  skipped: 'skipped',
  rejected: 'rejected',
};

/** The same for people. */
export function reportText(report: RunReport): string {
  const nodes = Object.values(report.nodes);
  // Columns of zeroes only say nothing; in and out always do.
  const columns = COLUMNS.filter(
    (column) => column === 'in' || column === 'out' || nodes.some((node) => node[column] > 0),
  );
  const rows = [
    ['node', 'kind', ...columns.map((column) => HEADINGS[column])],
    ...nodes.map((node) => [
      node.name,
      node.kind,
      ...columns.map((column) => node[column].toLocaleString('en')),
    ]),
  ];
  const lines = [`${report.flow.name}: ${report.status} after ${formatDuration(report.durationMs)}`];
  if (report.error) lines.push(`  ${report.error.message}`);
  if (report.restarts > 0) lines.push(`  its process died and was started again ${report.restarts} times`);
  lines.push('', ...aligned(rows));
  const topics = Object.values(report.topics).map((topic) => [topic.name, topic.ends.join('  ')]);
  if (topics.length > 0) lines.push('', ...aligned([['topic', 'messages in each partition'], ...topics], 0));
  const traces = traceLines(report);
  if (traces.length > 0) lines.push('', ...traces);
  if (report.files.length > 0) {
    lines.push(
      '',
      ...report.files.map(
        (file) =>
          `${file.path ?? `${file.name} (not kept; use --out <folder>)`}  ${file.bytes.toLocaleString('en')} bytes`,
      ),
    );
  }
  return `${lines.join('\n')}\n`;
}

/** Nothing where all traces and all their records are kept. */
function traceLines({ traces, traceRecords }: RunReport): string[] {
  const count = (value: number): string => value.toLocaleString('en');
  const lines: string[] = [];
  if (traces.sampledOut > 0)
    lines.push(
      `traces: ${count(traces.kept)} of ${count(traces.begun)} kept (${percent(traces.kept / traces.begun)}), ${count(traces.sampledOut)} left out; failed, retried and slow ones are always kept`,
    );
  if (traces.leftOut > 0)
    lines.push(`${count(traces.leftOut)} failed or slow traces came too fast to be kept beyond the sample`);
  if (traceRecords.lost > 0) lines.push(`${count(traceRecords.lost)} trace records were lost`);
  return lines;
}

/** Two digits that mean something, however small the share. */
export function percent(share: number): string {
  return `${Number((share * 100).toPrecision(2))} %`;
}

/** Text left, numbers right. */
function aligned(rows: string[][], firstNumber = 2): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return firstNumber > 0 && column >= firstNumber ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
}
