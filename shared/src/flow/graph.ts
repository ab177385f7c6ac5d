import type { FlowDocument, FlowEdge, FlowNode } from './document.ts';
import type { PortRole } from './records/kind.ts';
import { familyOf, outputsOf } from './records/registry.ts';

/** A document indexed for questions about its wiring. Cheap to build; build it once per document. */
export type FlowGraph = {
  document: FlowDocument;
  nodes: ReadonlyMap<string, FlowNode>;
  outgoing: ReadonlyMap<string, readonly FlowEdge[]>;
  incoming: ReadonlyMap<string, readonly FlowEdge[]>;
};

export function graphOf(document: FlowDocument): FlowGraph {
  const nodes = new Map(document.nodes.map((node) => [node.id, node]));
  const outgoing = new Map<string, FlowEdge[]>();
  const incoming = new Map<string, FlowEdge[]>();
  for (const edge of document.edges) {
    push(outgoing, edge.source, edge);
    push(incoming, edge.target, edge);
  }
  return { document, nodes, outgoing, incoming };
}

function push(map: Map<string, FlowEdge[]>, key: string, edge: FlowEdge): void {
  const list = map.get(key);
  if (list) list.push(edge);
  else map.set(key, [edge]);
}

/** What an edge does, read off the port it leaves; undefined when the source or its port is missing. */
export function edgeRole(graph: FlowGraph, edge: FlowEdge): PortRole | undefined {
  const source = graph.nodes.get(edge.source);
  if (!source) return undefined;
  return outputsOf(source).find((port) => port.id === edge.sourcePort)?.role;
}

export type ConnectionVerdict =
  | { ok: true; role: PortRole }
  | { ok: false; reason: 'needs-topic' | 'same-node' | 'not-allowed' | 'duplicate'; sentence: string };

/**
 * The wiring rule: messages pass through topics. `needs-topic` means that the connection makes sense with a topic put
 * in between. The canvas asks this while a person drags, validation asks it of every edge.
 */
export function judgeConnection(graph: FlowGraph, edge: Omit<FlowEdge, 'id'>): ConnectionVerdict {
  const source = graph.nodes.get(edge.source);
  const target = graph.nodes.get(edge.target);
  if (!source || !target)
    return { ok: false, reason: 'not-allowed', sentence: 'One end of this connection is missing.' };
  if (source.id === target.id)
    return { ok: false, reason: 'same-node', sentence: `${source.name} cannot be connected to itself.` };
  const port = outputsOf(source).find((candidate) => candidate.id === edge.sourcePort);
  if (!port)
    return {
      ok: false,
      reason: 'not-allowed',
      sentence: `${source.name} has no output named ${edge.sourcePort}.`,
    };
  const targetFamily = familyOf(target.kind);
  if (targetFamily === 'producer') {
    return {
      ok: false,
      reason: 'not-allowed',
      sentence: `${target.name} is a producer; nothing can be sent to it.`,
    };
  }
  const wantsTopic = port.role !== 'subscribe';
  if (wantsTopic && targetFamily === 'consumer') {
    return {
      ok: false,
      reason: 'needs-topic',
      sentence: `Messages pass through topics: put a topic between ${source.name} and ${target.name}.`,
    };
  }
  if (!wantsTopic && targetFamily === 'topic') {
    return {
      ok: false,
      reason: 'not-allowed',
      sentence: `A topic cannot feed a topic directly: put a consumer between ${source.name} and ${target.name}.`,
    };
  }
  const twin = (graph.outgoing.get(source.id) ?? []).some(
    (other) => other.target === target.id && other.sourcePort === edge.sourcePort,
  );
  if (twin)
    return {
      ok: false,
      reason: 'duplicate',
      sentence: `${source.name} is already connected to ${target.name}.`,
    };
  return { ok: true, role: port.role };
}
