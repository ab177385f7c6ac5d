import { describe, expect, it } from 'vitest';
import type { FlowChange } from './changes.ts';
import { compareFlows } from './compareFlows.ts';
import type { RunKnowledge } from './comparison/knowledge.ts';
import { emptyDocument, type FlowDocument, type FlowEdge, type FlowNode } from './document.ts';
import { NODE_KINDS, type NodeConfig, type NodeKind } from './records/registry.ts';
import type { FlowSettings } from './records/settings.ts';
import { withoutProducers } from './withoutProducers.ts';

function edge(
  source: string,
  sourcePort: string,
  target: string,
  id = `${source}-${sourcePort}-${target}`,
): FlowEdge {
  return { id: `edge:${id}`, source: `node:${source}`, sourcePort, target: `node:${target}` };
}

function nodeOf(kind: NodeKind, name: string): FlowNode {
  const config = NODE_KINDS[kind].initial();
  // Kind and config belong together; the union of all nodes cannot see that.
  return { id: `node:${name}`, kind, name, description: '', config } as FlowNode;
}

/** gen, hook and play → orders → work → done → out. */
function running(): FlowDocument {
  return {
    ...emptyDocument('flow:test', 'Test'),
    nodes: [
      nodeOf('generator', 'gen'),
      nodeOf('http', 'hook'),
      nodeOf('replay', 'play'),
      nodeOf('topic', 'orders'),
      nodeOf('handler', 'work'),
      nodeOf('topic', 'done'),
      nodeOf('file', 'out'),
    ],
    edges: [
      edge('gen', 'out', 'orders'),
      edge('hook', 'out', 'orders'),
      edge('play', 'out', 'orders'),
      edge('orders', 'messages', 'work'),
      edge('work', 'out', 'done'),
      edge('done', 'messages', 'out'),
    ],
  };
}

const KNOWN: RunKnowledge = {
  waiting: { 'edge:orders-messages-work': 12, 'edge:done-messages-out': 1 },
  messages: { 'node:done': 1204 },
  keys: { 'node:work': 3 },
  timers: { 'node:work': 1 },
};

function changesOf(edit: (draft: FlowDocument) => void, known?: RunKnowledge): FlowChange[] {
  const draft = structuredClone(running());
  edit(draft);
  return compareFlows(running(), draft, known);
}

function only(edit: (draft: FlowDocument) => void, known?: RunKnowledge): FlowChange {
  const changes = changesOf(edit, known);
  expect(changes).toHaveLength(1);
  return changes[0] as FlowChange;
}

const remove = (draft: FlowDocument, name: string): void => {
  const id = `node:${name}`;
  draft.nodes = draft.nodes.filter((node) => node.id !== id);
  draft.edges = draft.edges.filter(({ source, target }) => source !== id && target !== id);
};
const configure =
  <Kind extends NodeKind>(name: string, config: Partial<NodeConfig<Kind>>) =>
  (draft: FlowDocument) => {
    const node = draft.nodes.find(({ id }) => id === `node:${name}`);
    if (!node) throw new Error(`no node ${name}`);
    Object.assign(node.config, config);
  };

describe('[RN4] what does not count', () => {
  it('is where things stand, what is said about them, in which order, and a connection drawn again', () => {
    expect(
      changesOf((draft) => {
        draft.description = 'Another';
        draft.layout.nodes['node:gen'] = { x: 100, y: 100 };
        for (const node of draft.nodes) node.description = 'Explained';
        draft.nodes.reverse();
        draft.edges = draft.edges.map(({ id: _, ...rest }, index) => ({
          ...rest,
          id: `edge:again-${index}`,
        }));
      }),
    ).toEqual([]);
  });
});

describe('[RN4] a node that comes', () => {
  it('starts: a producer at its beginning, a topic empty', () => {
    const changes = changesOf((draft) => {
      draft.nodes.push(nodeOf('schedule', 'tick'), nodeOf('topic', 'ticks'));
      draft.edges.push(edge('tick', 'out', 'ticks'));
    });
    expect(changes).toEqual([
      expect.objectContaining({
        kind: 'added',
        id: 'node:tick',
        effect: 'starts',
        consequence: 'It starts to make messages, from its beginning.',
      }),
      expect.objectContaining({
        kind: 'added',
        id: 'node:ticks',
        effect: 'starts',
        consequence: 'A new topic, empty at first.',
      }),
    ]);
  });

  it.each([
    [{ at: 'earliest' }, 'the earliest message'],
    [{ at: 'latest' }, 'what comes from now on'],
    [{ at: 'offset', offset: 5 }, 'offset 5'],
    [{ at: 'time', time: '2026-01-01T00:00:00Z' }, 'what was appended since 2026-01-01T00:00:00Z'],
  ] as const)('is a new group that starts where it says: %j', (startFrom, where) => {
    const change = only((draft) => {
      draft.nodes.push(nodeOf('log', 'audit'));
      configure<'log'>('audit', { startFrom })(draft);
      draft.edges.push(edge('orders', 'messages', 'audit'), edge('done', 'messages', 'audit'));
    });
    expect(change).toMatchObject({
      kind: 'added',
      record: 'node',
      effect: 'starts',
      consequence: `A new group starts at ${where} of orders and done.`,
    });
  });
});

describe('[RN4] a node that goes', () => {
  it('takes its offsets, state and timers with it, and leaves the messages', () => {
    expect(only((draft) => remove(draft, 'work'), KNOWN)).toMatchObject({
      kind: 'removed',
      effect: 'loses',
      consequence:
        'It is forgotten with its offsets, its state of 3 keys and 1 timer: drawn again, it starts anew. 12 messages it has not handled stay in the topic.',
    });
    expect(only((draft) => remove(draft, 'work'))).toMatchObject({
      consequence: 'It is forgotten with its offsets: drawn again, it starts anew.',
    });
  });

  it('takes its position with it when it is a producer', () => {
    expect(only((draft) => remove(draft, 'gen'))).toMatchObject({
      effect: 'loses',
      consequence: expect.stringContaining('its position is given up'),
    });
  });

  it('cannot be read any more when it is a topic; its neighbours say what that means for them', () => {
    const changes = changesOf((draft) => remove(draft, 'done'), KNOWN);
    expect(changes.map(({ id, effect, consequence }) => [id, effect, consequence])).toEqual([
      ['node:done', 'loses', 'Its 1,204 messages can no longer be read in this run.'],
      ['edge:work-out-done', 'loses', 'work no longer writes to done.'],
      ['edge:done-messages-out', 'loses', 'out no longer reads done, and its offsets there are forgotten.'],
    ]);
  });
});

describe('[RN4] a consumer that changes', () => {
  it('runs new code from the next batch on and keeps its state', () => {
    expect(
      only(configure<'handler'>('work', { code: 'export const handle = () => {};' }), KNOWN),
    ).toMatchObject({
      kind: 'changed',
      paths: ['config.code'],
      effect: 'keeps',
      consequence: 'The next batch runs the new code; offsets and the state of 3 keys are kept.',
    });
  });

  it('takes new settings from the next batch on, named by their paths', () => {
    const change = only((draft) => {
      const node = draft.nodes.find(({ id }) => id === 'node:work');
      if (node?.kind !== 'handler') throw new Error('no handler');
      node.config.retry.attemptsMax = 9;
      node.config.concurrency = 2;
    });
    expect(change).toMatchObject({
      paths: ['config.concurrency', 'config.retry.attemptsMax'],
      effect: 'keeps',
      consequence: 'The new settings count from the next batch on; offsets and state are kept.',
    });
  });

  it('does not move because of where new groups start', () => {
    expect(only(configure<'handler'>('work', { startFrom: { at: 'latest' } }))).toMatchObject({
      effect: 'keeps',
      consequence: expect.stringContaining('this one goes on where it is'),
    });
  });

  it('forgets what it has handled when duplicates are told another way', () => {
    const idempotent = (key: string, keys = 100): FlowDocument => {
      const document = running();
      configure<'handler'>('work', { idempotency: { window: 'count', key, keys } })(document);
      return document;
    };
    const effectOf = (before: FlowDocument, after: FlowDocument) => compareFlows(before, after)[0]?.effect;
    expect(effectOf(running(), idempotent('id'))).toBe('starts');
    expect(effectOf(idempotent('id'), running())).toBe('loses');
    expect(effectOf(idempotent('id'), idempotent('other'))).toBe('loses');
    expect(effectOf(idempotent('id'), idempotent('id', 50))).toBe('keeps');
  });

  it('is renamed and stays; a topic that is renamed is not found by the old name', () => {
    expect(
      only((draft) => {
        for (const node of draft.nodes) if (node.id === 'node:work') node.name = 'Toil';
      }),
    ).toMatchObject({ paths: ['name'], effect: 'keeps', name: 'Toil' });
    expect(
      only((draft) => {
        for (const node of draft.nodes) if (node.id === 'node:done') node.name = 'finished';
      }).consequence,
    ).toBe(
      'It is called finished from now on and keeps its messages; code that emits to "done" does not find it any more.',
    );
  });

  it('that became another kind cannot go on', () => {
    const change = only((draft) => {
      draft.nodes = draft.nodes.map((node) =>
        node.id === 'node:out' ? { ...nodeOf('log', 'out'), id: node.id } : node,
      );
    });
    expect(change.effect).toBe('blocking');
  });

  it('writes to another file and leaves the old one', () => {
    expect(only(configure<'file'>('out', { path: 'other.jsonl' }))).toMatchObject({
      effect: 'starts',
      consequence: 'Lines go to other.jsonl from now on; messages.jsonl stays as it is.',
    });
  });
});

describe('[RN4] a producer that changes', () => {
  it('goes on from where it stands', () => {
    expect(only(configure<'generator'>('gen', { ratePerSecond: 99 }))).toMatchObject({
      effect: 'keeps',
      consequence: 'It goes on from where it stands, with the new settings.',
    });
  });

  it('plays another recording from its beginning', () => {
    expect(only(configure<'replay'>('play', { file: 'other.jsonl' })).effect).toBe('starts');
  });

  it('gives up its address when its path is another', () => {
    expect(only(configure<'http'>('hook', { path: 'elsewhere' }))).toMatchObject({
      effect: 'loses',
      consequence:
        'It takes messages at …/elsewhere from now on; …/events answers that there is no such address.',
    });
  });
});

describe('[RN4] a topic that changes', () => {
  it('grows, and keys move to other partitions', () => {
    expect(only(configure<'topic'>('orders', { partitions: 8 }))).toMatchObject({
      paths: ['config.partitions'],
      effect: 'loses',
      consequence: expect.stringMatching(
        /^It grows from 3 partitions to 8: keys move .* order of a key is not kept/,
      ),
    });
  });

  it('cannot shrink, whatever else changes with it', () => {
    expect(only(configure<'topic'>('orders', { partitions: 2, key: 'customer' }))).toMatchObject({
      effect: 'blocking',
      consequence: expect.stringMatching(
        /^A topic cannot give up partitions: orders has 3, the drawing 2\..*gets its key/,
      ),
    });
  });

  it('keeps what it has under new rules for what comes', () => {
    expect(only(configure<'topic'>('orders', { key: 'customer' })).effect).toBe('keeps');
    expect(only(configure<'topic'>('orders', { schemaPolicy: 'flag' })).effect).toBe('keeps');
  });

  it('loses messages to tighter limits and to compaction, not to looser ones', () => {
    expect(only(configure<'topic'>('done', { retentionMs: 1000 }), KNOWN)).toMatchObject({
      effect: 'loses',
      consequence: 'What goes beyond the new limits of the 1,204 messages it holds is deleted by and by.',
    });
    expect(only(configure<'topic'>('orders', { cleanup: 'compact' })).effect).toBe('loses');
    const limited = running();
    configure<'topic'>('orders', { retentionMessages: 10 })(limited);
    const looser = structuredClone(limited);
    configure<'topic'>('orders', { retentionMessages: 0 })(looser);
    expect(compareFlows(limited, looser)).toMatchObject([{ effect: 'keeps' }]);
  });
});

describe('[RN4] a connection', () => {
  it('that comes starts a reader where its consumer says, or a writer', () => {
    expect(only((draft) => draft.edges.push(edge('orders', 'messages', 'out')))).toMatchObject({
      kind: 'added',
      record: 'edge',
      name: 'orders → out',
      effect: 'starts',
      consequence: 'out starts to read orders, at the earliest message.',
    });
    expect(only((draft) => draft.edges.push(edge('gen', 'out', 'done'))).consequence).toBe(
      'gen writes to done from now on.',
    );
    expect(only((draft) => draft.edges.push(edge('out', 'dead-letter', 'orders'))).consequence).toBe(
      'Dead letters of out go to orders from now on. What was parked so far stays in the log of this run.',
    );
  });

  it('that goes gives up the offsets of its reader', () => {
    const change = only((draft) => {
      draft.edges = draft.edges.filter(({ id }) => id !== 'edge:orders-messages-work');
    }, KNOWN);
    expect(change).toMatchObject({
      kind: 'removed',
      effect: 'loses',
      consequence: expect.stringMatching(/12 messages it has not handled stay there\.$/),
    });
  });

  it('between nodes that stay leaves what went over it', () => {
    const without = (id: string) => (draft: FlowDocument) => {
      draft.edges = draft.edges.filter((wire) => wire.id !== id);
    };
    expect(only(without('edge:work-out-done')).consequence).toBe(
      'work no longer writes to done; what it wrote stays.',
    );
    expect(only(without('edge:done-messages-out'), KNOWN).consequence).toMatch(
      / 1 message it has not handled stays there\.$/,
    );
  });

  it('takes another limit from now on', () => {
    const change = only((draft) => {
      for (const wire of draft.edges)
        if (wire.id === 'edge:orders-messages-work') wire.backlog = { messages: 5, bytes: 1024 };
    });
    expect(change).toMatchObject({ effect: 'keeps', paths: ['backlog.bytes', 'backlog.messages'] });
  });
});

describe('[RN4] settings and schemas', () => {
  it.each([
    [
      'durability',
      'relaxed',
      'This run stays with the durability it began with (fsync); the next run takes the new one.',
    ],
    ['seed', 7, 'This run stays with the seed it began with (1); the next run takes the new one.'],
    ['runsKept', 3, 'How many runs are kept counts when the next run starts.'],
    ['backlogMessagesMax', 5, 'The backlog limit counts from now on.'],
  ] as const)('%s: says when it counts', (name, value, consequence) => {
    const change = only((draft) => {
      draft.settings = { ...draft.settings, [name]: value } as FlowSettings;
    });
    expect(change).toMatchObject({
      record: 'settings',
      paths: [`settings.${name}`],
      effect: 'keeps',
      consequence,
    });
  });

  it('a new name of the flow is kept by the run', () => {
    expect(
      only((draft) => {
        draft.name = 'Renamed';
      }),
    ).toMatchObject({ record: 'settings', paths: ['name'], effect: 'keeps' });
  });

  it('schemas are for what is appended from now on', () => {
    const schema = { id: 'schema:a', subject: 'order', version: 1, schema: { type: 'object' } };
    expect(only((draft) => draft.schemas.push(schema))).toMatchObject({
      kind: 'added',
      record: 'schema',
      name: 'order version 1',
      effect: 'keeps',
    });
    const before = { ...running(), schemas: [schema] };
    const after = { ...running(), schemas: [{ ...schema, schema: { type: 'string' } }] };
    expect(compareFlows(before, after)).toMatchObject([
      { kind: 'changed', paths: ['schema.type'], effect: 'keeps' },
    ]);
    expect(compareFlows(before, running())).toMatchObject([{ kind: 'removed', effect: 'keeps' }]);
  });
});

it('[RN5] a flow without its producers is whole', () => {
  const left = withoutProducers(running());
  expect(left.nodes.map(({ name }) => name)).toEqual(['orders', 'work', 'done', 'out']);
  expect(left.edges.map(({ id }) => id)).toEqual([
    'edge:orders-messages-work',
    'edge:work-out-done',
    'edge:done-messages-out',
  ]);
});
