import { judgeConnection } from '@millrace/shared/flow/graph.ts';
import { NODE_KIND_NAMES } from '@millrace/shared/flow/records/registry.ts';
import type { FlowRecord } from '@millrace/shared/flow/records.ts';
import { describe, expect, it } from 'vitest';
import { edge, layout, node, type Opened, openEditor } from '../store/testing/openEditor.ts';
import { distribute } from './arrange.ts';
import { copyText, pasteText } from './clipboard.ts';
import { readPasted } from './clipboardText.ts';
import type { CommandContext } from './command.ts';
import { commandFor, matches } from './keyboard.ts';
import { COMMANDS, commandById } from './registry.ts';
import {
  addNode,
  connectNodes,
  connectThroughTopic,
  INSERTABLE,
  insertIntoEdge,
  kindsAfter,
  kindsBefore,
  positionOf,
} from './wiring.ts';

function contextOf({ editor, random }: Opened): CommandContext & { told: string[] } {
  const told: string[] = [];
  return {
    editor,
    random,
    told,
    canvas: { fit: () => {}, zoomBy: () => {}, middle: () => ({ x: 400, y: 300 }), startRename: () => {} },
    page: {
      openStart: () => {},
      newFlow: () => {},
      toggleTheme: () => {},
      openExport: () => {},
      openImport: (text) => void told.push(`import:${text}`),
      findNode: () => {},
      openPalette: () => {},
      tell: (message) => void told.push(message),
      fail: (what) => void told.push(what),
      showProgress: () => () => {},
    },
    runs: {
      can: () => false,
      perform: () => {},
      faultsAt: () => [],
      askForFault: () => {},
      faultCount: () => 0,
      healAll: async () => {},
      groupPaused: () => null,
      setGroupPaused: async () => {},
    },
  };
}

const named = (context: CommandContext, name: string) =>
  [...context.editor.graph.nodes.values()].find((each) => each.name === name);

const PIPELINE: FlowRecord[] = [
  node('p', 'generator', 'Orders'),
  node('t', 'topic', 'orders'),
  node('h', 'handler', 'Pay'),
  layout('p', 0, 0),
  layout('t', 272, 0),
  layout('h', 544, 0),
  edge('pt', 'p', 'out', 't'),
  edge('th', 't', 'messages', 'h'),
];

describe('the list of commands', () => {
  it('has unique ids and no shortcut twice, but where the commands exclude each other', () => {
    expect(new Set(COMMANDS.map(({ id }) => id)).size).toBe(COMMANDS.length);
    const keys = COMMANDS.flatMap(({ id, shortcuts }) => (shortcuts ?? []).map((key) => ({ id, key })));
    const twice = keys.filter(({ id, key }) => keys.some((other) => other.key === key && other.id !== id));
    // A paused run is resumed and any other paused; a flow that runs takes changes and any other is run.
    expect(twice.map(({ id }) => id).sort()).toEqual(['run-apply', 'run-pause', 'run-resume', 'run-start']);
  });

  it('can add every kind of node', () => {
    const context = contextOf(openEditor());
    for (const kind of NODE_KIND_NAMES) void commandById(`add-${kind}`).run(context);
    expect(context.editor.graph.nodes.size).toBe(NODE_KIND_NAMES.length);
    expect(context.editor.undoLabel).not.toBeNull();
  });
});

describe('the keyboard', () => {
  const pressed = (key: string, extra: Partial<KeyboardEvent> = {}) => ({
    key,
    code: /^[a-z]$/i.test(key) ? `Key${key.toUpperCase()}` : '',
    ctrlKey: false,
    metaKey: false,
    shiftKey: false,
    altKey: false,
    ...extra,
  });

  it('tells chords apart', () => {
    expect(matches('mod+Z', pressed('z', { ctrlKey: true }))).toBe(true);
    expect(matches('mod+Z', pressed('Z', { ctrlKey: true, shiftKey: true }))).toBe(false);
    expect(matches('mod+shift+Z', pressed('Z', { ctrlKey: true, shiftKey: true }))).toBe(true);
    expect(matches('shift+1', { ...pressed('!', { shiftKey: true }), code: 'Digit1' })).toBe(true);
    expect(matches('alt+shift+L', pressed('L', { altKey: true, shiftKey: true }))).toBe(true);
    expect(matches('Delete', pressed('Delete'))).toBe(true);
    expect(matches('mod++', pressed('+', { ctrlKey: true, shiftKey: true }))).toBe(true);
  });

  it('leaves the keys of a text field to it', () => {
    const context = contextOf(openEditor(PIPELINE));
    context.editor.select(['node:h']);
    const input = document.createElement('input');
    document.body.append(input);
    const press = (target: HTMLElement): KeyboardEvent => {
      const event = new KeyboardEvent('keydown', { key: 'Delete', code: 'Delete', bubbles: true });
      target.dispatchEvent(event);
      return event;
    };
    expect(commandFor(COMMANDS, press(input), context)).toBeNull();
    expect(commandFor(COMMANDS, press(document.body), context)?.id).toBe('delete');
    input.remove();
  });
});

describe('copy and paste', () => {
  it('pastes with ids and names of its own, and the connections inside', () => {
    const context = contextOf(openEditor(PIPELINE));
    void commandById('select-all').run(context);
    const text = copyText(context);
    pasteText(context, text ?? '');
    const { nodes, document } = context.editor.graph;
    expect(nodes.size).toBe(6);
    expect(document.edges).toHaveLength(4);
    expect([...nodes.values()].map(({ name }) => name).sort()).toEqual([
      'Orders',
      'Orders 2',
      'Pay',
      'Pay 2',
      'orders',
      'orders 2',
    ]);
    expect(context.editor.selection.size).toBe(3);
    context.editor.undo();
    expect(context.editor.graph.nodes.size).toBe(3);
  });

  it('carries a topic’s schema into another flow', () => {
    const from = contextOf(openEditor(PIPELINE));
    from.editor.change({ label: 'Schema' }, (transaction) => {
      transaction.put({
        type: 'schema',
        id: 'schema:s',
        schema: { id: 'schema:s', subject: 'order', version: 1, schema: { type: 'object' } },
      });
      const topic = transaction.records.get('node:t');
      if (topic?.type === 'node' && topic.node.kind === 'topic') {
        transaction.put({
          ...topic,
          node: { ...topic.node, config: { ...topic.node.config, schema: 'schema:s' } },
        });
      }
    });
    from.editor.select(['node:t']);
    const to = contextOf(openEditor());
    pasteText(to, copyText(from) ?? '');
    expect(to.editor.document.schemas.map(({ subject }) => subject)).toEqual(['order']);
    expect(named(to, 'orders')?.config).toMatchObject({ schema: 'schema:s' });
  });

  it('offers to import a whole flow, and says when the clipboard holds nothing of ours', () => {
    const context = contextOf(openEditor());
    pasteText(context, '{"format":"millrace.flow"}');
    pasteText(context, 'shopping list');
    expect(context.told).toEqual([
      'import:{"format":"millrace.flow"}',
      'The clipboard holds no part of a flow.',
    ]);
    expect(readPasted('{"format":"millrace.clipboard","nodes":[').what).toBe('nothing');
  });
});

describe('wiring', () => {
  it('puts a topic between producer and consumer in one step, named after the producer, with room for it', () => {
    const context = contextOf(
      openEditor([
        node('p', 'generator', 'Orders'),
        node('h', 'handler', 'Pay'),
        layout('p', 0, 0),
        layout('h', 240, 0),
      ]),
    );
    const wire = { source: 'node:p', sourcePort: 'out', target: 'node:h' };
    expect(connectNodes(context, wire)).toMatchObject({ ok: false, reason: 'needs-topic' });
    connectThroughTopic(context, wire);
    const topic = named(context, 'Orders events');
    expect(topic?.kind).toBe('topic');
    expect(context.editor.document.edges).toHaveLength(2);
    const xs = ['node:p', topic?.id ?? '', 'node:h'].map((id) => positionOf(context.editor.records, id).x);
    expect(xs[1]! - xs[0]!).toBeGreaterThanOrEqual(208 + 32);
    expect(xs[2]! - xs[1]!).toBeGreaterThanOrEqual(208 + 32);
    context.editor.undo();
    expect(context.editor.graph.nodes.size).toBe(2);
    expect(positionOf(context.editor.records, 'node:h').x).toBe(240);
  });

  it('inserts a step into either kind of edge and leaves a wiring that may run', () => {
    const cases = ['edge:pt', 'edge:th'].flatMap((edgeId) => INSERTABLE.map((kind) => ({ edgeId, kind })));
    for (const { edgeId, kind } of cases) {
      const context = contextOf(openEditor(PIPELINE));
      insertIntoEdge(context, edgeId, kind);
      const { graph } = context.editor;
      expect(graph.nodes.size).toBe(5);
      expect(graph.document.edges).toHaveLength(4);
      for (const { id, ...wire } of graph.document.edges) {
        const without = { ...graph, outgoing: new Map() };
        expect(connectable(without, wire), `${kind} in ${edgeId} left ${id}`).toBe(true);
      }
      context.editor.undo();
      expect(context.editor.records.has(edgeId)).toBe(true);
    }
  });

  it('names what may stand at either end of a pulled edge', () => {
    const { graph } = openEditor(PIPELINE).editor;
    expect(kindsAfter(graph.nodes.get('node:p')!, 'out', NODE_KIND_NAMES)).toEqual(['topic']);
    expect(kindsAfter(graph.nodes.get('node:t')!, 'messages', NODE_KIND_NAMES)).toContain('handler');
    expect(kindsBefore(graph.nodes.get('node:h')!, NODE_KIND_NAMES)).toEqual(['topic']);
    expect(kindsBefore(graph.nodes.get('node:t')!, NODE_KIND_NAMES)).toEqual(
      expect.arrayContaining(['generator', 'handler']),
    );
    expect(kindsBefore(graph.nodes.get('node:t')!, NODE_KIND_NAMES)).not.toContain('log');
  });

  it('gives every HTTP node an address of its own', () => {
    const context = contextOf(openEditor());
    addNode(context, 'http', { x: 0, y: 0 });
    addNode(context, 'http', { x: 0, y: 100 });
    const paths = [...context.editor.graph.nodes.values()].map(
      ({ config }) => (config as { path: string }).path,
    );
    expect(paths).toEqual(['events', 'events-2']);
  });
});

function connectable(
  graph: Parameters<typeof judgeConnection>[0],
  wire: Parameters<typeof judgeConnection>[1],
): boolean {
  return judgeConnection(graph, wire).ok;
}

describe('arranging', () => {
  it('gives equal gaps and leaves the outermost two where they are', () => {
    const size = { width: 200, height: 80 };
    const places = [0, 210, 700].map((x, index) => ({ id: String(index), position: { x, y: 0 }, size }));
    expect(distribute(places, 'x').map(({ position }) => position.x)).toEqual([0, 350, 700]);
  });
});
