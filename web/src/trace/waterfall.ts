import type { FlowGraph } from '@millrace/shared/flow/graph.ts';
import { edgeRole } from '@millrace/shared/flow/graph.ts';
import type { Span, TraceModel } from '@millrace/shared/trace/spans.ts';
import type { LitPath } from '../live/watch.tsx';

export type WaterfallRow = {
  span: Span;
  /** Position and length as shares of the trace's time, 0 to 1. */
  left: number;
  width: number;
  hasChildren: boolean;
  collapsed: boolean;
  tone: SpanTone;
};
export type SpanTone = 'send' | 'process' | 'running' | 'failed' | 'dead';

/** Rows in tree order, without what lies below collapsed spans. */
export function waterfallRows(model: TraceModel, collapsed: ReadonlySet<string>): WaterfallRow[] {
  const totalMs = durationMs(model);
  const parents = new Set(model.spans.map((span) => span.parentId));
  const rows: WaterfallRow[] = [];
  let hiddenBelow: number | null = null;
  for (const span of model.spans) {
    if (hiddenBelow !== null && span.depth > hiddenBelow) continue;
    const isCollapsed = collapsed.has(span.id);
    hiddenBelow = isCollapsed ? span.depth : null;
    const endMs = span.endMs ?? model.endMs;
    const left = totalMs === 0 ? 0 : (span.startMs - model.startMs) / totalMs;
    rows.push({
      span,
      left: clamp(left),
      width: totalMs === 0 ? 1 : clamp((endMs - span.startMs) / totalMs, 1 - clamp(left)),
      hasChildren: parents.has(span.id),
      collapsed: isCollapsed,
      tone: toneOf(span),
    });
  }
  return rows;
}

export function durationMs(model: TraceModel): number {
  return Math.max(0, model.endMs - model.startMs);
}

export function spanDurationMs(span: Span): number | null {
  return span.endMs === null ? null : Math.max(0, span.endMs - span.startMs);
}

function clamp(share: number, most = 1): number {
  return Math.min(most, Math.max(0, share));
}

export function toneOf(span: Span): SpanTone {
  if (span.deadLettered) return 'dead';
  if (span.status === 'running') return 'running';
  if (span.status !== 'ok') return 'failed';
  return span.operation;
}

/** Round times for the scale: at most `ticksMax` steps of 1, 2 or 5 times a power of ten. */
export function scaleTicks(totalMs: number, ticksMax: number): number[] {
  if (!(totalMs > 0)) return [0];
  const rough = totalMs / ticksMax;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step =
    [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? power * 10;
  const ticks: number[] = [];
  // Multiples and not a running sum, which would drift.
  for (let index = 0; index * step <= totalMs * (1 + 1e-9); index++) ticks.push(index * step);
  return ticks;
}

/** The nodes and edges of the drawing that a trace passed. Hops of which the drawing has no edge are left out. */
export function litPath(model: TraceModel, graph: FlowGraph): LitPath {
  const edgeIds = new Set<string>();
  for (const hop of model.hops) {
    for (const edge of graph.outgoing.get(hop.source) ?? []) {
      if (edge.target === hop.target && edgeRole(graph, edge) === hop.role) edgeIds.add(edge.id);
    }
  }
  return { nodeIds: new Set(model.nodes), edgeIds };
}

/** Where the arrow keys lead in the rows; Left closes a span or goes to its parent, as trees do. */
export function moveInTree(
  rows: readonly WaterfallRow[],
  selectedId: string | null,
  key: string,
): { select?: string; toggle?: string } | null {
  const index = rows.findIndex((row) => row.span.id === selectedId);
  const row = rows[index];
  const at = (position: number): { select?: string } => {
    const target = rows[Math.min(rows.length - 1, Math.max(0, position))];
    return target ? { select: target.span.id } : {};
  };
  switch (key) {
    case 'ArrowDown':
      return at(index + 1);
    case 'ArrowUp':
      return at(index < 0 ? 0 : index - 1);
    case 'Home':
      return at(0);
    case 'End':
      return at(rows.length - 1);
    case 'ArrowRight':
      if (!row?.hasChildren) return {};
      return row.collapsed ? { toggle: row.span.id } : at(index + 1);
    case 'ArrowLeft':
      if (row?.hasChildren && !row.collapsed) return { toggle: row.span.id };
      return row?.span.parentId ? { select: row.span.parentId } : {};
    default:
      return null;
  }
}
