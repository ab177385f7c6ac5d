import type { MemoryLog } from '../../brokers/memory/memoryLog.ts';
import type { Storage } from '../storage.ts';

/**
 * Storages that break a promise, as a broker or an adapter might. They are drills: checkers that do not find these
 * would not find the same mistake in the engine.
 */

/** Commits are kept when a write begins, what they stand for when it lands: a crash in between loses messages. */
export function commitBeforeEffect(log: MemoryLog): Storage {
  return {
    begin: ({ commits }, nowMs) => void log.write({ appends: [], commits, state: [], nowMs }),
    land: ({ appends, state }, nowMs) => log.write({ appends, commits: [], state, nowMs }).bases,
  };
}

/** What an idempotent consumer remembers is kept at once, outside of the transaction of its effects. */
export function dedupOutsideTransaction(log: MemoryLog): Storage {
  return {
    begin: ({ state }, nowMs) => {
      const seen = state.filter(({ store }) => store.startsWith('seen:'));
      if (seen.length > 0) log.write({ appends: [], commits: [], state: seen, nowMs });
    },
    land: (write, nowMs) => log.write({ ...write, nowMs }).bases,
  };
}
