import type { FlowDocument, FlowNode, Position } from './document.ts';
import { NODE_WIDTH, nodeSize } from './geometry.ts';
import { familyOf } from './records/registry.ts';

const COLUMN_GAP = 52;
const ROW_GAP = 32;
const SWEEPS = 4;

type Placed = { node: FlowNode; layer: number; y: number; height: number; before: Placed[]; after: Placed[] };

/**
 * Positions for every node, left to right in the direction of the messages: a node stands one column right of the
 * furthest of those that feed it (longest path), and at the height of its neighbours as far as there is room. The same
 * document always gives the same drawing. For documents that came without positions; the page can do better with time.
 */
export function layoutFlow(document: FlowDocument): FlowDocument['layout'] {
  const placed = connect(document);
  assignLayers(placed);
  const layers = layersOf(placed);
  for (const layer of layers) stack(layer);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (const layer of layers) settle(layer, (item) => item.before);
    for (const layer of layers.toReversed()) settle(layer, (item) => item.after);
  }
  // Last from left to right, so that a row of single neighbours ends up on one line.
  for (const layer of layers) settle(layer, (item) => item.before);
  const top = Math.min(0, ...placed.map((item) => item.y));
  const nodes: Record<string, Position> = {};
  for (const { node, layer, y } of placed)
    nodes[node.id] = { x: layer * (NODE_WIDTH + COLUMN_GAP), y: Math.round(y - top) };
  return { nodes };
}

/** Gives nodes that have no position one of the automatic layout; a document where all have one comes back as it is. */
export function withPositions(document: FlowDocument): FlowDocument {
  if (document.nodes.every((node) => document.layout.nodes[node.id] !== undefined)) return document;
  return { ...document, layout: layoutFlow(document) };
}

/** The nodes as a person reads the drawing: from left to right, then from top to bottom. */
export function inReadingOrder(document: FlowDocument): FlowNode[] {
  const { nodes } = withPositions(document).layout;
  const placeOf = (node: FlowNode): Position => nodes[node.id] ?? { x: 0, y: 0 };
  return document.nodes.toSorted((a, b) => placeOf(a).x - placeOf(b).x || placeOf(a).y - placeOf(b).y);
}

function connect(document: FlowDocument): Placed[] {
  const placed = document.nodes.map(
    (node): Placed => ({ node, layer: 0, y: 0, height: nodeSize(node).height, before: [], after: [] }),
  );
  const byId = new Map(placed.map((item) => [item.node.id, item]));
  const before = backwards(document);
  for (const edge of document.edges) {
    const source = byId.get(edge.source);
    const target = byId.get(edge.target);
    if (!source || !target || source === target || before.has(edge.id)) continue;
    source.after.push(target);
    target.before.push(source);
  }
  return placed;
}

/** Edges that close a circle when the graph is walked from its producers; they are drawn backwards. */
function backwards(document: FlowDocument): Set<string> {
  const found = new Set<string>();
  const state = new Map<string, 'open' | 'done'>();
  const outgoing = Map.groupBy(document.edges, (edge) => edge.source);
  const entered = new Set(document.edges.map((edge) => edge.target));
  const roots = [...document.nodes.filter((node) => !entered.has(node.id)), ...document.nodes];
  for (const root of roots) {
    if (state.has(root.id)) continue;
    const walk = [{ id: root.id, rest: [...(outgoing.get(root.id) ?? [])] }];
    state.set(root.id, 'open');
    for (let step = walk.at(-1); step; step = walk.at(-1)) {
      const edge = step.rest.shift();
      if (!edge) {
        state.set(step.id, 'done');
        walk.pop();
      } else if (state.get(edge.target) === 'open') found.add(edge.id);
      else if (!state.has(edge.target)) {
        state.set(edge.target, 'open');
        walk.push({ id: edge.target, rest: [...(outgoing.get(edge.target) ?? [])] });
      }
    }
  }
  return found;
}

const COLUMN_OF_LONERS = { producer: 0, topic: 1, consumer: 2 } as const;

/** Longest path from the left; a node connected to nothing stands where its family usually does. */
function assignLayers(placed: readonly Placed[]): void {
  const waiting = new Map(placed.map((item) => [item, item.before.length]));
  const ready = placed.filter((item) => item.before.length === 0);
  for (const item of ready)
    if (item.after.length === 0) item.layer = COLUMN_OF_LONERS[familyOf(item.node.kind)];
  for (let i = 0; i < ready.length; i++) {
    const item = ready[i] as Placed;
    for (const next of item.after) {
      next.layer = Math.max(next.layer, item.layer + 1);
      const left = (waiting.get(next) as number) - 1;
      waiting.set(next, left);
      if (left === 0) ready.push(next);
    }
  }
  // A producer of a late topic moves up to it, so that its edge does not cross the whole drawing.
  for (const item of placed) {
    if (item.before.length === 0 && item.after.length > 0)
      item.layer = Math.max(0, Math.min(...item.after.map((next) => next.layer)) - 1);
  }
}

function layersOf(placed: readonly Placed[]): Placed[][] {
  const layers: Placed[][] = [];
  for (const item of placed) {
    while (layers.length <= item.layer) layers.push([]);
    layers[item.layer]?.push(item);
  }
  return layers;
}

function stack(layer: Placed[]): void {
  let y = 0;
  for (const item of layer) {
    item.y = y;
    y += item.height + ROW_GAP;
  }
}

/** Moves the nodes of a column to the height of their neighbours, in that order, and apart where they would overlap. */
function settle(layer: Placed[], neighbours: (item: Placed) => Placed[]): void {
  const wanted = new Map(
    layer.map((item) => [item, mean(neighbours(item).map((other) => other.y)) ?? item.y]),
  );
  const wish = (item: Placed): number => wanted.get(item) as number;
  layer.sort((a, b) => wish(a) - wish(b));
  let free = Number.NEGATIVE_INFINITY;
  for (const item of layer) {
    item.y = Math.max(wish(item), free);
    free = item.y + item.height + ROW_GAP;
  }
  // Pushing apart only pushed down; the column as a whole goes back to where its nodes wanted to be.
  const shift = mean(layer.map((item) => wish(item) - item.y)) ?? 0;
  for (const item of layer) item.y += shift;
}

function mean(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}
