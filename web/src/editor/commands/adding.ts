import type { Position } from '@millrace/shared/flow/document.ts';
import { NODE_WIDTH, nodeSize, type Size } from '@millrace/shared/flow/geometry.ts';
import { NODE_KIND_NAMES, nodeKind } from '@millrace/shared/flow/records/registry.ts';
import type { Editor } from '../store/editorStore.ts';
import { GRID } from './clipboard.ts';
import type { Command } from './command.ts';
import { addNode, positionOf } from './wiring.ts';

const snap = (value: number): number => Math.round(value / GRID) * GRID;
const STEP = 8 * GRID;
const AIR = 2 * GRID;
const RINGS_MAX = 12;

/** The place nearest to `wanted` where a node of this size covers no other. */
function freePlace(editor: Editor, wanted: Position, size: Size): Position {
  const taken = [...editor.graph.nodes.values()].map((node) => ({
    ...positionOf(editor.records, node.id),
    ...nodeSize(node),
  }));
  const isFree = ({ x, y }: Position): boolean =>
    taken.every(
      (other) =>
        x + size.width + AIR <= other.x ||
        other.x + other.width + AIR <= x ||
        y + size.height + AIR <= other.y ||
        other.y + other.height + AIR <= y,
    );
  for (let ring = 0; ring < RINGS_MAX; ring++) {
    // Below first: flows grow to the right, so the room is above and below.
    for (const [dx, dy] of [
      [0, ring],
      [0, -ring],
      [ring, 0],
      [-ring, 0],
      [ring, ring],
      [-ring, ring],
    ] as const) {
      const place = { x: wanted.x + dx * 2 * STEP, y: wanted.y + dy * STEP };
      if (isFree(place)) return place;
    }
  }
  return { x: wanted.x + AIR, y: wanted.y + AIR };
}

export const addingCommands: readonly Command[] = NODE_KIND_NAMES.map((kind) => ({
  id: `add-${kind}`,
  label: `Add ${nodeKind(kind).title}`,
  group: 'Add' as const,
  keywords: nodeKind(kind).keywords,
  history: 'step' as const,
  canRun: () => true,
  run: (context) => {
    const { x, y } = context.canvas.middle();
    // Every kind is the same width, and a fresh node of any kind is at least this high.
    const size = { width: NODE_WIDTH, height: 6 * GRID };
    const wanted = { x: snap(x - size.width / 2), y: snap(y - size.height / 2) };
    addNode(context, kind, freePlace(context.editor, wanted, size));
  },
}));
