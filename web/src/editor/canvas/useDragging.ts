import { layoutIdOf } from '@millrace/shared/flow/records.ts';
import type { EdgeChange, NodeChange } from '@xyflow/react';
import { useEffect, useMemo, useRef } from 'react';
import type { FrameNode } from '../../nodes/NodeFrame.tsx';
import type { Editor, Interaction, Transaction } from '../store/editorStore.ts';
import type { WireEdgeType } from './canvasElements.ts';

type Drag = { interaction: Interaction; cancelled: boolean };
type Moved = { id: string; position: { x: number; y: number } };

function put(transaction: Transaction, moves: readonly Moved[]): void {
  for (const { id, position } of moves) {
    const layoutId = layoutIdOf(id);
    transaction.put({ type: 'layout', id: layoutId, position: { x: position.x, y: position.y } });
  }
}

/** React Flow's change lists enter the store here: a drag is one undo step, Escape takes it back, arrow keys are a burst. */
export function useDragging(editor: Editor) {
  const drag = useRef<Drag | null>(null);

  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape' || !drag.current || drag.current.cancelled) return;
      drag.current.cancelled = true;
      drag.current.interaction.cancel();
    };
    window.addEventListener('keydown', onKey, true);
    return () => window.removeEventListener('keydown', onKey, true);
  }, []);

  return useMemo(() => {
    const select = (changes: { id: string; selected: boolean }[]): void => {
      const next = new Set(editor.selection);
      for (const { id, selected } of changes) {
        if (selected) next.add(id);
        else next.delete(id);
      }
      editor.select(next);
    };
    return {
      start: () => {
        drag.current = { interaction: editor.interact('Move'), cancelled: false };
      },
      stop: () => {
        if (drag.current && !drag.current.cancelled) drag.current.interaction.commit();
        drag.current = null;
      },
      onNodesChange: (changes: NodeChange<FrameNode>[]) => {
        const moves: Moved[] = [];
        const selections: { id: string; selected: boolean }[] = [];
        for (const change of changes) {
          if (change.type === 'position' && change.position)
            moves.push({ id: change.id, position: change.position });
          if (change.type === 'select') selections.push(change);
        }
        if (selections.length > 0) select(selections);
        if (moves.length === 0 || drag.current?.cancelled) return;
        if (drag.current) drag.current.interaction.update((transaction) => put(transaction, moves));
        else editor.change({ label: 'Move', burst: 'nudge' }, (transaction) => put(transaction, moves));
      },
      onEdgesChange: (changes: EdgeChange<WireEdgeType>[]) => {
        const selections = changes.flatMap((change) => (change.type === 'select' ? [change] : []));
        if (selections.length > 0) select(selections);
      },
    };
  }, [editor]);
}
