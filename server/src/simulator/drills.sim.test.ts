import { describe, expect, it } from 'vitest';
import type { Violation } from './testing/checkers/evidence.ts';
import { playSeed } from './testing/generate/play.ts';
import { commitBeforeEffect, dedupOutsideTransaction } from './testing/plantedBugs.ts';
import type { VirtualRunOptions } from './virtualOptions.ts';

const SEEDS_MAX = 200;

/** The first seed that finds what is planted, and what its report says of the rule that it breaks. */
function firstFinding(
  storage: NonNullable<VirtualRunOptions['storage']>,
  rule: string,
): { seed: number; violation: Violation } | null {
  for (let seed = 1; seed <= SEEDS_MAX; seed++) {
    const violation = playSeed(seed, { storage }).violations.find((found) => found.startsWith(`[${rule}]`));
    if (violation) return { seed, violation };
  }
  return null;
}

/** Checkers that find nothing prove nothing: these plant a bug in the storage and expect it found, by its rule. */
describe('drills', () => {
  it('[DL1] finds a commit that is kept before the effects it stands for', () => {
    const found = firstFinding(commitBeforeEffect, 'DL1');
    console.log(`commit before effect: seed ${found?.seed}, ${found?.violation}`);
    expect(found?.violation).toMatch(/has committed \d+ messages without an effect/);
  });

  it('[DL6] finds a memory of duplicates that is kept outside of the transaction', () => {
    const found = firstFinding(dedupOutsideTransaction, 'DL6');
    console.log(`memory outside of the transaction: seed ${found?.seed}, ${found?.violation}`);
    expect(found?.violation).toMatch(/remembers the key of .* and has no effect of it/);
  });
});
