import type { FlowEdge, FlowNode, Position } from '@millrace/shared/flow/document.ts';
import { NODE_WIDTH, nodeSize, PORT_LINE } from '@millrace/shared/flow/geometry.ts';
import { type ConnectionVerdict, judgeConnection } from '@millrace/shared/flow/graph.ts';
import { newId } from '@millrace/shared/flow/ids.ts';
import type { PortRole } from '@millrace/shared/flow/records/kind.ts';
import { familyOf, type NodeKind, nodeKind, outputsOf } from '@millrace/shared/flow/records/registry.ts';
import { layoutIdOf } from '@millrace/shared/flow/records.ts';
import type { Random } from '@millrace/shared/util/random.ts';
import type { Editor, Transaction } from '../store/editorStore.ts';
import { uniqueName } from '../store/names.ts';

export type Wire = Omit<FlowEdge, 'id'>;
type Pen = { editor: Editor; random: Random };

const GAP = 64;

/** A node of its kind's initial config, under a name no other node has. Not yet in the document. */
function freshNode(transaction: Transaction, kind: NodeKind, random: Random, name?: string): FlowNode {
  const names = new Set<string>();
  const paths = new Set<string>();
  for (const record of transaction.records.values()) {
    if (record.type !== 'node') continue;
    names.add(record.node.name);
    if (record.node.kind === 'http') paths.add(record.node.config.path);
  }
  const definition = nodeKind(kind);
  const node = {
    id: newId('node', random),
    kind,
    name: uniqueName(names, (name ?? definition.title).slice(0, 72)),
    description: '',
    config: definition.initial(),
  } as FlowNode; // The registry pairs a kind with its own initial config.
  if (node.kind !== 'http') return node;
  // Two nodes cannot listen at one address.
  const path = uniqueName(paths, node.config.path).replaceAll(' ', '-');
  return { ...node, config: { ...node.config, path } };
}

function place(transaction: Transaction, node: FlowNode, position: Position): void {
  transaction.put({ type: 'node', id: node.id, node });
  transaction.put({ type: 'layout', id: layoutIdOf(node.id), position });
}

function wire(transaction: Transaction, random: Random, edge: Wire): void {
  const id = newId('edge', random);
  transaction.put({ type: 'edge', id, edge: { id, ...edge } });
}

export function positionOf(records: Transaction['records'], nodeId: string): Position {
  const record = records.get(layoutIdOf(nodeId));
  return record?.type === 'layout' ? record.position : { x: 0, y: 0 };
}

export function addNode({ editor, random }: Pen, kind: NodeKind, position: Position): string {
  let id = '';
  editor.change({ label: `Add ${nodeKind(kind).title.toLowerCase()}` }, (transaction) => {
    const node = freshNode(transaction, kind, random);
    id = node.id;
    place(transaction, node, position);
  });
  editor.select([id]);
  return id;
}

/** Connects where the wiring rule allows it. Any other verdict changes nothing; the caller tells or offers. */
export function connectNodes({ editor, random }: Pen, edge: Wire): ConnectionVerdict {
  const verdict = judgeConnection(editor.graph, edge);
  if (verdict.ok) editor.change({ label: 'Connect' }, (transaction) => wire(transaction, random, edge));
  return verdict;
}

function topicName(source: FlowNode, portId: string, role: PortRole | undefined): string {
  if (role === 'dead-letter') return `${source.name} dead letters`;
  const isOnlyOutput = outputsOf(source).filter((port) => port.role === 'publish').length === 1;
  return isOnlyOutput ? `${source.name} events` : `${source.name} ${portId}`;
}

const roleOf = (node: FlowNode, portId: string): PortRole | undefined =>
  outputsOf(node).find((port) => port.id === portId)?.role;

/** The offer of the wiring rule: both edges and a topic between them, named after the producer, as one step. */
export function connectThroughTopic({ editor, random }: Pen, edge: Wire): string | null {
  const source = editor.graph.nodes.get(edge.source);
  const target = editor.graph.nodes.get(edge.target);
  if (!source || !target) return null;
  let topicId = '';
  editor.change({ label: 'Put a topic between' }, (transaction) => {
    const role = roleOf(source, edge.sourcePort);
    const topic = freshNode(transaction, 'topic', random, topicName(source, edge.sourcePort, role));
    topicId = topic.id;
    const from = positionOf(transaction.records, source.id);
    const to = positionOf(transaction.records, target.id);
    const runsRight = to.x > from.x;
    if (runsRight) makeRoom(transaction, from, to, target.id);
    const moved = positionOf(transaction.records, target.id);
    const beside = { x: from.x + NODE_WIDTH + GAP, y: from.y };
    const between = { x: Math.round((from.x + moved.x) / 2), y: Math.round((from.y + moved.y) / 2) };
    place(transaction, topic, runsRight ? between : beside);
    wire(transaction, random, { source: source.id, sourcePort: edge.sourcePort, target: topic.id });
    wire(transaction, random, { source: topic.id, sourcePort: 'messages', target: target.id });
  });
  editor.select([topicId]);
  return topicId;
}

/** Pushes the target, and what stands right of it, far enough to the right for a node to stand between. */
function makeRoom(transaction: Transaction, from: Position, to: Position, targetId: string): void {
  const missing = from.x + 2 * (NODE_WIDTH + GAP) - to.x;
  if (missing <= 0) return;
  for (const record of [...transaction.records.values()]) {
    if (record.type !== 'layout') continue;
    if (record.position.x < to.x && record.id !== layoutIdOf(targetId)) continue;
    transaction.put({ ...record, position: { x: record.position.x + missing, y: record.position.y } });
  }
}

/** Kinds that may stand at the other end of an edge pulled from this port into empty space. */
export function kindsAfter(node: FlowNode, portId: string, kinds: readonly NodeKind[]): NodeKind[] {
  const role = roleOf(node, portId);
  if (role === undefined) return [];
  return kinds.filter((kind) => familyOf(kind) === (role === 'subscribe' ? 'consumer' : 'topic'));
}

/** Kinds that may stand before this node, for an edge pulled backwards from its input. */
export function kindsBefore(node: FlowNode, kinds: readonly NodeKind[]): NodeKind[] {
  const family = familyOf(node.kind);
  if (family === 'producer') return [];
  return kinds.filter((kind) =>
    family === 'consumer'
      ? familyOf(kind) === 'topic'
      : familyOf(kind) !== 'topic' && publishPortOf(kind) !== undefined,
  );
}

function publishPortOf(kind: NodeKind): string | undefined {
  const definition = nodeKind(kind);
  return definition.outputs(definition.initial()).find((port) => port.role === 'publish')?.id;
}

export type PulledEdge = { nodeId: string; portId: string; end: 'source' | 'target' };

/** Adds a node where an edge was let go, and the edge with it. */
export function addNodeAtEdge(
  { editor, random }: Pen,
  pulled: PulledEdge,
  kind: NodeKind,
  at: Position,
): void {
  const anchor = editor.graph.nodes.get(pulled.nodeId);
  if (!anchor) return;
  let id = '';
  editor.change({ label: `Add ${nodeKind(kind).title.toLowerCase()}` }, (transaction) => {
    const isTopic = familyOf(kind) === 'topic';
    const role = roleOf(anchor, pulled.portId);
    const name = isTopic && pulled.end === 'source' ? topicName(anchor, pulled.portId, role) : undefined;
    const node = freshNode(transaction, kind, random, name);
    id = node.id;
    const size = nodeSize(node);
    const x = pulled.end === 'source' ? at.x : at.x - size.width;
    place(transaction, node, { x, y: at.y - PORT_LINE });
    if (pulled.end === 'source') {
      wire(transaction, random, { source: anchor.id, sourcePort: pulled.portId, target: node.id });
    } else {
      const sourcePort = isTopic ? 'messages' : publishPortOf(kind);
      if (sourcePort) wire(transaction, random, { source: node.id, sourcePort, target: anchor.id });
    }
  });
  editor.select([id]);
}

/** Kinds that can stand in the middle of an edge; each brings the topic that the wiring rule then asks for. */
export const INSERTABLE: readonly NodeKind[] = ['handler', 'filter', 'transform', 'throttle', 'batch'];

/**
 * Puts a consumer and the topic it needs into an edge: `topic → reader` becomes `topic → consumer → topic → reader`,
 * `producer → topic` becomes `producer → topic → consumer → topic`.
 */
export function insertIntoEdge({ editor, random }: Pen, edgeId: string, kind: NodeKind): void {
  const record = editor.records.get(edgeId);
  if (record?.type !== 'edge') return;
  const { edge } = record;
  const source = editor.graph.nodes.get(edge.source);
  const target = editor.graph.nodes.get(edge.target);
  const outPort = publishPortOf(kind);
  if (!source || !target || !outPort) return;
  let id = '';
  editor.change({ label: `Insert ${nodeKind(kind).title.toLowerCase()}` }, (transaction) => {
    const consumer = freshNode(transaction, kind, random);
    id = consumer.id;
    const role = roleOf(source, edge.sourcePort);
    const from = positionOf(transaction.records, source.id);
    const to = positionOf(transaction.records, target.id);
    const step = NODE_WIDTH + GAP;
    shiftRight(transaction, to.x, from.x + 3 * step - to.x);
    transaction.remove(edgeId);
    if (role === 'subscribe') {
      const topic = freshNode(transaction, 'topic', random, `${consumer.name} events`);
      place(transaction, consumer, { x: from.x + step, y: from.y });
      place(transaction, topic, { x: from.x + 2 * step, y: from.y });
      wire(transaction, random, { source: source.id, sourcePort: edge.sourcePort, target: consumer.id });
      wire(transaction, random, { source: consumer.id, sourcePort: outPort, target: topic.id });
      wire(transaction, random, { source: topic.id, sourcePort: 'messages', target: target.id });
    } else {
      const topic = freshNode(transaction, 'topic', random, topicName(source, edge.sourcePort, role));
      place(transaction, topic, { x: from.x + step, y: from.y });
      place(transaction, consumer, { x: from.x + 2 * step, y: from.y });
      wire(transaction, random, { source: source.id, sourcePort: edge.sourcePort, target: topic.id });
      wire(transaction, random, { source: topic.id, sourcePort: 'messages', target: consumer.id });
      wire(transaction, random, { source: consumer.id, sourcePort: outPort, target: target.id });
    }
  });
  editor.select([id]);
}

function shiftRight(transaction: Transaction, fromX: number, by: number): void {
  if (by <= 0) return;
  for (const record of [...transaction.records.values()]) {
    if (record.type !== 'layout' || record.position.x < fromX) continue;
    transaction.put({ ...record, position: { x: record.position.x + by, y: record.position.y } });
  }
}
