import type { FlowChange } from '../changes.ts';
import type { FlowNode } from '../document.ts';
import type { FlowGraph } from '../graph.ts';
import { edgeRole } from '../graph.ts';
import { familyOf, nodeKind } from '../records/registry.ts';
import type { RunKnowledge } from './knowledge.ts';
import { changedPaths } from './paths.ts';
import { configConsequences } from './properties.ts';
import { blocks, type Consequence, countOf, keeps, listOf, loses, starts, weigh } from './weigh.ts';

export function nodeChanges(before: FlowGraph, after: FlowGraph, known: RunKnowledge): FlowChange[] {
  const changes: FlowChange[] = [];
  const add = (
    kind: FlowChange['kind'],
    { id, name }: FlowNode,
    paths: string[],
    consequences: Consequence[],
  ): void => {
    changes.push({ kind, record: 'node', id, name, paths, ...weigh(consequences) });
  };
  for (const node of after.nodes.values()) {
    const old = before.nodes.get(node.id);
    if (!old) add('added', node, [], [whatStarts(after, node)]);
    else {
      const paths = pathsOf(old, node);
      if (paths.length > 0) add('changed', node, paths, changed(old, node, paths, known));
    }
  }
  for (const node of before.nodes.values()) {
    if (!after.nodes.has(node.id)) add('removed', node, [], whatGoes(before, node, known));
  }
  return changes;
}

function pathsOf(old: FlowNode, node: FlowNode): string[] {
  const { description: _old, ...before } = old;
  const { description: _new, ...after } = node;
  return changedPaths(before, after);
}

function changed(old: FlowNode, node: FlowNode, paths: string[], known: RunKnowledge): Consequence[] {
  if (old.kind !== node.kind) {
    return [
      blocks(
        `${node.name} was a ${nodeKind(old.kind).title} and is a ${nodeKind(node.kind).title} now: one cannot go on from where the other stands. Draw it as a node of its own.`,
      ),
    ];
  }
  const consequences = configConsequences(old, node, known);
  if (paths.includes('name')) consequences.push(renamed(old, node));
  return consequences;
}

function renamed(old: FlowNode, node: FlowNode): Consequence {
  return keeps(
    familyOf(node.kind) === 'topic'
      ? `It is called ${node.name} from now on and keeps its messages; code that emits to "${old.name}" does not find it any more.`
      : `It is called ${node.name} from now on and goes on from where it stands.`,
  );
}

function whatStarts(after: FlowGraph, node: FlowNode): Consequence {
  const family = familyOf(node.kind);
  if (family === 'topic') return starts('A new topic, empty at first.');
  if (family === 'producer') return starts('It starts to make messages, from its beginning.');
  const topics = topicsRead(after, node.id);
  const from = 'startFrom' in node.config ? node.config.startFrom : ({ at: 'earliest' } as const);
  return starts(`A new group starts at ${describeStart(from)} of ${listOf(topics) || 'its topics'}.`);
}

type Start = { at: 'earliest' | 'latest' } | { at: 'time'; time: string } | { at: 'offset'; offset: number };

export function describeStart(from: Start): string {
  switch (from.at) {
    case 'earliest':
      return 'the earliest message';
    case 'latest':
      return 'what comes from now on';
    case 'time':
      return `what was appended since ${from.time}`;
    case 'offset':
      return `offset ${from.offset}`;
  }
}

function topicsRead(graph: FlowGraph, nodeId: string): string[] {
  return (graph.incoming.get(nodeId) ?? [])
    .filter((edge) => edgeRole(graph, edge) === 'subscribe')
    .map((edge) => graph.nodes.get(edge.source)?.name ?? edge.source);
}

function whatGoes(before: FlowGraph, node: FlowNode, known: RunKnowledge): Consequence[] {
  const family = familyOf(node.kind);
  if (family === 'producer') {
    return [
      loses(
        'It makes no more messages and its position is given up: drawn again, it starts from its beginning. What it made stays.',
      ),
    ];
  }
  if (family === 'topic') {
    const messages = known.messages[node.id];
    const what = messages === undefined ? 'Its messages' : `Its ${countOf(messages, 'message')}`;
    return [loses(`${what} can no longer be read in this run.`)];
  }
  return [loses(consumerGoes(before, node, known))];
}

function consumerGoes(before: FlowGraph, node: FlowNode, known: RunKnowledge): string {
  const edges = before.incoming.get(node.id) ?? [];
  const waiting = edges.reduce((sum, { id }) => sum + (known.waiting[id] ?? 0), 0);
  const given = ['its offsets'];
  const keys = known.keys[node.id] ?? 0;
  const timers = known.timers[node.id] ?? 0;
  if (keys > 0) given.push(`its state of ${countOf(keys, 'key')}`);
  if (timers > 0) given.push(countOf(timers, 'timer'));
  const left =
    waiting === 0
      ? ''
      : ` ${countOf(waiting, 'message')} it has not handled ${waiting === 1 ? 'stays' : 'stay'} in the topic.`;
  return `It is forgotten with ${listOf(given)}: drawn again, it starts anew.${left}`;
}
