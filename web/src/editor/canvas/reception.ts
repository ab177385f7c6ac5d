import { type ConnectionVerdict, type FlowGraph, judgeConnection } from '@millrace/shared/flow/graph.ts';
import { outputsOf } from '@millrace/shared/flow/records/registry.ts';
import type { PulledEdge, Wire } from '../commands/wiring.ts';

export type Reception = { wire: Wire; verdict: ConnectionVerdict };

/** How a node would take the edge that is being pulled. An edge pulled backwards takes the best of the node's ports. */
export function receptionOf(graph: FlowGraph, pulled: PulledEdge, nodeId: string): Reception {
  if (pulled.end === 'source') {
    const wire = { source: pulled.nodeId, sourcePort: pulled.portId, target: nodeId };
    return { wire, verdict: judgeConnection(graph, wire) };
  }
  const node = graph.nodes.get(nodeId);
  const ports = node ? outputsOf(node).filter((port) => port.role !== 'dead-letter') : [];
  const all = ports.map((port): Reception => {
    const wire = { source: nodeId, sourcePort: port.id, target: pulled.nodeId };
    return { wire, verdict: judgeConnection(graph, wire) };
  });
  const best =
    all.find(({ verdict }) => verdict.ok) ??
    all.find(({ verdict }) => !verdict.ok && verdict.reason === 'needs-topic') ??
    all[0];
  if (best) return best;
  const name = node?.name ?? 'This node';
  return {
    wire: { source: nodeId, sourcePort: 'none', target: pulled.nodeId },
    verdict: { ok: false, reason: 'not-allowed', sentence: `${name} ends here: it sends nothing on.` },
  };
}

/** The class with which a node shows how it would take the edge. */
export function receptionClass({ verdict }: Reception): string {
  if (verdict.ok) return 'accepts';
  return verdict.reason === 'needs-topic' ? 'offers' : 'refuses';
}
