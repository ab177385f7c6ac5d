import { createContext, type ReactNode, use, useSyncExternalStore } from 'react';
import type { Editor } from '../store/editorStore.ts';

const EditorContext = createContext<Editor | null>(null);

export function EditorProvider({ editor, children }: { editor: Editor; children: ReactNode }) {
  return <EditorContext value={editor}>{children}</EditorContext>;
}

/** The open flow. Read its state through `useEditorValue`, so that the component follows it. */
export function useEditor(): Editor {
  const editor = use(EditorContext);
  if (!editor) throw new Error('Invariant broken: useEditor outside EditorProvider');
  return editor;
}

/**
 * Follows one value of the editor, for instance `useEditorValue((editor) => editor.graph)`. The selector must return
 * the same object while nothing it depends on has changed.
 */
export function useEditorValue<Value>(select: (editor: Editor) => Value): Value {
  const editor = useEditor();
  const read = (): Value => select(editor);
  return useSyncExternalStore(editor.subscribe, read, read);
}
