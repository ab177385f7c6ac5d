import type { FlowDocument, FlowEdge, FlowNode } from '../document.ts';
import { DEAD_LETTER_PORT } from '../records/delivery.ts';
import { NODE_KINDS } from '../records/registry.ts';
import { layoutIdOf } from '../records.ts';
import type { NewId, ProblemFix, ValidationContext } from './problem.ts';

export function removeEdge(edge: FlowEdge, label = 'Remove this connection'): ProblemFix {
  return { label, patch: { put: [], remove: [edge.id] } };
}

export function changeNode(node: FlowNode, label: string): ProblemFix {
  return { label, patch: { put: [{ type: 'node', id: node.id, node }], remove: [] } };
}

/** The wiring rule, made true: source → new topic → target in place of source → target. */
export function topicBetween({ document, graph, newId }: ValidationContext, edge: FlowEdge): ProblemFix[] {
  const source = graph.nodes.get(edge.source);
  const target = graph.nodes.get(edge.target);
  if (!newId || !source || !target) return [];
  const topic = newTopic(document, newId, `${source.name} messages`);
  const from = document.layout.nodes[source.id] ?? { x: 0, y: 0 };
  const to = document.layout.nodes[target.id] ?? { x: from.x + 520, y: from.y };
  const [first, second] = [newId('edge'), newId('edge')];
  return [
    {
      label: `Put a topic between ${source.name} and ${target.name}`,
      patch: {
        put: [
          { type: 'node', id: topic.id, node: topic },
          {
            type: 'layout',
            id: layoutIdOf(topic.id),
            position: { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 },
          },
          {
            type: 'edge',
            id: first,
            edge: { id: first, source: source.id, sourcePort: edge.sourcePort, target: topic.id },
          },
          {
            type: 'edge',
            id: second,
            edge: { id: second, source: topic.id, sourcePort: 'messages', target: target.id },
          },
        ],
        remove: [edge.id],
      },
    },
  ];
}

/** A new topic that `node` writes to through `port`, drawn to its right (dead letters: below). */
export function topicAfter(
  { document, newId }: ValidationContext,
  node: FlowNode,
  port: string,
): ProblemFix[] {
  if (!newId) return [];
  const deadLetters = port === DEAD_LETTER_PORT.id;
  const topic = newTopic(
    document,
    newId,
    deadLetters ? `${node.name} dead letters` : `${node.name} messages`,
  );
  const from = document.layout.nodes[node.id] ?? { x: 0, y: 0 };
  const edge = newId('edge');
  return [
    {
      label: deadLetters ? `Add a dead-letter topic for ${node.name}` : `Add a topic after ${node.name}`,
      patch: {
        put: [
          { type: 'node', id: topic.id, node: topic },
          {
            type: 'layout',
            id: layoutIdOf(topic.id),
            position: { x: from.x + 260, y: from.y + (deadLetters ? 120 : 0) },
          },
          { type: 'edge', id: edge, edge: { id: edge, source: node.id, sourcePort: port, target: topic.id } },
        ],
        remove: [],
      },
    },
  ];
}

function newTopic(document: FlowDocument, newId: NewId, wanted: string): FlowNode {
  return {
    id: newId('node'),
    kind: 'topic',
    name: freeName(document, wanted),
    description: '',
    config: NODE_KINDS.topic.initial(),
  };
}

const NAME_LENGTH_MAX = 80;

/** `wanted`, or `wanted 2`, `wanted 3`… until no node has it. */
export function freeName(document: FlowDocument, wanted: string): string {
  const taken = new Set(document.nodes.map((node) => node.name));
  for (let number = 1; ; number++) {
    const suffix = number === 1 ? '' : ` ${number}`;
    const name = wanted.slice(0, NAME_LENGTH_MAX - suffix.length) + suffix;
    if (!taken.has(name)) return name;
  }
}
