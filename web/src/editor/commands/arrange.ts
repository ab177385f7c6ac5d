import type { Position } from '@millrace/shared/flow/document.ts';
import { nodeSize, type Size } from '@millrace/shared/flow/geometry.ts';
import { layoutIdOf } from '@millrace/shared/flow/records.ts';
import { autoLayoutCommand } from './autoLayout.ts';
import { type Command, type CommandContext, selectedNodeIds } from './command.ts';
import { positionOf } from './wiring.ts';

type Placed = { id: string; position: Position; size: Size };

function selectedPlaces(context: CommandContext): Placed[] {
  return selectedNodeIds(context).flatMap((id) => {
    const record = context.editor.records.get(id);
    if (record?.type !== 'node') return [];
    return [{ id, position: positionOf(context.editor.records, id), size: nodeSize(record.node) }];
  });
}

function move(
  context: CommandContext,
  label: string,
  places: Iterable<{ id: string; position: Position }>,
): void {
  context.editor.change({ label }, (transaction) => {
    for (const { id, position } of places) {
      const layoutId = layoutIdOf(id);
      transaction.put({ type: 'layout', id: layoutId, position });
    }
  });
}

/** Gives equal gaps between neighbours along an axis; the outermost two stay where they are. */
export function distribute(places: readonly Placed[], axis: 'x' | 'y'): Placed[] {
  const extent = axis === 'x' ? 'width' : 'height';
  const sorted = [...places].sort((a, b) => a.position[axis] - b.position[axis]);
  const first = sorted[0];
  const last = sorted.at(-1);
  if (!first || !last || sorted.length < 3) return sorted;
  const span = last.position[axis] + last.size[extent] - first.position[axis];
  const filled = sorted.reduce((sum, place) => sum + place.size[extent], 0);
  const gap = (span - filled) / (sorted.length - 1);
  let at = first.position[axis];
  return sorted.map((place) => {
    const moved = { ...place, position: { ...place.position, [axis]: Math.round(at) } };
    at += place.size[extent] + gap;
    return moved;
  });
}

const several = (count: number) => (context: CommandContext) => selectedNodeIds(context).length >= count;

export const arrangeCommands: readonly Command[] = [
  autoLayoutCommand,
  {
    id: 'align-left',
    label: 'Align left',
    group: 'Arrange',
    shortcuts: ['alt+shift+L'],
    history: 'step',
    canRun: several(2),
    run: (context) => {
      const places = selectedPlaces(context);
      const x = Math.min(...places.map((place) => place.position.x));
      move(
        context,
        'Align left',
        places.map((place) => ({ ...place, position: { x, y: place.position.y } })),
      );
    },
  },
  {
    id: 'align-top',
    label: 'Align top',
    group: 'Arrange',
    shortcuts: ['alt+shift+T'],
    history: 'step',
    canRun: several(2),
    run: (context) => {
      const places = selectedPlaces(context);
      const y = Math.min(...places.map((place) => place.position.y));
      move(
        context,
        'Align top',
        places.map((place) => ({ ...place, position: { x: place.position.x, y } })),
      );
    },
  },
  {
    id: 'distribute-horizontally',
    label: 'Distribute horizontally',
    group: 'Arrange',
    shortcuts: ['alt+shift+H'],
    history: 'step',
    canRun: several(3),
    run: (context) => move(context, 'Distribute', distribute(selectedPlaces(context), 'x')),
  },
  {
    id: 'distribute-vertically',
    label: 'Distribute vertically',
    group: 'Arrange',
    shortcuts: ['alt+shift+V'],
    history: 'step',
    canRun: several(3),
    run: (context) => move(context, 'Distribute', distribute(selectedPlaces(context), 'y')),
  },
];
