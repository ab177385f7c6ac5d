import { createRandom, hashText } from '@millrace/shared/util/random.ts';
import { expect, it } from 'vitest';
import { PlaceIndex } from './placeIndex.ts';

const SIZE = 50;
/** So few that most texts share one. */
const weakHash = (text: string): number => hashText(text) & 7;
/** Many end alike, and some are shorter than what is compared first. */
const textOf = (round: number): string => (round % 3 === 0 ? `${round}` : `${round}-the-same-end`);

it('finds what a map would find, while places are given out in turn and taken away again', () => {
  const index = new PlaceIndex(SIZE);
  const places = new Map<string, number>();
  const random = createRandom('places');
  for (let round = 0; round < 2000; round++) {
    const place = round % SIZE;
    const before = index.textAt(place);
    if (before !== undefined) {
      index.free(place);
      places.delete(before);
      expect(index.find(before, weakHash(before))).toBeUndefined();
    }
    index.set(place, textOf(round), weakHash(textOf(round)));
    places.set(textOf(round), place);
    const asked = textOf(Math.max(0, round - random.int(2 * SIZE)));
    expect(index.find(asked, weakHash(asked))).toBe(places.get(asked));
  }
  expect([...places].every(([text, place]) => index.textAt(place) === text)).toBe(true);
});

it('looks at the places behind one, around the end, and no further', () => {
  const index = new PlaceIndex(4);
  for (const [place, text] of ['', 'b', 'a much longer b', 'b'.repeat(9)].entries())
    index.set(place, text, hashText(text));
  expect(index.findBehind(0, 'b', 1)).toBe(1);
  expect(index.findBehind(1, 'b', 3)).toBeUndefined();
  expect(index.findBehind(1, 'b', 4)).toBe(1);
  expect(index.findBehind(2, '', 2)).toBe(0);
  expect(index.findBehind(3, 'bb', 4)).toBeUndefined();
});
