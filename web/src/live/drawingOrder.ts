import type { FlowDocument, FlowNode } from '@millrace/shared/flow/document.ts';

/** The nodes as the eye meets them on the drawing: from left to right, then from top to bottom. */
export function inDrawingOrder(document: FlowDocument): FlowNode[] {
  const at = (node: FlowNode) => document.layout.nodes[node.id] ?? { x: 0, y: 0 };
  return [...document.nodes].sort((a, b) => at(a).x - at(b).x || at(a).y - at(b).y);
}
