import { type RedriveCounts, zeroRedriveCounts } from '@millrace/shared/deadLetters/redrive.ts';
import type { DeadLetterTopic } from '@millrace/shared/protocol/entities.ts';
import { describe, expect, it } from 'vitest';
import { addUp, causeKey, outcomes, planOf } from './redrivePlan.ts';

function topic(topicId: string, causes: string[]): DeadLetterTopic {
  return {
    topicId,
    name: topicId,
    total: causes.length,
    causes: causes.map((cause) => ({
      cause,
      nodeId: 'node:h',
      errorCode: 'HANDLER_FAILED',
      error: cause,
      count: 1,
      redriven: 0,
      firstMs: 0,
      lastMs: 0,
      sample: { partition: 0, offset: 0 },
    })),
  };
}

const counts = (over: Partial<RedriveCounts>): RedriveCounts => ({ ...zeroRedriveCounts(), ...over });

describe('[DL5] what is asked of the server for the chosen causes', () => {
  const topics = [topic('a', ['x', 'y']), topic('b', ['x'])];

  it('takes one job for a whole topic and one for each cause of a part', () => {
    const all = new Set([causeKey('a', 'x'), causeKey('a', 'y'), causeKey('b', 'x')]);
    expect(planOf(topics, all, '')).toEqual([
      { topicId: 'a', selection: {} },
      { topicId: 'b', selection: {} },
    ]);
    expect(planOf(topics, new Set([causeKey('a', 'y')]), ' k1 ')).toEqual([
      { topicId: 'a', selection: { cause: 'y', key: 'k1' } },
    ]);
    expect(planOf(topics, new Set(), '')).toEqual([]);
  });

  it('adds up the parts; dead letters that two jobs look at are counted once', () => {
    const sum = addUp([
      { topicId: 'a', counts: counts({ looked: 10, redriven: 3, passed: 7 }) },
      { topicId: 'a', counts: counts({ looked: 10, redriven: 2, already: 1, passed: 7 }) },
      { topicId: 'b', counts: counts({ looked: 4, guarded: 4 }) },
    ]);
    expect(sum).toEqual({ looked: 14, redriven: 5, already: 1, guarded: 4, homeless: 0, passed: 4 });
    const { looked, ...parts } = sum;
    expect(Object.values(parts).reduce((total, count) => total + count, 0)).toBe(looked);
  });

  it('says what would happen, and that nothing would', () => {
    expect(
      outcomes(counts({ looked: 5, redriven: 2, guarded: 3 }), true).map(({ count, text }) => [count, text]),
    ).toEqual([
      [2, 'would be sent back'],
      [3, 'stopped by the loop guard'],
    ]);
    expect(outcomes(counts({}), false).map(({ name }) => name)).toEqual(['redriven']);
  });
});
