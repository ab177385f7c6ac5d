import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { emptyDocument } from '@millrace/shared/flow/document.ts';
import { layoutIdOf } from '@millrace/shared/flow/records.ts';
import { createRandom } from '@millrace/shared/util/random.ts';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Editor } from './editorStore.ts';
import { HISTORY_STEPS_MAX } from './history.ts';
import { sameJson } from './json.ts';
import { edge, FLOW_ID, layout, memoryStorage, node, openEditor } from './testing/openEditor.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const positionX = (editor: Editor, id: string): number | undefined => {
  const record = editor.records.get(layoutIdOf(`node:${id}`));
  return record?.type === 'layout' ? record.position.x : undefined;
};
const rename = (editor: Editor, id: string, name: string, burst?: string): void =>
  editor.change({ label: 'Rename', ...(burst ? { burst } : {}) }, (transaction) => {
    const record = transaction.records.get(`node:${id}`);
    if (record?.type === 'node') transaction.put({ ...record, node: { ...record.node, name } });
  });
const nameOf = (editor: Editor, id: string): string | undefined => editor.graph.nodes.get(`node:${id}`)?.name;

describe('undo and redo', () => {
  it('makes a whole drag one step, and takes it back when it is cancelled', () => {
    const { editor } = openEditor([node('a', 'topic'), layout('a', 0, 0)]);
    const drag = editor.interact('Move');
    for (const x of [5, 10, 16]) drag.update((transaction) => transaction.put(layout('a', x, 0)));
    drag.commit();
    expect(positionX(editor, 'a')).toBe(16);
    editor.undo();
    expect(positionX(editor, 'a')).toBe(0);
    expect(editor.undoLabel).toBeNull();
    editor.redo();
    expect(positionX(editor, 'a')).toBe(16);

    const cancelled = editor.interact('Move');
    cancelled.update((transaction) => transaction.put(layout('a', 99, 0)));
    cancelled.cancel();
    expect(positionX(editor, 'a')).toBe(16);
    expect(editor.undoLabel).toBe('Move');
  });

  it('makes a burst of typing one step, and begins another after a pause or when the field is left', () => {
    const { editor, clock } = openEditor([node('a', 'topic', 'start')]);
    for (const name of ['s', 'sa', 'sal']) {
      rename(editor, 'a', name, 'a.name');
      clock.ms += 200;
    }
    clock.ms += 5000;
    rename(editor, 'a', 'sale', 'a.name');
    editor.mark();
    rename(editor, 'a', 'sales', 'a.name');
    editor.undo();
    expect(nameOf(editor, 'a')).toBe('sale');
    editor.undo();
    expect(nameOf(editor, 'a')).toBe('sal');
    editor.undo();
    expect(nameOf(editor, 'a')).toBe('start');
  });

  it('brings back what a deletion took along, and selects it', () => {
    const { editor } = openEditor([
      node('p', 'generator'),
      node('t', 'topic'),
      layout('t', 3, 4),
      edge('e', 'p', 'out', 't'),
    ]);
    editor.change({ label: 'Delete' }, (transaction) => transaction.remove('node:t'));
    expect([...editor.records.keys()].sort()).toEqual([FLOW_ID, 'node:p']);
    editor.undo();
    expect(editor.records.has('edge:e')).toBe(true);
    expect(positionX(editor, 't')).toBe(3);
    expect([...editor.selection]).toEqual(['node:t']);
  });

  it('leaves alone what another tab changed in the same record', () => {
    const { editor } = openEditor([node('a', 'topic', 'old')]);
    rename(editor, 'a', 'new');
    const record = editor.records.get('node:a');
    if (record?.type !== 'node' || record.node.kind !== 'topic') throw new Error('no topic');
    vi.advanceTimersByTime(1000);
    return vi.runAllTimersAsync().then(() => {
      const other = { ...record.node, name: 'new', config: { ...record.node.config, partitions: 12 } };
      editor.applyRemote({
        revision: 2,
        clientId: 'tab-2',
        patch: { put: [{ type: 'node', id: 'node:a', node: other as typeof record.node }], remove: [] },
      });
      editor.undo();
      expect(nameOf(editor, 'a')).toBe('old');
      expect(editor.graph.nodes.get('node:a')?.config).toMatchObject({ partitions: 12 });
    });
  });

  it('never undoes the change of another tab', () => {
    const { editor } = openEditor();
    editor.applyRemote({ revision: 1, clientId: 'tab-2', patch: { put: [node('r', 'topic')], remove: [] } });
    expect(editor.undoLabel).toBeNull();
    editor.undo();
    expect(editor.records.has('node:r')).toBe(true);
  });

  it('keeps a limited number of steps', () => {
    const { editor } = openEditor([node('a', 'topic', 'n')]);
    for (let step = 0; step < HISTORY_STEPS_MAX + 50; step++) rename(editor, 'a', `n${step}`);
    let undone = 0;
    while (editor.undoLabel !== null) {
      editor.undo();
      undone++;
    }
    expect(undone).toBe(HISTORY_STEPS_MAX);
  });

  it('returns to the same records after any sequence of changes, undone and redone', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = createRandom(seed);
      const { editor } = openEditor([node('a', 'generator'), node('b', 'topic'), layout('a', 0, 0)]);
      const before = [...editor.records];
      for (let step = 0; step < 30; step++) randomChange(editor, random);
      const after = [...editor.records];
      while (editor.undoLabel !== null) editor.undo();
      expect(sameJson(sortById(editor.records), sortById(new Map(before))), `seed ${seed}, undone`).toBe(
        true,
      );
      while (editor.redoLabel !== null) editor.redo();
      expect(sameJson(sortById(editor.records), sortById(new Map(after))), `seed ${seed}, redone`).toBe(true);
    }
  });

  it('survives a reload of the tab', async () => {
    const storage = memoryStorage();
    const first = openEditor([node('a', 'topic', 'old')], { storage });
    rename(first.editor, 'a', 'new');
    await vi.runAllTimersAsync();
    first.editor.keep();
    const second = openEditor([], { storage, document: first.editor.document });
    expect(second.editor.undoLabel).toBe('Rename');
    second.editor.undo();
    expect(nameOf(second.editor, 'a')).toBe('old');
  });
});

function sortById(records: ReadonlyMap<string, unknown>): unknown[] {
  return [...records].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, record]) => record);
}

function randomChange(editor: Editor, random: ReturnType<typeof createRandom>): void {
  const ids = [...editor.graph.nodes.keys()].map((id) => id.slice('node:'.length));
  const pick = (): string => ids[random.int(ids.length)] ?? 'a';
  const draw = random.int(5);
  if (draw === 0 || ids.length === 0) {
    const id = `n${random.uint32()}`;
    editor.change({ label: 'Add' }, (transaction) => {
      transaction.put(node(id, 'topic'));
      transaction.put(layout(id, random.int(100), 0));
    });
  } else if (draw === 1) {
    const gone = pick();
    editor.change({ label: 'Delete' }, (transaction) => transaction.remove(`node:${gone}`));
  } else if (draw === 2) {
    const [source, target] = [pick(), pick()];
    editor.change({ label: 'Connect' }, (transaction) =>
      transaction.put(edge(`e${random.uint32()}`, source, 'out', target)),
    );
  } else if (draw === 3) rename(editor, pick(), `name ${random.int(1000)}`);
  else {
    const drag = editor.interact('Move');
    const moved = pick();
    for (let move = 0; move < 3; move++) {
      drag.update((transaction) => transaction.put(layout(moved, random.int(500), random.int(500))));
    }
    if (random.int(4) === 0) drag.cancel();
    else drag.commit();
  }
}

describe('changes on their way to the server', () => {
  it('gathers a drag into few patches of the newest values', async () => {
    const { editor, sent } = openEditor([node('a', 'topic'), layout('a', 0, 0)]);
    const drag = editor.interact('Move');
    for (let x = 1; x <= 50; x++) drag.update((transaction) => transaction.put(layout('a', x, 0)));
    drag.commit();
    expect(editor.saveState.state).toBe('saving');
    await vi.runAllTimersAsync();
    expect(sent).toEqual([{ put: [layout('a', 50, 0)], remove: [] }]);
    expect(editor.saveState.state).toBe('saved');
  });

  it('keeps changes while the line is down, says how many, and sends them when it is back', async () => {
    let isDown = true;
    const sent: unknown[] = [];
    const { editor } = openEditor([node('a', 'topic', 'old')], {
      send: async (_, patch) => {
        if (isDown) throw new WorkbenchError('TIMED_OUT', 'No answer.', { retryable: true });
        sent.push(patch);
        return { revision: 1 };
      },
    });
    rename(editor, 'a', 'new');
    editor.change({ label: 'Add' }, (transaction) => transaction.put(node('b', 'topic')));
    await vi.advanceTimersByTimeAsync(3000);
    expect(editor.saveState).toEqual({ state: 'waiting', changes: 2 });
    await expect(editor.whenSaved()).rejects.toMatchObject({ code: 'TIMED_OUT' });
    isDown = false;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(editor.saveState.state).toBe('saved');
    expect(sent).toHaveLength(1);
    await expect(editor.whenSaved()).resolves.toBeUndefined();
  });

  it('does not let a remote patch overwrite what is still unsent here', () => {
    const { editor } = openEditor([node('a', 'topic', 'old'), node('b', 'topic', 'old')]);
    rename(editor, 'a', 'mine');
    editor.applyRemote({
      revision: 1,
      clientId: 'tab-2',
      patch: { put: [node('a', 'topic', 'theirs'), node('b', 'topic', 'theirs')], remove: [] },
    });
    expect(nameOf(editor, 'a')).toBe('mine');
    expect(nameOf(editor, 'b')).toBe('theirs');
  });

  it('asks for the whole flow after a gap, and puts unsent changes on top', async () => {
    const server = { ...emptyDocument(FLOW_ID, 'Renamed elsewhere') };
    const { editor } = openEditor([], { reload: async () => ({ document: server, revision: 9 }) });
    editor.change({ label: 'Add' }, (transaction) => transaction.put(node('mine', 'topic')));
    editor.applyRemote({ revision: 9, clientId: 'tab-2', patch: { put: [], remove: [] } });
    await vi.advanceTimersByTimeAsync(0);
    expect(editor.document.name).toBe('Renamed elsewhere');
    expect(editor.records.has('node:mine')).toBe(true);
    expect(editor.revision).toBe(9);
  });

  it('shows the server’s state again when a patch is refused', async () => {
    const refused: string[] = [];
    const { editor } = openEditor([], {
      send: async () => {
        throw new WorkbenchError('FLOW_INVALID', 'No.');
      },
      reload: async () => ({ document: emptyDocument(FLOW_ID, 'Test'), revision: 1 }),
      onRefused: (error) => void refused.push(error.code),
    });
    editor.change({ label: 'Add' }, (transaction) => transaction.put(node('x', 'topic')));
    await vi.advanceTimersByTimeAsync(500);
    expect(refused).toEqual(['FLOW_INVALID']);
    expect(editor.records.has('node:x')).toBe(false);
  });

  it('sends after a reload what had not been sent before it', async () => {
    const storage = memoryStorage();
    const offline = openEditor([node('a', 'topic', 'old')], {
      storage,
      send: async () => {
        throw new WorkbenchError('TIMED_OUT', 'No answer.', { retryable: true });
      },
    });
    const saved = offline.editor.document;
    rename(offline.editor, 'a', 'typed offline');
    await vi.advanceTimersByTimeAsync(1500);
    offline.editor.keep();
    const again = openEditor([], { storage, document: saved });
    expect(nameOf(again.editor, 'a')).toBe('typed offline');
    await vi.advanceTimersByTimeAsync(1000);
    expect(again.sent).toHaveLength(1);
  });
});

describe('what follows from the records', () => {
  it('keeps the graph while only the layout moves', () => {
    const { editor } = openEditor([node('a', 'topic'), layout('a', 0, 0)]);
    const { graph } = editor;
    editor.change({ label: 'Move' }, (transaction) => transaction.put(layout('a', 64, 0)));
    expect(editor.graph).toBe(graph);
    rename(editor, 'a', 'other');
    expect(editor.graph).not.toBe(graph);
  });

  it('drops from the selection what is gone', () => {
    const { editor } = openEditor([node('a', 'topic'), node('b', 'topic')]);
    editor.select(['node:a', 'node:b', 'node:none']);
    expect(editor.selection.size).toBe(2);
    editor.applyRemote({ revision: 1, clientId: 'tab-2', patch: { put: [], remove: ['node:a'] } });
    expect([...editor.selection]).toEqual(['node:b']);
  });
});
