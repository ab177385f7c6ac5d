import type { FlowDocument, FlowEdge, FlowNode } from '../document.ts';
import type { FlowGraph } from '../graph.ts';
import { placeText } from '../issues.ts';
import type { FlowPatch } from '../records.ts';

/** `error` keeps the flow from running; `warning` runs and probably does not do what was meant; `info` is good to know. */
export type ProblemSeverity = 'error' | 'warning' | 'info';

export type ProblemCode =
  | 'empty-flow'
  | 'duplicate-id'
  | 'unknown-kind'
  | 'unknown-schema'
  | 'duplicate-name'
  | 'dangling-edge'
  | 'unknown-port'
  | 'needs-topic'
  | 'topic-to-topic'
  | 'wiring-not-allowed'
  | 'duplicate-edge'
  | 'topic-without-reader'
  | 'topic-without-writer'
  | 'consumer-without-subscription'
  | 'producer-without-topic'
  | 'output-unconnected'
  | 'dead-letters-automatic'
  | 'loop'
  | 'duplicate-port'
  | 'cron-invalid'
  | 'payload-invalid'
  | 'duplicate-http-path'
  | 'duplicate-file'
  | 'template-invalid'
  | 'duplicate-column'
  | 'batch-too-large'
  | 'time-field-missing';

export type ProblemFix = { label: string; patch: FlowPatch };

export type Problem = {
  code: ProblemCode;
  severity: ProblemSeverity;
  /** A sentence that says what is wrong and, where it helps, what to do. */
  message: string;
  /** Reads like `nodes[3] "Payment" › config › cron`. */
  path: string;
  nodeId?: string;
  edgeId?: string;
  fixes: ProblemFix[];
};

/** Makes ids for records that a fix adds. */
export type NewId = (prefix: 'node' | 'edge') => string;

export type ValidationContext = {
  document: FlowDocument;
  graph: FlowGraph;
  /** Missing: fixes that would add records are not offered. */
  newId: NewId | undefined;
};

export function nodePath(document: FlowDocument, node: FlowNode, ...inside: PropertyKey[]): string {
  return placeText(['nodes', document.nodes.indexOf(node), ...inside], document);
}

export function edgePath({ document, graph }: ValidationContext, edge: FlowEdge): string {
  const nameOf = (id: string): string => graph.nodes.get(id)?.name ?? id;
  return `edges[${document.edges.indexOf(edge)}] "${nameOf(edge.source)} → ${nameOf(edge.target)}"`;
}
