import { describe, expect, it } from 'vitest';
import { readAll } from '../simulator/checkers.ts';
import type { NativeHandler } from '../simulator/nativeHandler.ts';
import { flow, listSource } from '../simulator/testing/flowBuilder.ts';
import { runVirtual, type VirtualRunOptions, type VirtualRunResult } from '../simulator/virtualRun.ts';

type Guarantee = 'exactly-once' | 'at-least-once' | 'at-most-once';
const TOTAL = 300;
const ONCE_EACH = Array.from({ length: TOTAL }, () => 1);

/** A message that is alone under way when the process dies has had an attempt: nothing here is to run out of them. */
const PATIENT = {
  attemptsMax: 50,
  backoff: 'fixed' as const,
  delayMs: 0,
  delayMsMax: 0,
  jitter: 0,
  order: 'in-order' as const,
  exceptFor: '',
};

/** Counts in durable state how often each message was handled, and emits once for each time. */
const counting: NativeHandler = (event, ctx) => {
  ctx.state.set(event.id, ((ctx.state.get(event.id) as number | undefined) ?? 0) + 1);
  ctx.emit('out', {});
};

function run(
  guarantee: Guarantee,
  crashesAfterMs: number[],
  seed = 1,
  config: object = {},
  extra: Partial<VirtualRunOptions> = {},
): VirtualRunResult {
  const document = flow()
    .node('replay', 'source', { speed: { mode: 'rate', ratePerSecond: 1000 } })
    .node('topic', 'in', { partitions: 3 })
    .node('handler', 'work', { guarantee, retry: PATIENT, ...config })
    .node('topic', 'out')
    .edges('source > in', 'in > work', 'work > out')
    .document();
  return runVirtual({
    document,
    seed,
    sources: { 'node:source': listSource(TOTAL, (index) => ({ id: `item-${index}`, key: `k${index % 9}` })) },
    handlers: { 'node:work': counting },
    faults: { crashesAfterMs },
    ...extra,
    // A run that is stuck ends here, and not as completed.
    untilMs: 600_000,
  });
}

/** How often each message was handled, as its durable state has it. */
function times({ log }: VirtualRunResult): number[] {
  return log.state().flatMap(({ store, value }) => (store === 'state:node:work' ? [Number(value)] : []));
}

const CRASHES = Array.from({ length: 8 }, (_, index) => 13 + index * 37);

describe('guarantees when the process dies', () => {
  it('[DL1] exactly-once: every effect is there once, however often it dies', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const result = run('exactly-once', CRASHES, seed);
      expect(times(result)).toEqual(ONCE_EACH);
      expect(readAll(result.log, 'node:out').flat()).toHaveLength(TOTAL);
    }
  });

  it('[DL1] [MS2] at-least-once: nothing is lost, and what is repeated has the same ids', () => {
    let repeats = 0;
    for (let seed = 1; seed <= 5; seed++) {
      const result = run('at-least-once', CRASHES, seed);
      expect(times(result)).toHaveLength(TOTAL);
      expect(Math.min(...times(result))).toBe(1);
      const ids = readAll(result.log, 'node:out').flatMap((stored) =>
        stored.map(({ message }) => message.id),
      );
      expect(new Set(ids).size).toBe(TOTAL);
      repeats += ids.length - TOTAL;
    }
    expect(repeats, 'a commit that comes after its effects is sometimes lost').toBeGreaterThan(0);
  });

  it('[DL1] at-most-once: nothing is repeated, and what is lost is counted', () => {
    let lost = 0;
    for (let seed = 1; seed <= 5; seed++) {
      const result = run('at-most-once', CRASHES, seed);
      const handled = times(result);
      expect(Math.max(...handled)).toBe(1);
      const { dropped = 0 } = result.view.nodes['node:work'] ?? {};
      expect(handled.length + dropped).toBe(TOTAL);
      lost += dropped;
    }
    expect(lost).toBeGreaterThan(0);
  });

  it('[DL4] [TR2] at-most-once: the message that stops the run was committed before, and is counted as dropped', () => {
    const failing: NativeHandler = (event, ctx) => {
      if (event.id === 'item-100') throw new Error('This message stops the run.');
      counting(event, ctx);
    };
    const config = { afterLastAttempt: 'stop' };
    const result = run('at-most-once', [], 1, config, { handlers: { 'node:work': failing } });
    expect(result.view.status).toBe('failed');
    const committed = result.log.commits().reduce((sum, { offset }) => sum + offset, 0);
    const { in: finished, dropped } = result.view.nodes['node:work'] ?? {};
    expect(dropped).toBe(1);
    expect(finished, 'all that is committed is counted').toBe(committed);
    expect(times(result)).toHaveLength(committed - 1);
    expect(result.traces.filter(({ kind }) => kind === 'dropped')).toMatchObject([{ messageId: 'item-100' }]);
  });

  it('[RN3] a crash counts for the message under way, not for the first of its strand', () => {
    // Effects that are written and not committed come again, before the message that was under way.
    for (let seed = 1; seed <= 40; seed++) {
      const crashesAfterMs = Array.from({ length: 8 }, (_, index) => 10 + seed + index * 17);
      const options = { faults: { crashesAfterMs }, keep: 'counts' as const };
      const result = run('at-least-once', [], seed, { order: 'key' }, options);
      expect(result.view.status, `seed ${seed}`).toBe('completed');
      expect(times(result)).toHaveLength(TOTAL);
    }
  }, 20_000);

  it('[DL3] [DL1] at-least-once: what was over and not committed has its last attempt again, and no attempt more', () => {
    const config = { retry: { ...PATIENT, attemptsMax: 3, delayMs: 10, delayMsMax: 10 } };
    const one = { 'node:source': listSource(1, () => ({ id: 'item-0' })) };
    let repeats = 0;
    for (let crashMs = 1; crashMs <= 80; crashMs++) {
      const attempts: number[] = [];
      const failing: NativeHandler = ({ attempt }) => {
        attempts.push(attempt);
        throw new Error('This message always fails.');
      };
      const handlers = { 'node:work': failing };
      const result = run('at-least-once', [crashMs], crashMs, config, { sources: one, handlers });
      expect(result.view.status).toBe('completed');
      expect(attempts, `killed after ${crashMs} ms`).toEqual(attempts.toSorted((a, b) => a - b));
      const letters = readAll(result.log, 'node:work.dead-letters').flat();
      expect(new Set(letters.map(({ message }) => message.id)).size).toBe(1);
      repeats += letters.length - 1;
    }
    expect(repeats, 'some kills come between the dead letter and its commit').toBeGreaterThan(0);
  });

  it('[DL1] [CG4] at-least-once: what was noted as over behind a gap stays so when the gap closes', () => {
    const config = {
      order: 'none',
      retry: { ...PATIENT, attemptsMax: 2, delayMs: 60, delayMsMax: 60, order: 'out-of-order' },
    };
    const two = { 'node:source': listSource(2, (index) => ({ id: `item-${index}`, key: 'k' })) };
    for (let crashMs = 1; crashMs <= 120; crashMs++) {
      const handled: string[] = [];
      const handlers: Record<string, NativeHandler> = {
        'node:work': ({ id, attempt }) => {
          handled.push(`${id} ${attempt}`);
          if (id === 'item-0' && attempt === 1) throw new Error('not at once');
        },
      };
      const result = run('at-least-once', [crashMs], crashMs, config, { sources: two, handlers });
      expect(result.view.status).toBe('completed');
      // Only a kill within the two writes that follow it repeats it; the gap closes much later.
      if (crashMs > 30)
        expect(
          handled.filter((text) => text === 'item-1 1'),
          `killed after ${crashMs} ms`,
        ).toHaveLength(1);
    }
  });
});
