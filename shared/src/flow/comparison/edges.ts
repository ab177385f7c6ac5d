import type { FlowChange } from '../changes.ts';
import type { FlowEdge, FlowNode } from '../document.ts';
import { edgeRole, type FlowGraph } from '../graph.ts';
import type { RunKnowledge } from './knowledge.ts';
import { describeStart } from './nodes.ts';
import { changedPaths } from './paths.ts';
import { type Consequence, countOf, keeps, loses, starts, weigh } from './weigh.ts';

/**
 * Connections are told by what they connect: one that was drawn again has another id and means the same. What follows
 * from a node that came or went is said of the node.
 */
export function edgeChanges(before: FlowGraph, after: FlowGraph, known: RunKnowledge): FlowChange[] {
  const changes: FlowChange[] = [];
  const add = (
    kind: FlowChange['kind'],
    graph: FlowGraph,
    edge: FlowEdge,
    paths: string[],
    consequence: Consequence,
  ): void => {
    const name = `${nameOf(graph, edge.source)} → ${nameOf(graph, edge.target)}`;
    changes.push({ kind, record: 'edge', id: edge.id, name, paths, ...weigh([consequence]) });
  };
  const old = new Map(before.document.edges.map((edge) => [wireOf(edge), edge]));
  const wires = new Set<string>();
  for (const edge of after.document.edges) {
    wires.add(wireOf(edge));
    const twin = old.get(wireOf(edge));
    if (twin) {
      const paths = changedPaths({ backlog: twin.backlog ?? {} }, { backlog: edge.backlog ?? {} });
      if (paths.length > 0)
        add('changed', after, edge, paths, keeps('The backlog limit of this connection counts from now on.'));
    } else if (before.nodes.has(workerOf(after, edge)))
      add('added', after, edge, [], connected(before, after, edge));
  }
  for (const [wire, edge] of old) {
    if (!wires.has(wire) && after.nodes.has(workerOf(before, edge)))
      add('removed', before, edge, [], disconnected(before, after, edge, known));
  }
  return changes;
}

function wireOf({ source, sourcePort, target }: FlowEdge): string {
  return `${source}/${sourcePort}/${target}`;
}

/** The end that does something over this edge: the consumer that reads, or the node that writes. */
function workerOf(graph: FlowGraph, edge: FlowEdge): string {
  return edgeRole(graph, edge) === 'subscribe' ? edge.target : edge.source;
}

function nameOf(graph: FlowGraph, nodeId: string): string {
  return graph.nodes.get(nodeId)?.name ?? nodeId;
}

function connected(before: FlowGraph, after: FlowGraph, edge: FlowEdge): Consequence {
  const from = nameOf(after, edge.source);
  const to = nameOf(after, edge.target);
  switch (edgeRole(after, edge)) {
    case 'subscribe': {
      const consumer = after.nodes.get(edge.target) as FlowNode;
      const start =
        'startFrom' in consumer.config ? consumer.config.startFrom : ({ at: 'earliest' } as const);
      return starts(`${to} starts to read ${from}, at ${describeStart(start)}.`);
    }
    case 'dead-letter': {
      const hadOne = (before.outgoing.get(edge.source) ?? []).some(
        (other) => edgeRole(before, other) === 'dead-letter',
      );
      const parked = hadOne ? '' : ' What was parked so far stays in the log of this run.';
      return starts(`Dead letters of ${from} go to ${to} from now on.${parked}`);
    }
    default:
      return starts(`${from} writes to ${to} from now on.`);
  }
}

function disconnected(before: FlowGraph, after: FlowGraph, edge: FlowEdge, known: RunKnowledge): Consequence {
  const from = nameOf(before, edge.source);
  const to = nameOf(before, edge.target);
  // Of a topic that goes too, its own line says what becomes of its messages.
  const isThere = after.nodes.has(edge.source) && after.nodes.has(edge.target);
  switch (edgeRole(before, edge)) {
    case 'subscribe': {
      if (!isThere) return loses(`${to} no longer reads ${from}, and its offsets there are forgotten.`);
      const waiting = known.waiting[edge.id] ?? 0;
      const left =
        waiting === 0
          ? ''
          : ` ${countOf(waiting, 'message')} it has not handled ${waiting === 1 ? 'stays' : 'stay'} there.`;
      return loses(
        `${to} no longer reads ${from} and its offsets there are forgotten: connected again, it starts anew.${left}`,
      );
    }
    case 'dead-letter':
      return loses(
        `Dead letters of ${from} no longer go to ${to}${isThere ? '; those that are there stay' : ''}.`,
      );
    default:
      return loses(`${from} no longer writes to ${to}${isThere ? '; what it wrote stays' : ''}.`);
  }
}
