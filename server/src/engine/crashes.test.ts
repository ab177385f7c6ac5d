import { expandEntries } from '@millrace/shared/trace/recordRun.ts';
import { describe, expect, it } from 'vitest';
import { createMemoryLog } from '../brokers/memory/memoryLog.ts';
import {
  checkAnswered,
  checkCommitted,
  checkCounters,
  checkProduced,
  readAll,
} from '../simulator/checkers.ts';
import { restoredFrom } from '../simulator/restored.ts';
import { flow, listSource } from '../simulator/testing/flowBuilder.ts';
import { runVirtual } from '../simulator/virtualRun.ts';
import { createEngine } from './engine.ts';
import type { EngineEffect } from './io.ts';
import { buildPlan } from './plan/plan.ts';

const retry = {
  attemptsMax: 3,
  backoff: 'fixed' as const,
  delayMs: 10,
  delayMsMax: 10,
  jitter: 0,
  order: 'in-order' as const,
  exceptFor: '',
};

function twoHandlers() {
  return flow()
    .node('replay', 'source', { speed: { mode: 'full' } })
    .node('topic', 'in', { partitions: 3 })
    .node('handler', 'deadly', { retry })
    .node('handler', 'innocent', { retry })
    .node('topic', 'out')
    .node('topic', 'other')
    .edges('source > in', 'in > deadly', 'in > innocent', 'deadly > out', 'innocent > other')
    .document();
}

describe('after a crash', () => {
  it('[DL2] [DL4] a message that kills the process every time is found, and goes to the dead letters', () => {
    const ids = Array.from({ length: 400 }, (_, index) => `item-${index}`);
    const run = runVirtual({
      document: twoHandlers(),
      seed: 11,
      sources: { 'node:source': listSource(400, (index) => ({ id: `item-${index}`, key: `k${index % 9}` })) },
      handlers: {
        'node:deadly': (event, ctx) => ctx.emit('out', event.data),
        'node:innocent': (event, ctx) => ctx.emit('other', event.data),
      },
      faults: {
        killedBy: ({ node, deliveries }) =>
          node === 'node:deadly' && deliveries.some(({ message }) => message.id === 'item-123'),
      },
    });
    expect(run.view.status).toBe('completed');
    // Once among others, once in a noted batch, then alone until its attempts are used up.
    expect(run.crashes).toBeLessThanOrEqual(2 + retry.attemptsMax);
    const letters = readAll(run.log, 'node:deadly.dead-letters')
      .flat()
      .map(({ message }) => message);
    expect(letters.map(({ extensions }) => [extensions?.dlid, extensions?.dllasterrorcode])).toEqual([
      ['item-123', 'HANDLER_CRASHED'],
    ]);
    expect(readAll(run.log, 'node:innocent.dead-letters').flat()).toEqual([]);
    expect(run.view.nodes['node:deadly']).toMatchObject({ in: 400, out: 399, failed: 3, deadLettered: 1 });
    const faults = [
      ...checkProduced(run.log, 'node:in', ids),
      ...run.plan.consumers.flatMap((consumer) => checkAnswered(run.log, consumer)),
      ...checkCommitted(run.log, run.plan),
      ...checkCounters(run.log, run.plan),
    ];
    expect(faults).toEqual([]);
  });

  it('[RN3] says which messages may have been in flight, and only those', () => {
    const run = runVirtual({
      document: twoHandlers(),
      seed: 2,
      sources: { 'node:source': listSource(300, (index) => ({ id: `item-${index}`, key: `k${index}` })) },
      handlers: {},
      faults: { crashesAfterMs: [6] },
    });
    const redelivered = run.traces.filter(({ kind }) => kind === 'redelivered');
    expect(run.crashes).toBe(1);
    expect(redelivered.length).toBeGreaterThan(0);
    expect(new Set(redelivered.map(({ nodeId, messageId }) => `${nodeId} ${messageId}`)).size).toBe(
      redelivered.length,
    );
  });

  it('[DL3] attempts made before the crash count', () => {
    const document = twoHandlers();
    for (const node of document.nodes)
      if (node.kind === 'handler') node.config.retry = { ...retry, delayMs: 1000, delayMsMax: 1000 };
    const run = runVirtual({
      document,
      seed: 5,
      sources: { 'node:source': listSource(1, () => ({ id: 'item-0' })) },
      handlers: {
        'node:deadly': () => {
          throw new Error('always');
        },
      },
      faults: { crashesAfterMs: [500, 1700] },
    });
    expect(run.view.nodes['node:deadly']).toMatchObject({ failed: 3, deadLettered: 1 });
    expect(readAll(run.log, 'node:deadly.dead-letters').flat()[0]?.message.extensions).toMatchObject({
      dlattempts: 3,
      dlfirsterror: 'always',
    });
  });
});

describe('writes', () => {
  function started() {
    const document = flow()
      .node('replay', 'source', { speed: { mode: 'full' } })
      .node('topic', 'in', { partitions: 1 })
      .edges('source > in')
      .document();
    const plan = buildPlan(document);
    const log = createMemoryLog();
    log.open(plan.topics);
    const engine = createEngine({ plan, runId: 'run:1', seed: 1, settings: document.settings });
    const [read] = engine
      .step({ type: 'start', restored: restoredFrom(log, plan, false), paused: false, nowMs: 1000 })
      .filter((effect) => effect.type === 'read-source');
    const { items } = listSource(2, () => ({}))(null, 2);
    const effects = engine.step({ type: 'sourced', readId: read!.readId, items, done: true, nowMs: 1001 });
    return { engine, write: find(effects, 'write') };
  }
  const full = { code: 'STORAGE_FULL' as const, message: 'The disk is full.' };

  it('[TP3] are tried again unchanged while storage is full, and nothing is acknowledged before', () => {
    const { engine, write } = started();
    const refused = engine.step({
      type: 'write-failed',
      writeId: write!.writeId,
      error: full,
      retryable: true,
      nowMs: 1002,
    });
    expect(find(refused, 'stalled')).toEqual({ type: 'stalled', reason: 'The disk is full.' });
    expect(engine.view()).toMatchObject({
      status: 'running',
      stalled: 'The disk is full.',
      nodes: { 'node:source': { out: 0 } },
    });
    expect(find(refused, 'wake')?.atMs).toBe(2002);
    const again = find(engine.step({ type: 'tick', nowMs: 2002 }), 'write');
    expect(again).toMatchObject({ appends: write!.appends, state: write!.state });
    const done = engine.step({ type: 'written', writeId: again!.writeId, bases: [0], nowMs: 2003 });
    expect(find(done, 'stalled')).toEqual({ type: 'stalled', reason: null });
    expect(expandEntries(find(done, 'trace')?.entries ?? []).map(({ kind }) => kind)).toEqual([
      'produced',
      'produced',
      'appended',
      'appended',
    ]);
    expect(engine.view().nodes['node:source']?.out).toBe(2);
  });

  it('[RN2] what trying again cannot mend fails the run at once', () => {
    const { engine, write } = started();
    const error = { code: 'STORAGE_CORRUPT' as const, message: 'The log is damaged.' };
    const effects = engine.step({
      type: 'write-failed',
      writeId: write!.writeId,
      error,
      retryable: false,
      nowMs: 1002,
    });
    expect(find(effects, 'status')).toEqual({ type: 'status', status: 'failed', error });
  });

  it('[TR2] carry the counters and the number of trace records with the work they count', () => {
    const { write } = started();
    const state = Object.fromEntries(write!.state.map(({ store, key, value }) => [`${store} ${key}`, value]));
    expect(JSON.parse(state['counters node:source'] ?? '')).toMatchObject({ out: 2 });
    expect(JSON.parse(state['counters node:in'] ?? '')).toMatchObject({ in: 2 });
    expect(state['run trace']).toBe('4');
    expect(state['run started']).toBe('1000');
  });
});

function find<Type extends EngineEffect['type']>(
  effects: EngineEffect[],
  type: Type,
): Extract<EngineEffect, { type: Type }> | undefined {
  return effects.find((effect): effect is Extract<EngineEffect, { type: Type }> => effect.type === type);
}
