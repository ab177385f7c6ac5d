import type { FlowEdge, FlowNode, Position } from '@millrace/shared/flow/document.ts';
import {
  type Curve,
  curveBetween,
  curvePath,
  nodeSize,
  pointOn,
  portSpots,
} from '@millrace/shared/flow/geometry.ts';
import type { PortRole } from '@millrace/shared/flow/records/kind.ts';
import { layoutIdOf } from '@millrace/shared/flow/records.ts';
import type { Editor } from '../store/editorStore.ts';

export type EdgeShape = {
  id: string;
  path: string;
  labelX: number;
  labelY: number;
  role: PortRole | null;
  curve: Curve;
};
export type NodeRect = { id: string; x: number; y: number; width: number; height: number };
export type Viewport = { x: number; y: number; zoom: number };

type Ends = { edge: FlowEdge; source: FlowNode; target: FlowNode; from: Position; to: Position };

const ORIGIN: Position = { x: 0, y: 0 };

function shapeOf({ edge, source, target, from, to }: Ends): EdgeShape {
  const port = portSpots(source).find((spot) => spot.id === edge.sourcePort);
  const input = portSpots(target).find((spot) => spot.role === 'input');
  // An edge whose port is gone is still drawn, from the middle of its node, so that it can be seen and deleted.
  const start = port?.at ?? { x: nodeSize(source).width, y: nodeSize(source).height / 2 };
  const end = input?.at ?? { x: 0, y: nodeSize(target).height / 2 };
  const curve = curveBetween({ x: from.x + start.x, y: from.y + start.y }, port?.side ?? 'right', {
    x: to.x + end.x,
    y: to.y + end.y,
  });
  const middle = pointOn(curve, 0.5);
  const role = port && port.role !== 'input' ? port.role : null;
  return { id: edge.id, path: curvePath(curve), labelX: middle.x, labelY: middle.y, role, curve };
}

/**
 * Where everything is on the canvas, from the records alone: edges as the canvas draws them, node boxes, viewport.
 * Overlays read it while painting; nothing here causes a render.
 */
export class CanvasGeometryModel {
  readonly #editor: Editor;
  readonly #shapes = new Map<string, { ends: Ends; shape: EdgeShape }>();
  readonly #listeners = new Set<() => void>();
  #viewport: Viewport = { x: 0, y: 0, zoom: 1 };

  constructor(editor: Editor) {
    this.#editor = editor;
  }

  positionOf(nodeId: string): Position {
    const record = this.#editor.records.get(layoutIdOf(nodeId));
    return record?.type === 'layout' ? record.position : ORIGIN;
  }

  /** The shape of one edge; the same object while neither end has moved or changed. */
  edge(edge: FlowEdge): EdgeShape | null {
    const source = this.#editor.records.get(edge.source);
    const target = this.#editor.records.get(edge.target);
    if (source?.type !== 'node' || target?.type !== 'node') return null;
    const ends: Ends = {
      edge,
      source: source.node,
      target: target.node,
      from: this.positionOf(edge.source),
      to: this.positionOf(edge.target),
    };
    const known = this.#shapes.get(edge.id);
    if (known && sameEnds(known.ends, ends)) return known.shape;
    const shape = shapeOf(ends);
    this.#shapes.set(edge.id, { ends, shape });
    return shape;
  }

  *edges(): Iterable<EdgeShape> {
    for (const record of this.#editor.records.values()) {
      const shape = record.type === 'edge' ? this.edge(record.edge) : null;
      if (shape) yield shape;
    }
  }

  *nodes(): Iterable<NodeRect> {
    for (const record of this.#editor.records.values()) {
      if (record.type === 'node')
        yield { id: record.id, ...this.positionOf(record.id), ...nodeSize(record.node) };
    }
  }

  viewport(): Viewport {
    return this.#viewport;
  }

  setViewport(viewport: Viewport): void {
    this.#viewport = viewport;
    for (const listener of this.#listeners) listener();
  }

  /** Tells of every change of the drawing or the viewport; may be called many times per frame. */
  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    const unsubscribe = this.#editor.subscribe(listener);
    return () => {
      this.#listeners.delete(listener);
      unsubscribe();
    };
  };
}

function sameEnds(a: Ends, b: Ends): boolean {
  return (
    a.edge === b.edge && a.source === b.source && a.target === b.target && a.from === b.from && a.to === b.to
  );
}
