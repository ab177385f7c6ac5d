import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import { familyOf } from '@millrace/shared/flow/records/registry.ts';
import type { MetricsSnapshot } from '@millrace/shared/trace/metrics.ts';
import { formatDuration } from './duration.ts';
import { percent } from './runReport.ts';

/** One line on stderr that says how far a run is; only on a terminal. Lines said meanwhile stay above it. */
export type Progress = {
  update(metrics: MetricsSnapshot): void;
  say(line: string): void;
  end(): void;
};

const LINES_PER_SECOND_MAX = 5;
const CLEAR_LINE = '\r\u001b[2K';

export function createProgress(document: FlowDocument): Progress {
  const out = process.stderr;
  const { isTTY } = out;
  const startedMs = performance.now();
  let shownMs = 0;
  let line = '';
  const draw = (): void => {
    if (isTTY && line !== '') out.write(CLEAR_LINE + line.slice(0, (out.columns ?? 80) - 1));
  };
  return {
    update: (metrics) => {
      const now = performance.now();
      if (!isTTY || now - shownMs < 1000 / LINES_PER_SECOND_MAX) return;
      shownMs = now;
      line = lineOf(document, metrics, now - startedMs);
      draw();
    },
    say: (text) => {
      out.write(`${isTTY ? CLEAR_LINE : ''}${text}\n`);
      draw();
    },
    end: () => {
      if (isTTY && line !== '') out.write(CLEAR_LINE);
      line = '';
    },
  };
}

/** What of a run fits in one line. */
export function lineOf(document: FlowDocument, metrics: MetricsSnapshot, elapsedMs: number): string {
  let produced = 0;
  let finished = 0;
  let deadLettered = 0;
  for (const { id, kind } of document.nodes) {
    const counters = metrics.nodes[id];
    if (!counters) continue;
    if (familyOf(kind) === 'producer') produced += counters.out;
    if (familyOf(kind) === 'consumer') finished += counters.in;
    deadLettered += counters.deadLettered;
  }
  const waiting = Object.values(metrics.subscriptions).reduce((sum, { lag }) => sum + lag, 0);
  const count = (value: number): string => value.toLocaleString('en');
  const parts = [
    metrics.status,
    formatDuration(elapsedMs),
    `${count(produced)} produced`,
    `${count(finished)} handled`,
    `${count(waiting)} waiting`,
  ];
  if (deadLettered > 0) parts.push(`${count(deadLettered)} dead letters`);
  const { share } = metrics.trace.sampling;
  if (share < 1) parts.push(`${percent(share)} of new traces kept`);
  if (metrics.stalled !== null) parts.push(`stalled: ${metrics.stalled}`);
  return parts.join(' · ');
}
