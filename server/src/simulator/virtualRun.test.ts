import { describe, expect, it } from 'vitest';
import { flow, listSource } from './testing/flowBuilder.ts';
import { runVirtual } from './virtualRun.ts';

const full = { speed: { mode: 'full' as const } };
const retry = {
  attemptsMax: 3,
  backoff: 'exponential' as const,
  delayMs: 200,
  delayMsMax: 30_000,
  jitter: 0.2,
  order: 'in-order' as const,
  exceptFor: '',
};

function threeStages() {
  return flow()
    .node('replay', 'source', full)
    .node('topic', 'in', { partitions: 4 })
    .node('handler', 'double', { retry })
    .node('topic', 'out', { partitions: 2 })
    .node('file', 'sink')
    .edges('source > in', 'in > double', 'double > out', 'out > sink')
    .document();
}

describe('a run under virtual time', () => {
  const options = {
    document: threeStages(),
    seed: 7,
    sources: { 'node:source': listSource(1000, (index) => ({ key: `k${index % 10}` })) },
    handlers: {
      'node:double': (event: { data: unknown }, ctx: { emit(target: string, data: unknown): void }) => {
        ctx.emit('out', { twice: (event.data as { index: number }).index * 2 });
      },
    },
  };

  it('[RN2] completes when the source is done and everything is handled', () => {
    const run = runVirtual(options);
    expect(run.statuses.map(({ status }) => status)).toEqual(['running', 'completed']);
    expect(run.view.nodes['node:source']).toMatchObject({ out: 1000 });
    expect(run.view.nodes['node:in']).toMatchObject({ in: 1000, out: 1000 });
    expect(run.view.nodes['node:double']).toMatchObject({ in: 1000, out: 1000, failed: 0 });
    expect(run.view.nodes['node:sink']).toMatchObject({ in: 1000, out: 0 });
    expect(run.view.topics['node:in']?.end.reduce((a, b) => a + b)).toBe(1000);
    expect(run.view.subscriptions['edge:2']?.lag).toBe(0);
  });

  it('[SM1] gives the same digest for the same document, seed and inputs, another for another seed', () => {
    const first = runVirtual(options);
    expect(runVirtual(options).digest).toBe(first.digest);
    expect(runVirtual({ ...options, seed: 8 }).digest).not.toBe(first.digest);
    expect(first.traces.length).toBe(8000);
  });

  it('[SM2] makes every fault that it was asked for happen, says how often, and still ends with the same counts', () => {
    const killed = runVirtual({
      ...options,
      faults: {
        writesRefused: 0.2,
        attemptsFailed: 0.05,
        crashesAfterMs: [1, 40],
        killedBy: ({ node, deliveries }) =>
          node === 'node:double' &&
          deliveries.some(({ topic, offset }) => topic === 'node:in' && offset === 99),
      },
    });
    expect(killed.refusedWrites).toBeGreaterThan(0);
    expect(killed.crashes, 'two at their time, the others by messages that kill').toBeGreaterThan(2);
    const { failed = 0, retried = 0, deadLettered = 0, out = 0 } = killed.view.nodes['node:double'] ?? {};
    expect(failed).toBeGreaterThan(0);
    expect(retried).toBeGreaterThan(0);
    expect(deadLettered, 'messages that kill reach the dead letters').toBeGreaterThan(0);
    expect(out + deadLettered).toBe(1000);
    expect(killed.statuses.at(-1)).toEqual({ status: 'completed', error: null });
    expect(runVirtual({ ...options, faults: {} }).refusedWrites).toBe(0);
  });
});
