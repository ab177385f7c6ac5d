import type { Random } from '@millrace/shared/util/random.ts';

/** Where everything that is generated descends from. */
export type Dice = Random;

/** True in this share of the cases. */
export function share(dice: Dice, part: number): boolean {
  return dice.next() < part;
}

/** A whole number from 0 to `below` − 1. */
export function upTo(dice: Dice, below: number): number {
  return dice.int(below);
}

export function oneOf<Choice>(dice: Dice, choices: readonly Choice[]): Choice {
  return choices[dice.int(choices.length)] as Choice;
}

export function chance<A, B>(dice: Dice, part: number, a: A, b: B): A | B {
  return share(dice, part) ? a : b;
}
