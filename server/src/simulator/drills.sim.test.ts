import { describe, expect, it } from 'vitest';
import type { Violation } from './testing/checkers/evidence.ts';
import { type Changes, playSeed } from './testing/generate/play.ts';
import * as planted from './testing/plantedBugs.ts';

const SEEDS_MAX = 200;

/** The first seed that finds what is planted, and what its report says of the rule that it breaks. */
function firstFinding(changes: Changes, says: RegExp): { seed: number; violation: Violation } | null {
  for (let seed = 1; seed <= SEEDS_MAX; seed++) {
    const violation = playSeed(seed, changes).violations.find((found) => says.test(found));
    if (violation) return { seed, violation };
  }
  return null;
}

/** Checkers that find nothing prove nothing: these plant a bug outside of the engine and expect it found, by its rule. */
const DRILLS: { rule: string; what: string; changes: Changes; says: RegExp }[] = [
  {
    rule: 'DL1',
    what: 'a commit that is kept before the effects it stands for',
    changes: planted.commitBeforeEffect,
    says: /^\[DL1\] .* \(handler, .* has committed \d+ messages without an effect/,
  },
  {
    rule: 'DL1',
    what: 'the same where the effects are lines of a sink',
    changes: planted.commitBeforeEffect,
    says: /^\[DL1\] .* \(log, .* has committed \d+ messages without an effect/,
  },
  {
    rule: 'DL1',
    what: 'the same where nothing tells of a message but what was made of it',
    changes: planted.commitBeforeEffect,
    says: /^\[DL1\] .* \((filter|transform|route|throttle), .* has committed \d+ messages that made nothing/,
  },
  {
    rule: 'DL1',
    what: 'effects that a crash repeats though they are to be there exactly once',
    changes: planted.commitAfterTransaction,
    says: /^\[DL1\] .* \(exactly-once\) has [2-9] effects/,
  },
  {
    rule: 'DL1',
    what: 'the same where only what was made of a message tells of it',
    changes: planted.commitAfterTransaction,
    says: /^\[DL1\] .* \((filter|transform|route|throttle), exactly-once\) has made [2-9] of/,
  },
  {
    rule: 'DL6',
    what: 'a memory of duplicates that is kept outside of the transaction',
    changes: planted.dedupOutsideTransaction,
    says: /^\[DL6\] .* remembers the key of .* and has no effect of it/,
  },
  {
    rule: 'CG2',
    what: 'a partition whose messages two instances have at once',
    changes: planted.anyInstanceHandles,
    says: /^\[CG2\] instances .* have messages of .* at once/,
  },
  {
    rule: 'CG2',
    what: 'an answer that is taken from an instance which had crashed',
    changes: planted.fencedAnswersAccepted,
    says: /^\[CG2\] .* keeps what an instance answered that had crashed/,
  },
  {
    rule: 'DL3',
    what: 'a message that is overtaken while it waits for its retry in order',
    changes: planted.retriesOvertaken,
    says: /^\[DL3\] .* while \d+ waits for its retry/,
  },
  {
    rule: 'DL5',
    what: 'a redrive that loses a message when it is killed',
    changes: planted.marksOutsideTransaction,
    says: /^\[DL5\] .* is marked as sent back .* is not in/,
  },
  {
    rule: 'DL5',
    what: 'a redrive that doubles messages when it is taken up again',
    changes: planted.redriveForgetsItsPlace,
    says: /^\[DL5\] .* was sent back [2-9] times/,
  },
  {
    rule: 'DL7',
    what: 'messages of one key that are handled side by side',
    changes: planted.keysInParallel,
    says: /^\[DL7\] .* \(order key\)/,
  },
  {
    rule: 'DL7',
    what: 'keys that pass each other in a partition that is to keep its order',
    changes: planted.partitionByKeys,
    says: /^\[DL7\] .* \(order partition\)/,
  },
  {
    rule: 'TP3',
    what: 'a pushed request that is acknowledged before it is on disk',
    changes: planted.acknowledgedAtOnce,
    says: /^\[TP3\] .* has acknowledged .*, which is not all there/,
  },
  {
    rule: 'TP5',
    what: 'a topic that takes what does not fit its schema',
    changes: planted.schemasIgnored,
    says: /^\[TP5\] .* does not fit .* and is in it/,
  },
  {
    rule: 'TP6',
    what: 'a pushed request that is refused and kept',
    changes: planted.takenAndRefused,
    says: /^\[TP6\] .* has refused the request of .* and kept it/,
  },
  {
    rule: 'TR2',
    what: 'counters that are ahead of the log',
    changes: planted.countersOutsideTransaction,
    says: /^\[TR2\] .* counts \d+/,
  },
  {
    rule: 'TR2',
    what: 'counters that are not brought up to date',
    changes: planted.countersOfTheFirstWrite,
    says: /^\[TR2\] .* counts \d+ finished/,
  },
];

describe('drills', () => {
  for (const { rule, what, changes, says } of DRILLS) {
    it(`[${rule}] finds ${what}`, () => {
      const found = firstFinding(changes, says);
      console.log(`${what}: seed ${found?.seed}, ${found?.violation}`);
      expect(found?.violation).toMatch(says);
    });
  }
});
