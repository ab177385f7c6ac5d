import type { FaultSpec } from '@millrace/shared/faults/fault.ts';
import { describe, expect, it } from 'vitest';
import type { NativeHandler } from '../simulator/nativeHandler.ts';
import { flow, listSource } from '../simulator/testing/flowBuilder.ts';
import { UNWATCHED } from '../simulator/testing/unwatched.ts';
import type { VirtualRunOptions, Witness } from '../simulator/virtualOptions.ts';
import { runVirtual } from '../simulator/virtualRun.ts';
import type { Delivery } from './io.ts';
import { assign, createInstances } from './runtime/rebalance.ts';

const lanesOf = (owners: number[]) => owners.map((nextOwner) => ({ nextOwner }));

function countOf(owners: number[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const owner of owners) counts[owner] = (counts[owner] ?? 0) + 1;
  return counts;
}

describe('assignment', () => {
  it('[CG2] gives every instance as many partitions as any other, give or take one', () => {
    for (let lanes = 1; lanes <= 20; lanes++) {
      for (let instances = 1; instances <= 16; instances++) {
        const owners = assign(lanesOf(new Array<number>(lanes).fill(-1)), createInstances(instances));
        const counts = createInstances(instances).map(({ index }) => countOf(owners)[index] ?? 0);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
        expect(counts.reduce((a, b) => a + b)).toBe(lanes);
      }
    }
  });

  it('[CG2] is sticky: what may stay stays, and no more moves than balance asks for', () => {
    const before = assign(lanesOf(new Array<number>(12).fill(-1)), createInstances(3));
    expect(assign(lanesOf(before), createInstances(3))).toEqual(before);
    const joined = assign(lanesOf(before), createInstances(4));
    const moved = joined.filter((owner, lane) => owner !== before[lane]);
    expect(moved).toEqual([3, 3, 3]);
    expect(countOf(joined)).toEqual({ 0: 3, 1: 3, 2: 3, 3: 3 });
  });

  it('[CG2] moves only what an instance had that left', () => {
    const before = assign(lanesOf(new Array<number>(12).fill(-1)), createInstances(4));
    const left = createInstances(4).map((instance) => ({ ...instance, up: instance.index !== 2 }));
    const after = assign(lanesOf(before), left);
    for (const [lane, owner] of before.entries()) if (owner !== 2) expect(after[lane]).toBe(owner);
    expect(countOf(after)).toEqual({ 0: 4, 1: 4, 3: 4 });
  });

  it('[CG2] leaves partitions without an owner when no instance is up', () => {
    const down = createInstances(2).map((instance) => ({ ...instance, up: false }));
    expect(assign(lanesOf([0, 1, 0]), down)).toEqual([-1, -1, -1]);
  });
});

const TOTAL = 400;
const counting: NativeHandler = (event, ctx) => {
  ctx.state.set(event.id, ((ctx.state.get(event.id) as number | undefined) ?? 0) + 1);
};

function run(extra: Partial<VirtualRunOptions>, config: object = {}) {
  const document = flow()
    .node('replay', 'source', { speed: { mode: 'rate', ratePerSecond: 400 } })
    .node('topic', 'in', { partitions: 6 })
    .node('handler', 'work', { instances: 3, ...config })
    .edges('source > in', 'in > work')
    .document();
  const seenBy: { partition: number; instance: number; atMs: number }[] = [];
  const result = runVirtual({
    document,
    seed: 3,
    sources: {
      'node:source': listSource(TOTAL, (index) => ({ id: `item-${index}`, key: `k${index % 40}` })),
    },
    handlers: { 'node:work': counting },
    witness: {
      ...UNWATCHED,
      began: ({ deliveries, instance }, atMs) =>
        void seenBy.push({ partition: deliveries[0]?.partition ?? -1, instance, atMs }),
    },
    ...extra,
  });
  return { result, seenBy };
}

const timesHandled = ({ result }: ReturnType<typeof run>): number[] =>
  result.log.state().flatMap(({ store, value }) => (store === 'state:node:work' ? [Number(value)] : []));

/** Instance 1 dies, and comes back. */
const crashFor = (durationMs: number): FaultSpec => ({
  kind: 'crash',
  target: { nodeId: 'node:work', instance: 1 },
  rate: 1,
  delayMs: 0,
  durationMs,
});

describe('a group of instances', () => {
  it('[CG1] [CG2] divides the partitions among its instances', () => {
    const { result, seenBy } = run({});
    const owners = new Map<number, Set<number>>();
    for (const { partition, instance } of seenBy)
      owners.set(partition, new Set([...(owners.get(partition) ?? []), instance]));
    expect([...owners.values()].map((instances) => instances.size)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(new Set(seenBy.map(({ instance }) => instance))).toEqual(new Set([0, 1, 2]));
    expect(result.view.groups['node:work']).toMatchObject({ generation: 1, paused: false });
  });

  it('[CG2] a crash hands its partitions over, what it answers later is refused, and nothing is done twice', () => {
    let refused = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const faultPlan = [{ kind: 'injected' as const, fromMs: 200 + seed, toMs: 600, spec: crashFor(300) }];
      const played = run({ faultPlan, seed });
      const { result, seenBy } = played;
      expect(timesHandled(played)).toEqual(Array.from({ length: TOTAL }, () => 1));
      expect(result.fired.crash).toBe(1);
      const details = result.traces
        .filter(({ kind }) => kind === 'rebalanced')
        .map(({ detail }) => detail ?? '');
      expect(details.some((detail) => detail.includes('instance 1 crashed'))).toBe(true);
      expect(details.some((detail) => detail.includes('instance 1 joined'))).toBe(true);
      refused += details.filter((detail) => detail.includes('was refused')).length;
      const start = result.statuses.length > 0 ? 1_767_225_600_000 : 0;
      const whileDown = seenBy.filter(({ atMs }) => atMs > start + 210 + seed && atMs < start + 490);
      expect(whileDown.length).toBeGreaterThan(0);
      expect(whileDown.some(({ instance }) => instance === 1)).toBe(false);
    }
    expect(refused, 'some crashes meet work under way').toBeGreaterThan(0);
  });

  it('[CG2] joining and leaving moves partitions without losing or doubling, and survives a restart', () => {
    const scale = (afterMs: number, instances: number) => ({
      afterMs,
      type: 'command' as const,
      command: { type: 'scale-group' as const, node: 'node:work', instances },
    });
    const played = run({ commands: [scale(200, 6), scale(500, 2)], faults: { crashesAfterMs: [700] } });
    expect(timesHandled(played)).toEqual(Array.from({ length: TOTAL }, () => 1));
    expect(played.result.view.groups['node:work']?.instances).toHaveLength(2);
    expect(new Set(played.seenBy.map(({ instance }) => instance)).size).toBe(6);
  });

  it('[CG2] a partition moves when the whole of an invocation is over, also what is handed out again behind a failure', () => {
    let behindFailures = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const underWay = new Map<number, number[]>();
      const leave = (node: string, isOver: (instance: number, partition: number) => boolean): void => {
        if (node !== 'node:work') return;
        for (const [partition, instances] of underWay)
          underWay.set(
            partition,
            instances.filter((instance) => !isOver(instance, partition)),
          );
      };
      const witness: Witness = {
        ...UNWATCHED,
        began({ deliveries, instance }) {
          const { partition } = deliveries[0] as Delivery;
          const instances = [...(underWay.get(partition) ?? []), instance];
          underWay.set(partition, instances);
          expect(new Set(instances).size, `instances at partition ${partition}, seed ${seed}`).toBe(1);
        },
        ended({ node, deliveries, instance }, outcomes) {
          if (outcomes.length < deliveries.length) behindFailures++;
          const at = deliveries[0]?.partition;
          leave(node, (other, partition) => other === instance && partition === at);
        },
        instanceDied: (node, instance) => leave(node, (other) => other === instance),
      };
      const faultPlan = Array.from({ length: 8 }, (_, index) => {
        const fromMs = 100 + seed + index * 130;
        return { kind: 'injected' as const, fromMs, toMs: fromMs + 60, spec: crashFor(60) };
      });
      const faults = { attemptsFailed: 0.2 };
      run(
        { faultPlan, faults, seed, witness, attemptUsMax: 30_000 },
        { guarantee: 'at-most-once', order: 'none' },
      );
    }
    expect(behindFailures, 'invocations end in front of messages').toBeGreaterThan(0);
  });

  it('[CG4] has committed every end once it has drained', () => {
    const { result } = run({ faults: { crashesAfterMs: [100, 300] } }, { order: 'key', concurrency: 4 });
    for (const { topic, partition, offset } of result.log.commits())
      expect(offset).toBe(result.log.offsets(topic)[partition]?.end);
    expect(result.view.subscriptions['edge:2']?.lag).toBe(0);
  });
});
