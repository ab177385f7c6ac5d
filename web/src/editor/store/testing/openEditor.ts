import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import { emptyDocument } from '@millrace/shared/flow/document.ts';
import { type NodeKind, nodeKind } from '@millrace/shared/flow/records/registry.ts';
import type { FlowPatch, FlowRecord } from '@millrace/shared/flow/records.ts';
import { layoutIdOf } from '@millrace/shared/flow/records.ts';
import { createRandom } from '@millrace/shared/util/random.ts';
import { Editor, type EditorOptions } from '../editorStore.ts';
import type { KeepsakeStorage } from '../keepsake.ts';

export const FLOW_ID = 'flow:test';

export function node(id: string, kind: NodeKind, name = id): FlowRecord {
  const whole = { id: `node:${id}`, kind, name, description: '', config: nodeKind(kind).initial() };
  // The registry pairs a kind with its own initial config.
  return { type: 'node', id: `node:${id}`, node: whole } as FlowRecord;
}

export function layout(id: string, x: number, y: number): FlowRecord {
  return { type: 'layout', id: layoutIdOf(`node:${id}`), position: { x, y } };
}

export function edge(id: string, source: string, sourcePort: string, target: string): FlowRecord {
  const whole = { id: `edge:${id}`, source: `node:${source}`, sourcePort, target: `node:${target}` };
  return { type: 'edge', id: `edge:${id}`, edge: whole };
}

export function memoryStorage(): KeepsakeStorage {
  const items = new Map<string, string>();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => items.set(key, value),
    removeItem: (key) => items.delete(key),
  };
}

export type Opened = {
  editor: Editor;
  sent: FlowPatch[];
  clock: { ms: number };
  random: ReturnType<typeof createRandom>;
};

/** An editor on a document of these records, whose patches are collected instead of sent. */
export function openEditor(records: FlowRecord[] = [], options: Partial<EditorOptions> = {}): Opened {
  const random = createRandom(7);
  const sent: FlowPatch[] = [];
  const clock = { ms: 0 };
  const document: FlowDocument = emptyDocument(FLOW_ID, 'Test');
  let revision = 0;
  const editor = new Editor({
    document,
    revision,
    clientId: 'tab-1',
    send: async (_, patch) => {
      sent.push(patch);
      revision++;
      return { revision };
    },
    reload: async () => ({ document: editor.document, revision }),
    onRefused: () => {},
    newToken: () => String(random.uint32()),
    nowMs: () => clock.ms,
    storage: null,
    ...options,
  });
  if (records.length > 0) {
    editor.applyRemote({ revision: 0, clientId: 'tab-0', patch: { put: records, remove: [] } });
  }
  return { editor, sent, clock, random };
}
