import type { StoredMessage } from '@millrace/shared/message/message.ts';
import { describe, expect, it } from 'vitest';
import { flow } from '../simulator/testing/flowBuilder.ts';
import { createEngine } from './engine.ts';
import type { EngineEffect, StateWrite } from './io.ts';
import { buildPlan } from './plan/plan.ts';

const NOW_MS = 1_767_225_600_000;
const LANE = 'node:work/node:in/0';

/** Offset 0 waits for its retry, 1 and 2 are over: so the last process left it, and its commit at 0. */
const LEFT = { offset: 0, done: [[1, 3]], tries: [], noted: [], taken: [] };

/** A timer of the same partition that was due while no process ran. */
const OVERDUE = {
  id: '019b76da-a800-8000-8000-000000000001',
  node: 'node:work',
  topic: 'node:in',
  partition: 0,
  scope: 'key:a',
  key: 'a',
  dueMs: NOW_MS - 1000,
  causeId: 'item-0',
  correlationId: 'item-0',
  data: '{}',
  history: null,
};

function restarted(state: StateWrite[]) {
  const document = flow()
    .node('generator', 'source')
    .node('topic', 'in', { partitions: 1, cleanup: 'compact' })
    .node('handler', 'work', { order: 'key' })
    .edges('source > in', 'in > work')
    .document();
  const engine = createEngine({
    plan: buildPlan(document),
    runId: 'run:test',
    seed: 1,
    settings: document.settings,
  });
  const restored = {
    firsts: { 'node:in': [0] },
    ends: { 'node:in': [3] },
    commits: { 'node:work': { 'node:in': [0] } },
    starts: {},
    state: state.map(({ store, key, value }) => ({ store, key, value: value as string })),
    afterCrash: true,
  };
  const effects = engine.step({ type: 'start', restored, paused: false, nowMs: NOW_MS });
  return { engine, effects };
}

function writeIn(effects: EngineEffect[]): Extract<EngineEffect, { type: 'write' }> | undefined {
  return effects.find((effect) => effect.type === 'write');
}

const left: StateWrite = { store: 'lane', key: LANE, value: JSON.stringify(LEFT) };

describe('what is known of messages past the commit', () => {
  it('[CG4] [RN3] is kept by a write that comes before they were read again, so that a second crash knows it, too', () => {
    const timer = { store: 'timer', key: OVERDUE.id, value: JSON.stringify(OVERDUE) };
    const { engine, effects } = restarted([left, timer]);
    // The timer is handled before the log has answered.
    const all = [...effects, ...engine.step({ type: 'tick', nowMs: NOW_MS + 1 })];
    for (const effect of all) {
      if (effect.type !== 'invoke') continue;
      const outcome = { status: 'ok' as const, durationUs: 1, emits: [], state: [], timers: [], logs: [] };
      const { invocationId } = effect;
      all.push(...engine.step({ type: 'invoked', invocationId, outcomes: [outcome], nowMs: NOW_MS + 2 }));
    }
    const write = writeIn(all);
    expect(write).toBeDefined();
    const entry = write?.state.findLast(({ store }) => store === 'lane');
    expect(entry?.key).toBe(LANE);
    expect(JSON.parse(entry?.value ?? 'null')).toMatchObject({ offset: 0, done: [[1, 3]] });
  });

  it('[CG4] [TP4] is committed when compaction has taken what stood before them', () => {
    const { engine, effects } = restarted([left]);
    const fetch = effects.find((effect) => effect.type === 'fetch');
    const messages = [1, 2].map((offset): StoredMessage => {
      const id = `item-${offset}`;
      const message = {
        id,
        source: '/test',
        type: 'test.made',
        timeMs: 0,
        key: id,
        correlationId: id,
        causationId: null,
        data: '{}',
      };
      return { message, offset, appendedAtMs: 0 };
    });
    const fetchId = fetch?.type === 'fetch' ? fetch.fetchId : -1;
    const after = engine.step({ type: 'fetched', fetchId, messages, end: 3, nowMs: NOW_MS + 1 });
    const writes = [writeIn(effects), writeIn(after)];
    const underWay = writeIn(effects);
    if (underWay)
      writes.push(
        writeIn(engine.step({ type: 'written', writeId: underWay.writeId, bases: [], nowMs: NOW_MS + 2 })),
      );
    const commits = writes.flatMap((write) => write?.commits ?? []);
    expect(commits).toEqual([{ group: 'node:work', topic: 'node:in', partition: 0, offset: 3 }]);
  });
});
