import { edgeRole } from '@millrace/shared/flow/graph.ts';
import { fullnessOf } from './backlog.ts';
import { faultMark, faultsAt } from './faults.ts';
import { compactNumber } from './format.ts';
import type { LiveRun } from './liveRun.ts';

/**
 * What flows along one edge now. `fullness` is the share of the backlog limit that is used, 0 to 1; null where nobody
 * reads from the edge, so that nothing can pile up. `fault` says what is broken there on purpose.
 */
export type EdgeFlow = {
  rate: number;
  lag: number;
  fullness: number | null;
  deadLetters: boolean;
  fault: string | null;
};

const NO_FLOW: EdgeFlow = { rate: 0, lag: 0, fullness: null, deadLetters: false, fault: null };

/**
 * Subscriptions are exact: committed offsets move. A publish edge is exact when it is the only one into its topic or
 * out of its node; otherwise the topic's rate is shared out among its writers by how much each sends.
 */
export function edgeFlows(live: LiveRun, nowMs: number = performance.now()): Map<string, EdgeFlow> {
  const flows = new Map<string, EdgeFlow>();
  const { graph, metrics } = live;
  if (!graph) return flows;
  for (const edge of graph.document.edges) {
    const fault = faultMark(faultsAt(metrics.latest, edge.id))?.text ?? null;
    switch (edgeRole(graph, edge)) {
      case 'subscribe': {
        const progress = metrics.latest?.subscriptions[edge.id];
        flows.set(edge.id, {
          ...NO_FLOW,
          fault,
          rate: metrics.subscriptionRate(edge.id, nowMs),
          lag: progress?.lag ?? 0,
          fullness: progress ? fullnessOf(progress) : null,
        });
        break;
      }
      case 'dead-letter':
        flows.set(edge.id, {
          ...NO_FLOW,
          fault,
          rate: metrics.rate(edge.source, 'deadLettered', nowMs),
          deadLetters: true,
        });
        break;
      case 'publish':
        flows.set(edge.id, { ...NO_FLOW, fault, rate: publishRate(live, edge, nowMs) });
        break;
    }
  }
  return flows;
}

function publishRate(live: LiveRun, edge: { source: string; target: string }, nowMs: number): number {
  const { graph, metrics } = live;
  if (!graph) return 0;
  const own = metrics.rate(edge.source, 'out', nowMs);
  const publishes = (graph.outgoing.get(edge.source) ?? []).filter(
    (other) => edgeRole(graph, other) === 'publish',
  );
  if (publishes.length <= 1) return own;
  const arriving = metrics.rate(edge.target, 'in', nowMs);
  const writers = graph.incoming.get(edge.target) ?? [];
  if (writers.length <= 1) return arriving;
  const all = writers.reduce((sum, writer) => sum + metrics.rate(writer.source, 'out', nowMs), 0);
  return all > 0 ? Math.min(own, (arriving * own) / all) : 0;
}

/** How a rate looks: pulses this long, this far apart, this fast. Aggregated, so that 10,000/s is calm to look at. */
export type PulseStyle = { lengthPx: number; gapPx: number; speedPx: number };

const GAP_PX = [120, 80, 52, 34, 22, 15, 11] as const;

/** One step per factor of about three, so that small changes of rate do not make the pattern jump. */
export function pulseStyle(rate: number): PulseStyle | null {
  if (!(rate > 0)) return null;
  const magnitude = Math.max(0, Math.log10(rate) + 0.5);
  const step = Math.min(GAP_PX.length - 1, Math.floor(magnitude * 1.6));
  const gapPx = GAP_PX[step] ?? GAP_PX[0];
  return { lengthPx: 5 + step, gapPx, speedPx: Math.min(150, 34 + magnitude * 26) };
}

/** A backlog thickens the edge: 0 px at none, 7 px at the limit; already visible at 1 % of it. */
export function backlogWidth(fullness: number): number {
  return fullness <= 0 ? 0 : 1.5 + 5.5 * Math.min(1, Math.sqrt(fullness));
}

/** A lag below this is work in progress, not a queue worth a label. */
export const LAG_LABEL_MIN = 10;

/** Below it the share of a limit says less than the number alone, and edges are short. */
const SHARE_PERCENT_MIN = 10;

/** What stands on a reader's edge: how much waits and, when that is worth a thought, how full that makes it. */
export function fillLabel({ lag, fullness }: Pick<EdgeFlow, 'lag' | 'fullness'>): string | null {
  if (fullness !== null && fullness >= 1) return `full: ${compactNumber(lag)}`;
  if (lag < LAG_LABEL_MIN) return null;
  const percent = Math.floor((fullness ?? 0) * 100);
  return percent >= SHARE_PERCENT_MIN ? `${compactNumber(lag)} · ${percent} %` : `lag ${compactNumber(lag)}`;
}
