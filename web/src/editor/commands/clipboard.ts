import { type Clipping, clip, clippingText, offsetTo, pasteInto, readPasted } from './clipboardText.ts';
import { type Command, type CommandContext, selectedNodeIds } from './command.ts';

export const GRID = 16;
const DUPLICATE_OFFSET = { x: 2 * GRID, y: 2 * GRID };

/** The text that copying puts on the clipboard, or null when nothing is selected that can be copied. */
export function copyText(context: CommandContext): string | null {
  const clipping = clip(context.editor.records, selectedNodeIds(context));
  return clipping ? clippingText(clipping) : null;
}

export function pasteText(context: CommandContext, text: string): void {
  const pasted = readPasted(text);
  if (pasted.what === 'clipping') {
    insert(context, pasted.clipping, 'Paste', offsetTo(pasted.clipping, context.canvas.middle(), GRID));
  } else if (pasted.what === 'document') context.page.openImport(text);
  else context.page.tell('The clipboard holds no part of a flow.');
}

export function deleteSelected(context: CommandContext, label: string): void {
  const doomed = [...context.editor.selection];
  context.editor.change({ label }, (transaction) => {
    for (const id of doomed) transaction.remove(id);
  });
}

function insert(
  context: CommandContext,
  clipping: Clipping,
  label: string,
  offset: { x: number; y: number },
): void {
  let added: string[] = [];
  context.editor.change({ label }, (transaction) => {
    added = pasteInto(transaction, clipping, { offset, random: context.random });
  });
  context.editor.select(added);
}

const nodesSelected = (context: CommandContext): boolean => selectedNodeIds(context).length > 0;

export const clipboardCommands: readonly Command[] = [
  {
    id: 'copy',
    label: 'Copy',
    group: 'Edit',
    shortcuts: ['mod+C'],
    viaClipboard: true,
    history: 'none',
    canRun: nodesSelected,
    run: async (context) => {
      const text = copyText(context);
      if (text !== null) await navigator.clipboard.writeText(text);
    },
  },
  {
    id: 'cut',
    label: 'Cut',
    group: 'Edit',
    shortcuts: ['mod+X'],
    viaClipboard: true,
    history: 'step',
    canRun: nodesSelected,
    run: async (context) => {
      const text = copyText(context);
      if (text === null) return;
      await navigator.clipboard.writeText(text);
      deleteSelected(context, 'Cut');
    },
  },
  {
    id: 'paste',
    label: 'Paste',
    group: 'Edit',
    shortcuts: ['mod+V'],
    viaClipboard: true,
    history: 'step',
    canRun: () => true,
    run: async (context) => pasteText(context, await navigator.clipboard.readText()),
  },
  {
    id: 'duplicate',
    label: 'Duplicate',
    group: 'Edit',
    shortcuts: ['mod+D'],
    history: 'step',
    canRun: nodesSelected,
    run: (context) => {
      const clipping = clip(context.editor.records, selectedNodeIds(context));
      if (clipping) insert(context, clipping, 'Duplicate', DUPLICATE_OFFSET);
    },
  },
];
