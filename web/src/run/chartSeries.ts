import type { FlowGraph } from '@millrace/shared/flow/graph.ts';
import { edgeRole } from '@millrace/shared/flow/graph.ts';
import { familyOf } from '@millrace/shared/flow/records/registry.ts';
import { inDrawingOrder } from '../live/drawingOrder.ts';

/** Colours that stay apart for the colour-blind and reach 3:1 on the panel; the dash tells apart what repeats. */
export const CHART_COLORS = {
  light: ['#17648f', '#94590a', '#5b48b0', '#1c6b3f', '#b3261e', '#8a3f7b', '#4b5a66', '#0b7a75'],
  dark: ['#7dbbe4', '#e8b567', '#b3a4f0', '#76cf9a', '#f59a94', '#dc9ad0', '#a3b0bb', '#63cfc8'],
} as const;

/** More lines than this in one chart cannot be told apart; the table has them all. */
export const CHARTED_NODES_MAX = 8;

/** Which nodes a fresh chart shows: the first producers and consumers; topics repeat their rates. */
export function initialSelection(graph: FlowGraph): string[] {
  return inDrawingOrder(graph.document)
    .filter((node) => familyOf(node.kind) !== 'topic')
    .slice(0, 6)
    .map((node) => node.id);
}

/** The counter that says how much a node gets through. */
export function throughputCounter(graph: FlowGraph, nodeId: string): 'in' | 'out' {
  const node = graph.nodes.get(nodeId);
  return node && familyOf(node.kind) === 'producer' ? 'out' : 'in';
}

/** Subscriptions that end or begin at one of the nodes. */
export function subscriptionsOf(
  graph: FlowGraph,
  nodeIds: ReadonlySet<string>,
): { edgeId: string; source: string; target: string }[] {
  return graph.document.edges
    .filter(
      (edge) =>
        edgeRole(graph, edge) === 'subscribe' && (nodeIds.has(edge.target) || nodeIds.has(edge.source)),
    )
    .map((edge) => ({ edgeId: edge.id, source: edge.source, target: edge.target }));
}
