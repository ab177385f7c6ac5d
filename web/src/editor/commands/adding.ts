import { NODE_WIDTH } from '@millrace/shared/flow/geometry.ts';
import { NODE_KIND_NAMES, nodeKind } from '@millrace/shared/flow/records/registry.ts';
import { GRID } from './clipboard.ts';
import type { Command } from './command.ts';
import { addNode } from './wiring.ts';

const snap = (value: number): number => Math.round(value / GRID) * GRID;
const STAGGER = 2 * GRID;

export const addingCommands: readonly Command[] = NODE_KIND_NAMES.map((kind) => ({
  id: `add-${kind}`,
  label: `Add ${nodeKind(kind).title}`,
  group: 'Add' as const,
  keywords: nodeKind(kind).keywords,
  history: 'step' as const,
  canRun: () => true,
  run: (context) => {
    const middle = context.canvas.middle();
    const at = { x: snap(middle.x - NODE_WIDTH / 2), y: snap(middle.y - 40) };
    // Adding several in a row must not pile them up.
    const taken = new Set<string>();
    for (const record of context.editor.records.values()) {
      if (record.type === 'layout') taken.add(`${record.position.x},${record.position.y}`);
    }
    while (taken.has(`${at.x},${at.y}`)) {
      at.x += STAGGER;
      at.y += STAGGER;
    }
    addNode(context, kind, at);
  },
}));
