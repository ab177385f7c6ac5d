import { describe, expect, it } from 'vitest';
import { samplingSentence } from './sampling.ts';

const NONE = { share: 1, begun: 100, out: 0, incomplete: 0, leftOut: 0 };

describe('what a screen says of sampling', () => {
  it('[TR2] says nothing where all traces are kept', () => {
    expect(samplingSentence(NONE)).toBeNull();
  });

  it('[TR2] says the ratio, what came of it, and what is kept besides', () => {
    expect(samplingSentence({ ...NONE, share: 1 / 8 })).toBe(
      '1 of 8 new traces is kept; failed, retried and slow ones always. Counters are exact.',
    );
    expect(samplingSentence({ ...NONE, share: 1 / 8, begun: 2000, out: 1500 })).toBe(
      '1 of 8 new traces is kept, 500 of 2,000 traces kept so far; failed, retried and slow ones always. Counters are exact.',
    );
    expect(samplingSentence({ ...NONE, begun: 2000, out: 1500 })).toMatch(
      /^500 of 2,000 traces kept so far;/,
    );
  });

  it('[TR3] says what the limits left out', () => {
    const sentence = samplingSentence({ ...NONE, out: 50, incomplete: 3, leftOut: 7 });
    expect(sentence).toContain('7 failed or slow traces came too fast');
    expect(sentence).toContain('3 traces lack their beginning.');
  });
});
