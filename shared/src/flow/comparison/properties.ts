import type { FlowNode } from '../document.ts';
import type { FlowNodeOf } from '../records/node.ts';
import type { TopicConfig } from '../records/topic.ts';
import type { RunKnowledge } from './knowledge.ts';
import { changedPaths } from './paths.ts';
import { blocks, type Consequence, countOf, keeps, loses, starts } from './weigh.ts';

/** What follows from new settings of a node that stays. Both are of one kind. */
export function configConsequences(old: FlowNode, node: FlowNode, known: RunKnowledge): Consequence[] {
  if (old.kind === 'topic' && node.kind === 'topic') return topicConsequences(old, node, known);
  // What no sentence of its own speaks of is said once.
  return changedPaths(old.config, node.config).map(
    (path) => special(rootOf(path), old, node, known) ?? keeps(plainly(node)),
  );
}

/** The first name of a path. */
function rootOf(path: string): string {
  return path.split('.', 1)[0] as string;
}

/** Settings of which there is more to say than that they count from now on. */
function special(setting: string, old: FlowNode, node: FlowNode, known: RunKnowledge): Consequence | null {
  switch (`${node.kind}.${setting}`) {
    case 'handler.code':
    case 'filter.expression':
    case 'transform.expression':
    case 'route.routes':
      return codeChanged(node, known);
    case 'replay.file':
    case 'replay.format':
      return starts('The new file is played from its beginning; the place in the old one is given up.');
    case 'http.path':
      return addressChanged(old, node);
    case 'file.path':
      return fileChanged(old, node);
    case 'database.target':
    case 'database.table':
      return starts('Rows go to the new place from now on; those that were written stay where they are.');
  }
  if (setting === 'idempotency') return idempotencyChanged(old, node);
  if (setting === 'startFrom') {
    return keeps(
      'Where it starts counts only for a group that has committed nothing; this one goes on where it is.',
    );
  }
  return null;
}

function plainly(node: FlowNode): string {
  return 'retry' in node.config
    ? 'The new settings count from the next batch on; offsets and state are kept.'
    : 'It goes on from where it stands, with the new settings.';
}

function codeChanged(node: FlowNode, known: RunKnowledge): Consequence {
  const keys = known.keys[node.id] ?? 0;
  const kept = keys > 0 ? `offsets and the state of ${countOf(keys, 'key')}` : 'offsets and state';
  return keeps(`The next batch runs the new code; ${kept} are kept.`);
}

type Idempotency = { window: 'off' } | { window: 'time' | 'count'; key: string };

function idempotencyChanged(old: FlowNode, node: FlowNode): Consequence {
  const before = idempotencyOf(old);
  const after = idempotencyOf(node);
  if (after.window === 'off')
    return loses('It forgets which keys it has handled: duplicates are handled again.');
  if (before.window === 'off')
    return starts('It remembers the keys it handles from now on, not those of before.');
  if (before.key !== after.key)
    return loses('Duplicates are told by another key: the keys it remembers are forgotten.');
  return keeps('It goes on with the keys it remembers, under the new limit.');
}

function idempotencyOf(node: FlowNode): Idempotency {
  return 'idempotency' in node.config ? node.config.idempotency : { window: 'off' };
}

function addressChanged(old: FlowNode, node: FlowNode): Consequence {
  return loses(
    `It takes messages at …/${pathOf(node)} from now on; …/${pathOf(old)} answers that there is no such address.`,
  );
}

function fileChanged(old: FlowNode, node: FlowNode): Consequence {
  return starts(`Lines go to ${pathOf(node)} from now on; ${pathOf(old)} stays as it is.`);
}

function pathOf(node: FlowNode): string {
  return 'path' in node.config ? node.config.path : '';
}

type Topic = FlowNodeOf<'topic'>;

function topicConsequences(old: Topic, node: Topic, known: RunKnowledge): Consequence[] {
  const before = old.config;
  const after = node.config;
  const consequences: Consequence[] = [];
  if (after.partitions < before.partitions) {
    consequences.push(
      blocks(
        `A topic cannot give up partitions: ${node.name} has ${before.partitions}, the drawing ${after.partitions}. Set it back, or stop the run and start a new one.`,
      ),
    );
  } else if (after.partitions > before.partitions) {
    consequences.push(
      loses(
        `It grows from ${countOf(before.partitions, 'partition')} to ${after.partitions}: keys move to other partitions from now on, so the order of a key is not kept across the change. Messages and offsets stay.`,
      ),
    );
  }
  if (before.key !== after.key)
    consequences.push(
      keeps('What is appended from now on gets its key the new way; what is stored keeps its own.'),
    );
  if (before.schema !== after.schema || before.schemaPolicy !== after.schemaPolicy)
    consequences.push(keeps('What is appended from now on is checked the new way; what is stored stays.'));
  const retention = retentionChanged(before, after, known.messages[node.id]);
  if (retention) consequences.push(retention);
  return consequences;
}

const RETENTION = ['retentionMs', 'retentionBytes', 'retentionMessages'] as const;

function retentionChanged(
  before: TopicConfig,
  after: TopicConfig,
  messages: number | undefined,
): Consequence | null {
  const paths = changedPaths(before, after);
  if (!paths.some((path) => path === 'cleanup' || path.startsWith('retention') || path === 'tombstoneMs'))
    return null;
  // 0 is no limit.
  const tighter = RETENTION.some(
    (name) => after[name] !== 0 && (before[name] === 0 || after[name] < before[name]),
  );
  const compacts = before.cleanup !== 'compact' && after.cleanup === 'compact';
  if (!tighter && !compacts) return keeps('What is kept is decided the new way from now on.');
  const of = messages === undefined ? '' : ` of the ${countOf(messages, 'message')} it holds`;
  return loses(
    compacts
      ? `All but the newest message of each key${of} are deleted by and by.`
      : `What goes beyond the new limits${of} is deleted by and by.`,
  );
}
