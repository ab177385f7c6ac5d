import { describe, expect, it } from 'vitest';
import type { MemoryLog } from '../brokers/memory/memoryLog.ts';
import { checkAnswered, checkCommitted, checkCounters, checkOrder, checkProduced } from './checkers.ts';
import { flow, listSource } from './testing/flowBuilder.ts';
import { runVirtual } from './virtualRun.ts';

const TOTAL = 20;
const ids = Array.from({ length: TOTAL }, (_, index) => `item-${index}`);

/** A run without faults, and its log with one thing wrong in it: a checker that cannot fail proves nothing. */
function finishedRun() {
  const run = runVirtual({
    document: flow()
      .node('replay', 'source', { speed: { mode: 'full' } })
      .node('topic', 'in', { partitions: 2 })
      .node('handler', 'work')
      .node('topic', 'out', { partitions: 1 })
      .node('file', 'sink')
      .edges('source > in', 'in > work', 'work > out', 'out > sink')
      .document(),
    seed: 3,
    sources: { 'node:source': listSource(TOTAL, (index) => ({ id: `item-${index}` })) },
    handlers: { 'node:work': (event, ctx) => ctx.emit('out', event.data) },
  });
  const damaged = (damage: Partial<MemoryLog>): MemoryLog => ({ ...run.log, ...damage });
  const worker = run.plan.consumers.find(({ node }) => node === 'node:work');
  if (!worker) throw new Error('The plan has no worker.');
  return { ...run, damaged, worker };
}

describe('the checks of a finished run', () => {
  const { log, plan, worker, delivered, damaged } = finishedRun();

  it('[SM3] pass what is right', () => {
    expect(checkProduced(log, 'node:in', ids)).toEqual([]);
    expect(checkAnswered(log, worker)).toEqual([]);
    expect(checkCommitted(log, plan)).toEqual([]);
    expect(checkCounters(log, plan)).toEqual([]);
    expect(Object.values(delivered).flatMap(checkOrder)).toEqual([]);
  });

  it('[SM3] find a message that is missing, and one that is there twice', () => {
    expect(checkProduced(log, 'node:in', [...ids, 'item-lost'])).toEqual([
      'item-lost is missing from node:in',
    ]);
    const repeated = damaged({
      read: (request) => {
        const { messages, end } = log.read(request);
        return { messages: request.partition === 0 ? [...messages, ...messages.slice(0, 1)] : messages, end };
      },
    });
    expect(checkProduced(repeated, 'node:in', ids)).toEqual([
      expect.stringMatching(/^item-\d+ is 2 times in node:in$/),
    ]);
  });

  it('[SM3] find a message that nobody answered', () => {
    const shorter = damaged({
      read: (request) => {
        const { messages, end } = log.read(request);
        return { messages: request.topic === 'node:out' ? messages.slice(1) : messages, end };
      },
    });
    expect(checkAnswered(shorter, worker)).toEqual([
      expect.stringMatching(/^item-\d+ was answered 0 times by node:work$/),
    ]);
  });

  it('[SM3] find a commit short of the end', () => {
    const behind = damaged({
      commits: () => log.commits().map((commit) => ({ ...commit, offset: commit.offset - 1 })),
    });
    expect(checkCommitted(behind, plan)).toContain('node:sink committed 19 of 20 in node:out/0');
  });

  it('[SM3] find a counter that disagrees with the log', () => {
    const state = log
      .state()
      .map((entry) =>
        entry.store === 'counters' && entry.key === 'node:out'
          ? { ...entry, value: JSON.stringify({ ...JSON.parse(entry.value), in: TOTAL - 1 }) }
          : entry,
      );
    expect(checkCounters(damaged({ state: () => state }), plan)).toEqual([
      'node:out counts in 19, the log says 20',
    ]);
  });

  it('[SM3] [DL7] find a message handled before one that stands before it', () => {
    const [first, second, ...rest] = delivered['node:sink'] ?? [];
    if (!first || !second) throw new Error('The sink saw nothing.');
    expect(checkOrder([second, first, ...rest])).toContain('node:out/0: offset 1 was handled before 0');
  });
});
