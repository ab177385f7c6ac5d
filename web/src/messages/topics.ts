import type { FlowGraph } from '@millrace/shared/flow/graph.ts';
import { edgeRole } from '@millrace/shared/flow/graph.ts';
import { familyOf } from '@millrace/shared/flow/records/registry.ts';
import type { MetricsSnapshot, NodeCounters } from '@millrace/shared/trace/metrics.ts';
import { inDrawingOrder } from '../live/drawingOrder.ts';
import { DEAD_LETTER_SUFFIX } from '../live/liveRun.ts';

export type BrowsableTopic = {
  id: string;
  /** Not on the drawing: the run made it for what a consumer gave up on. */
  automatic: boolean;
  partitions: number;
  /** Messages appended so far; null while it is not known. */
  messages: number | null;
};

/** The topics of a run: those drawn, then those the run made for dead letters nobody drew a topic for. */
export function browsableTopics(
  graph: FlowGraph | null,
  metrics: MetricsSnapshot | null,
  counters: Record<string, NodeCounters>,
): BrowsableTopic[] {
  const topics: BrowsableTopic[] = [];
  for (const node of graph ? inDrawingOrder(graph.document) : []) {
    if (node.kind !== 'topic') continue;
    const end = metrics?.topics[node.id]?.end;
    topics.push({
      id: node.id,
      automatic: false,
      partitions: end?.length ?? node.config.partitions,
      messages: end ? sum(end) : (counters[node.id]?.in ?? null),
    });
  }
  const drawn = new Set(topics.map((topic) => topic.id));
  for (const [id, { end }] of Object.entries(metrics?.topics ?? {})) {
    if (!drawn.has(id)) topics.push({ id, automatic: true, partitions: end.length, messages: sum(end) });
  }
  if (!metrics && graph) {
    // A finished run has no metrics any more; its counters tell which consumers have parked messages.
    for (const node of graph.document.nodes) {
      const parked = counters[node.id]?.deadLettered ?? 0;
      if (parked === 0 || familyOf(node.kind) !== 'consumer' || hasDeadLetterEdge(graph, node.id)) continue;
      topics.push({
        id: `${node.id}${DEAD_LETTER_SUFFIX}`,
        automatic: true,
        partitions: 1,
        messages: parked,
      });
    }
  }
  return topics;
}

function hasDeadLetterEdge(graph: FlowGraph, nodeId: string): boolean {
  return (graph.outgoing.get(nodeId) ?? []).some((edge) => edgeRole(graph, edge) === 'dead-letter');
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

export type PartitionLine = {
  partition: number;
  start: number;
  end: number;
  /** Per reader of the topic: committed offset and how far that is behind the end. */
  groups: { edgeId: string; nodeId: string; committed: number; lag: number }[];
};

/** Where each partition begins and ends, and where each group stands in it (CG4). */
export function partitionLines(
  topicId: string,
  partitions: readonly { start: number; end: number }[],
  graph: FlowGraph | null,
  metrics: MetricsSnapshot | null,
): PartitionLine[] {
  const readers = graph?.outgoing.get(topicId) ?? [];
  return partitions.map(({ start, end }, partition) => {
    // The page of messages may be older than the metrics that stream in.
    const endNow = Math.max(end, metrics?.topics[topicId]?.end[partition] ?? 0);
    const groups = readers.flatMap((edge) => {
      const committed = metrics?.subscriptions[edge.id]?.committed[partition];
      if (committed === undefined) return [];
      return [{ edgeId: edge.id, nodeId: edge.target, committed, lag: Math.max(0, endNow - committed) }];
    });
    return { partition, start, end: endNow, groups };
  });
}
