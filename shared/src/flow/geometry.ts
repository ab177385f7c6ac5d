import type { FlowNode } from './document.ts';
import type { PortRole } from './records/kind.ts';
import { familyOf, outputsOf } from './records/registry.ts';

/**
 * Sizes and port places follow from the document alone, in canvas units. The page, the exported picture and the layout
 * all read them here, so nothing has to be measured and an edge ends exactly where its port is drawn.
 */
export const NODE_WIDTH = 208;
const HEADER_HEIGHT = 50;
/** Room for two lines of live figures. */
const STRIP_HEIGHT = 38;
export const PORT_ROW_HEIGHT = 22;
/** Ports of the first row sit at this height, so that neighbours on one line are joined by a straight edge. */
export const PORT_LINE = 26;

export type Point = { x: number; y: number };
export type Size = { width: number; height: number };
export type PortSide = 'left' | 'right' | 'bottom';
export type PortSpot = { id: string; label: string; role: PortRole | 'input'; side: PortSide; at: Point };

export const INPUT_PORT = 'in';

/** A node with several publish outputs lists them in rows; one with a single output needs no label. */
export function labelledOutputs(node: FlowNode): { id: string; label: string }[] {
  const outputs = outputsOf(node).filter((port) => port.role === 'publish');
  return outputs.length > 1 ? outputs : [];
}

export function nodeSize(node: FlowNode): Size {
  return {
    width: NODE_WIDTH,
    height: HEADER_HEIGHT + labelledOutputs(node).length * PORT_ROW_HEIGHT + STRIP_HEIGHT,
  };
}

export function portSpots(node: FlowNode): PortSpot[] {
  const size = nodeSize(node);
  const spots: PortSpot[] = [];
  if (familyOf(node.kind) !== 'producer') {
    spots.push({ id: INPUT_PORT, label: 'In', role: 'input', side: 'left', at: { x: 0, y: PORT_LINE } });
  }
  const rows = labelledOutputs(node).map((port) => port.id);
  for (const port of outputsOf(node)) {
    const row = rows.indexOf(port.id);
    const y = row < 0 ? PORT_LINE : HEADER_HEIGHT + (row + 0.5) * PORT_ROW_HEIGHT;
    if (port.role === 'dead-letter') {
      spots.push({ ...port, side: 'bottom', at: { x: size.width / 2, y: size.height } });
    } else {
      spots.push({ ...port, side: 'right', at: { x: size.width, y } });
    }
  }
  return spots;
}

/** A cubic Bézier curve from a port to a port. */
export type Curve = { from: Point; control1: Point; control2: Point; to: Point };

const REACH_MIN = 36;
const REACH_MAX = 180;

export function curveBetween(from: Point, side: PortSide, to: Point): Curve {
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  // An edge that runs back to the left swings out, so that it does not hide behind its own nodes.
  const across = dx >= 0 ? dx / 2 : Math.abs(dx) * 0.35 + Math.abs(dy) * 0.2;
  const reach = Math.min(REACH_MAX, Math.max(REACH_MIN, across));
  const drop = Math.min(REACH_MAX, Math.max(REACH_MIN, Math.abs(dy) * 0.6));
  const control1 = side === 'bottom' ? { x: from.x, y: from.y + drop } : { x: from.x + reach, y: from.y };
  return { from, control1, control2: { x: to.x - reach, y: to.y }, to };
}

export function pointOn(curve: Curve, t: number): Point {
  const u = 1 - t;
  const a = u * u * u;
  const b = 3 * u * u * t;
  const c = 3 * u * t * t;
  const d = t * t * t;
  return {
    x: a * curve.from.x + b * curve.control1.x + c * curve.control2.x + d * curve.to.x,
    y: a * curve.from.y + b * curve.control1.y + c * curve.control2.y + d * curve.to.y,
  };
}

export function curvePath({ from, control1, control2, to }: Curve): string {
  return `M${from.x},${from.y} C${control1.x},${control1.y} ${control2.x},${control2.y} ${to.x},${to.y}`;
}
