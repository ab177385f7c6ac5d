import { type Command, selectedNodeIds } from './command.ts';

export const editingCommands: readonly Command[] = [
  {
    id: 'undo',
    label: 'Undo',
    group: 'Edit',
    shortcuts: ['mod+Z'],
    history: 'none',
    canRun: ({ editor }) => editor.undoLabel !== null,
    run: ({ editor }) => editor.undo(),
  },
  {
    id: 'redo',
    label: 'Redo',
    group: 'Edit',
    shortcuts: ['mod+shift+Z', 'mod+Y'],
    history: 'none',
    canRun: ({ editor }) => editor.redoLabel !== null,
    run: ({ editor }) => editor.redo(),
  },
  {
    id: 'delete',
    label: 'Delete the selection',
    group: 'Edit',
    keywords: ['remove'],
    shortcuts: ['Delete', 'Backspace'],
    history: 'step',
    canRun: ({ editor }) => editor.selection.size > 0,
    run: ({ editor }) => {
      const doomed = [...editor.selection];
      editor.change(
        { label: doomed.length === 1 ? 'Delete' : `Delete ${doomed.length} things` },
        (transaction) => {
          for (const id of doomed) transaction.remove(id);
        },
      );
    },
  },
  {
    id: 'select-all',
    label: 'Select all',
    group: 'Edit',
    shortcuts: ['mod+A'],
    history: 'none',
    canRun: ({ editor }) => editor.records.size > 1,
    run: ({ editor }) => {
      editor.select(
        [...editor.records.values()].filter((record) => record.type === 'node').map((node) => node.id),
      );
    },
  },
  {
    id: 'rename',
    label: 'Rename the node',
    group: 'Edit',
    shortcuts: ['F2'],
    history: 'none',
    canRun: (context) => selectedNodeIds(context).length === 1,
    run: (context) => {
      const [nodeId] = selectedNodeIds(context);
      if (nodeId) context.canvas.startRename(nodeId);
    },
  },
];
