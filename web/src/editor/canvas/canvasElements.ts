import { nodeSize } from '@millrace/shared/flow/geometry.ts';
import { familyOf, nodeKind } from '@millrace/shared/flow/records/registry.ts';
import type { FlowRecord } from '@millrace/shared/flow/records.ts';
import type { Edge } from '@xyflow/react';
import type { FrameNode, NodeMark } from '../../nodes/NodeFrame.tsx';
import type { Editor } from '../store/editorStore.ts';
import type { CanvasGeometryModel, EdgeShape } from './geometry.ts';
import type { Highlight } from './highlight.ts';

export type WireData = { shape: EdgeShape };
export type WireEdgeType = Edge<WireData, 'wire'>;

type View = {
  marks: ReadonlyMap<string, NodeMark>;
  renamingId: string | null;
  highlight: Highlight;
  /** How each node would take the edge that is being pulled; empty while none is. */
  reception: ReadonlyMap<string, string>;
};

/**
 * Turns records into what React Flow draws. An element whose inputs have not changed stays the same object, so a drag
 * of one node renders that node and its edges and nothing else.
 */
export class CanvasElements {
  readonly #editor: Editor;
  readonly #geometry: CanvasGeometryModel;
  #nodes = new Map<string, { inputs: readonly unknown[]; element: FrameNode }>();
  #edges = new Map<string, { inputs: readonly unknown[]; element: WireEdgeType }>();

  constructor(editor: Editor, geometry: CanvasGeometryModel) {
    this.#editor = editor;
    this.#geometry = geometry;
  }

  build(view: View): { nodes: FrameNode[]; edges: WireEdgeType[] } {
    const nodes: FrameNode[] = [];
    const edges: WireEdgeType[] = [];
    for (const record of this.#editor.records.values()) {
      if (record.type === 'node') nodes.push(this.#node(record, view));
      if (record.type === 'edge') {
        const edge = this.#edge(record, view);
        if (edge) edges.push(edge);
      }
    }
    this.#forgetGone();
    return { nodes, edges };
  }

  #node({ node }: FlowRecord & { type: 'node' }, view: View): FrameNode {
    const position = this.#geometry.positionOf(node.id);
    const selected = this.#editor.selection.has(node.id);
    const mark = view.marks.get(node.id) ?? null;
    const renaming = view.renamingId === node.id;
    const className = [
      litClass(view.highlight, view.highlight.nodeIds.has(node.id)),
      view.reception.get(node.id),
    ]
      .filter(Boolean)
      .join(' ');
    const inputs = [node, position, selected, mark, renaming, className];
    const known = this.#nodes.get(node.id);
    if (known && sameInputs(known.inputs, inputs)) return known.element;
    const data =
      known &&
      sameInputs(
        [known.element.data.node, known.element.data.mark, known.element.data.renaming],
        [node, mark, renaming],
      )
        ? known.element.data
        : { node, mark, renaming };
    const element: FrameNode = {
      id: node.id,
      type: 'frame',
      position,
      selected,
      className,
      data,
      ...nodeSize(node),
      ariaLabel: `${nodeKind(node.kind).title} ${node.name}, ${familyOf(node.kind)}`,
    };
    this.#nodes.set(node.id, { inputs, element });
    return element;
  }

  #edge({ edge }: FlowRecord & { type: 'edge' }, view: View): WireEdgeType | null {
    const shape = this.#geometry.edge(edge);
    if (!shape) return null;
    const selected = this.#editor.selection.has(edge.id);
    const className = litClass(view.highlight, view.highlight.edgeIds.has(edge.id));
    const inputs = [shape, selected, className];
    const known = this.#edges.get(edge.id);
    if (known && sameInputs(known.inputs, inputs)) return known.element;
    const names = [edge.source, edge.target].map((id) => this.#editor.graph.nodes.get(id)?.name ?? id);
    const element: WireEdgeType = {
      id: edge.id,
      type: 'wire',
      source: edge.source,
      sourceHandle: edge.sourcePort,
      target: edge.target,
      targetHandle: 'in',
      selected,
      className,
      data: { shape },
      ariaLabel: `Connection from ${names[0]} to ${names[1]}`,
    };
    this.#edges.set(edge.id, { inputs, element });
    return element;
  }

  #forgetGone(): void {
    const { records } = this.#editor;
    for (const id of this.#nodes.keys()) if (!records.has(id)) this.#nodes.delete(id);
    for (const id of this.#edges.keys()) if (!records.has(id)) this.#edges.delete(id);
  }
}

function litClass({ dimOthers, nodeIds, edgeIds }: Highlight, isLit: boolean): string {
  if (isLit) return 'lit';
  return dimOthers && nodeIds.size + edgeIds.size > 0 ? 'dimmed' : '';
}

function sameInputs(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((value, index) => Object.is(value, b[index]));
}
