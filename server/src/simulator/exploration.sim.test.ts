import { createRandom, type Random } from '@millrace/shared/util/random.ts';
import { describe, expect, it } from 'vitest';
import type { MemoryLog } from '../brokers/memory/memoryLog.ts';
import { checkAnswered, checkCommitted, checkCounters, checkOrder, checkProduced } from './checkers.ts';
import type { NativeHandler } from './nativeHandler.ts';
import { flow, listSource } from './testing/flowBuilder.ts';
import { runVirtual, type VirtualCommand, type VirtualRunOptions } from './virtualRun.ts';

/** `MILLRACE_SEED=n` plays one seed again; `MILLRACE_SEEDS=n` tries that many. */
const single = process.env.MILLRACE_SEED;
const seeds =
  single === undefined
    ? Array.from({ length: Number(process.env.MILLRACE_SEEDS ?? 60) }, (_, index) => index + 1)
    : [Number(single)];

const FAULTS_SHOWN_MAX = 10;

const passOn: NativeHandler = (event, ctx) => ctx.emit('out', event.data);

/** Counts in its durable state what it handles. */
const countAndPassOn: NativeHandler = (event, ctx) => {
  ctx.state.set('handled', ((ctx.state.get('handled') as number | undefined) ?? 0) + 1);
  ctx.emit('out', event.data);
};

/** Rule HD2: what state says was handled is what was emitted, whatever went wrong in between. */
function checkState(log: MemoryLog): string[] {
  const entries = log.state().filter(({ store }) => store === 'state:node:second');
  const counted = entries.reduce((sum, { value }) => sum + Number(value), 0);
  const emitted = log.offsets('node:out').reduce((sum, { end }) => sum + end, 0);
  return counted === emitted ? [] : [`state counts ${counted} handled messages, ${emitted} were emitted`];
}

/** A flow, its inputs and what goes wrong, all drawn from one seed. */
function scenario(seed: number): VirtualRunOptions & { total: number } {
  const random = createRandom(`scenario:${seed}`);
  const total = 1 + random.int(600);
  const retry = {
    attemptsMax: 1 + random.int(4),
    backoff: random.next() < 0.5 ? ('fixed' as const) : ('exponential' as const),
    delayMs: random.int(300),
    delayMsMax: 1000,
    jitter: random.next(),
    order: 'in-order' as const,
    exceptFor: '',
  };
  const speed =
    random.next() < 0.5
      ? { mode: 'full' as const }
      : { mode: 'rate' as const, ratePerSecond: 50 + random.int(5000) };
  const document = flow(`s${seed}`)
    .node('replay', 'source', { speed })
    .node('topic', 'in', { partitions: 1 + random.int(5), key: random.next() < 0.5 ? 'group' : '' })
    .node('handler', 'first', { retry, afterLastAttempt: 'dead-letter' })
    .node('topic', 'middle', { partitions: 1 + random.int(3) })
    .node('handler', 'second', { retry })
    .node('topic', 'out')
    .node('file', 'sink', { retry })
    .edges('source > in', 'in > first', 'first > middle', 'middle > second', 'second > out', 'out > sink')
    .settings({ backlogMessagesMax: 20 + random.int(1000) })
    .document();
  return {
    document,
    seed,
    total,
    sources: {
      'node:source': listSource(total, (index) => ({
        id: `item-${index}`,
        data: JSON.stringify({ index, group: `g${index % 7}` }),
      })),
    },
    handlers: { 'node:first': passOn, 'node:second': countAndPassOn },
    faults: {
      writesRefused: random.next() < 0.5 ? random.next() * 0.3 : 0,
      attemptsFailed: random.next() < 0.7 ? random.next() * 0.3 : 0,
      crashesAfterMs: crashes(random),
      ...(random.next() < 0.2 ? { killedBy: killer(`item-${random.int(total)}`) } : {}),
    },
    commands: pauses(random),
  };
}

function crashes(random: Random): number[] {
  return Array.from({ length: random.int(6) }, () => random.int(3000));
}

/** A message of the first handler that kills the process whenever it is handled. */
function killer(id: string): NonNullable<VirtualRunOptions['faults']>['killedBy'] {
  return ({ node, deliveries }) =>
    node === 'node:first' && deliveries.some(({ message }) => message.id === id);
}

/** Where messages may end as dead letters, what handlers saw ok has gaps. */
function everythingIsHandled({ faults }: VirtualRunOptions): boolean {
  return faults?.attemptsFailed === 0 && faults.killedBy === undefined;
}

function pauses(random: Random): VirtualCommand[] {
  return Array.from({ length: random.int(3) }, () => random.int(2000)).flatMap((afterMs) => [
    { afterMs, type: 'pause' },
    { afterMs: afterMs + 1, type: 'step' },
    { afterMs: afterMs + random.int(500), type: 'resume' },
  ]);
}

describe('seeded exploration', () => {
  it.each(seeds)(
    '[RN3] [DL1] [DL7] [TR2] nothing is lost, doubled, overtaken or miscounted: seed %i',
    (seed) => {
      const { total, ...options } = scenario(seed);
      const run = runVirtual(options);
      const told = `MILLRACE_SEED=${seed}, ${run.crashes} crashes, ${run.refusedWrites} refused writes`;
      expect(run.statuses.at(-1), told).toEqual({ status: 'completed', error: null });
      const ids = Array.from({ length: total }, (_, index) => `item-${index}`);
      const [first, second] = run.plan.consumers.filter(({ kind }) => kind === 'handler');
      const faults = [
        ...checkProduced(run.log, 'node:in', ids),
        ...checkAnswered(run.log, first!),
        ...checkAnswered(run.log, second!),
        ...checkCommitted(run.log, run.plan),
        ...checkCounters(run.log, run.plan),
        ...checkState(run.log),
        ...(everythingIsHandled(options) ? Object.values(run.delivered).flatMap(checkOrder) : []),
      ];
      expect(faults.slice(0, FAULTS_SHOWN_MAX), told).toEqual([]);
      expect(runVirtual(options).digest, `${told}: a second time`).toBe(run.digest);
    },
  );
});
