import { type RedriveCounts, zeroRedriveCounts } from '@millrace/shared/deadLetters/redrive.ts';
import type { DeadLetterTopic } from '@millrace/shared/protocol/entities.ts';
import { describe, expect, it } from 'vitest';
import { causeKey, outcomes, partsOf } from './redrivePlan.ts';

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

  it('names the causes of a topic, and none where all are chosen', () => {
    const all = new Set([causeKey('a', 'x'), causeKey('a', 'y'), causeKey('b', 'x')]);
    expect(partsOf(topics, all, '')).toEqual([
      { topicId: 'a', selection: {} },
      { topicId: 'b', selection: {} },
    ]);
    const some = new Set([causeKey('a', 'y'), causeKey('a', 'z'), causeKey('b', 'x')]);
    expect(partsOf([topic('a', ['x', 'y', 'z']), topic('b', ['x', 'y'])], some, ' k1 ')).toEqual([
      { topicId: 'a', selection: { causes: ['y', 'z'], key: 'k1' } },
      { topicId: 'b', selection: { causes: ['x'], key: 'k1' } },
    ]);
    expect(partsOf(topics, new Set(), '')).toEqual([]);
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
