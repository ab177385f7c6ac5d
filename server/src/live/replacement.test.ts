import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import { describe, expect, it } from 'vitest';
import type { RestoredRun } from '../engine/io.ts';
import { buildPlan } from '../engine/plan/plan.ts';
import { flow } from '../simulator/testing/flowBuilder.ts';
import { isSwitched, switchTo } from './replacement.ts';

const NOW = 60_000;
const STARTED = 10_000;

type Parts = { second?: boolean; link?: boolean; file?: string; dedup?: string };

/** play → in → first → out; perhaps `second` reads `in` too, and `first` reads `out` as well. */
function document({ second = true, link = false, file = 'a.jsonl', dedup = 'id' }: Parts = {}): FlowDocument {
  const idempotency = { window: 'count' as const, key: dedup, keys: 10 };
  const draft = flow()
    .node('replay', 'play', { file })
    .node('topic', 'in', { partitions: 2 })
    .node('handler', 'first', { idempotency })
    .node('topic', 'out', { partitions: 1 })
    .edges('play > in', 'in > first', 'first > out');
  if (second) draft.node('log', 'second').edges('in > second');
  if (link) draft.edges('out > first');
  return draft.document();
}

const cursor = (of: string | null, shiftMs = 0): string =>
  JSON.stringify({ cursor: of, random: { a: 1, b: 2, c: 3, d: 4 }, shiftMs });

const STATE: RestoredRun['state'] = [
  { store: 'run', key: 'started', value: String(STARTED) },
  { store: 'run', key: 'trace', value: '12' },
  ...['play', 'in', 'first', 'out', 'second'].map((name) => ({
    store: 'counters',
    key: `node:${name}`,
    value: '{}',
  })),
  { store: 'cursor', key: 'node:play', value: cursor('line 7') },
  { store: 'state:node:first', key: '["key:a","seen"]', value: '1' },
  { store: 'state:node:second', key: '["key:a","seen"]', value: '1' },
  { store: 'seen:node:first', key: 'a', value: '1' },
  { store: 'timer', key: 't1', value: '{"node":"node:first"}' },
  { store: 'timer', key: 't2', value: '{"node":"node:second"}' },
  { store: 'attempt', key: 'node:first/node:in/0', value: '{}' },
  { store: 'attempt', key: 'node:second/node:in/1', value: '{}' },
  { store: 'lane', key: 'node:first/node:out/0', value: '{}' },
  { store: 'group', key: 'node:second', value: '{}' },
];

function restored(): RestoredRun {
  const commits = {
    'node:first': { 'node:in': [5, 6], 'node:out': [9] },
    'node:second': { 'node:in': [3, null] },
  };
  const starts = {
    'node:first': { 'node:in': [0, 0], 'node:out': [2] },
    'node:second': { 'node:in': [1, 1] },
  };
  return { firsts: {}, ends: {}, commits, starts, state: STATE, afterCrash: false };
}

function change(before: FlowDocument, after: FlowDocument) {
  const result = switchTo(after, buildPlan(after), { version: 2, previous: before }, restored(), NOW);
  const deleted = result.state
    .filter(({ value }) => value === null)
    .map(({ store, key }) => `${store} ${key}`);
  return { ...result, deleted };
}

describe('[RN4] the write with which a run goes over to another version', () => {
  it('keeps everything of nodes that stay and says which version the log belongs to', () => {
    const { state, commits, restored: after } = change(document({ link: true }), document({ link: true }));
    expect(state).toEqual([{ store: 'run', key: 'version', value: '2' }]);
    expect(commits).toEqual([]);
    expect(after.state).toHaveLength(STATE.length + 1);
    expect(isSwitched(after, 2)).toBe(true);
    expect(isSwitched(after, 3)).toBe(false);
    expect(isSwitched(restored(), 2)).toBe(false);
  });

  it('forgets whatever belonged to a node that is gone', () => {
    const { deleted } = change(document({ link: true }), document({ link: true, second: false }));
    expect(deleted).toEqual([
      'counters node:second',
      'state:node:second ["key:a","seen"]',
      'timer t2',
      'attempt node:second/node:in/1',
      'group node:second',
    ]);
  });

  it('lets a reader that comes back, or a connection drawn again, begin where it says and not where it was', () => {
    const {
      commits,
      deleted,
      restored: after,
    } = change(document({ second: false }), document({ link: true }));
    expect(commits).toEqual([
      { group: 'node:first', topic: 'node:out', partition: 0, offset: 2 },
      { group: 'node:second', topic: 'node:in', partition: 0, offset: 1 },
      { group: 'node:second', topic: 'node:in', partition: 1, offset: 1 },
    ]);
    expect(after.commits).toEqual({
      'node:first': { 'node:in': [5, 6], 'node:out': [2] },
      'node:second': { 'node:in': [1, 1] },
    });
    // What is left of an attempt belongs to a position that does not count any more.
    expect(deleted).toContain('lane node:first/node:out/0');
  });

  it('plays another recording from its beginning, from now on, without repeating its random ids', () => {
    const { state } = change(document(), document({ file: 'b.jsonl' }));
    expect(state).toContainEqual({ store: 'cursor', key: 'node:play', value: cursor(null, NOW - STARTED) });
  });

  it('forgets the keys that were remembered under another expression', () => {
    expect(change(document(), document({ dedup: 'order.id' })).deleted).toContain('seen:node:first a');
    expect(change(document(), document()).deleted).not.toContain('seen:node:first a');
  });
});
