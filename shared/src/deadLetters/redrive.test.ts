import { describe, expect, it } from 'vitest';
import type { Message } from '../message/message.ts';
import { causeOf, deadLetterFacts } from './cause.ts';
import {
  type RedriveSelection,
  redrivePartsSchema,
  redriveSelectionSchema,
  redrivesOf,
  redriveTarget,
  restoreLetter,
  selectorOf,
  withoutRedrive,
  withoutTarget,
} from './redrive.ts';

const letter: Message = {
  id: 'letter-1',
  source: '/flows/flow:a/nodes/node:work',
  type: 'order.placed',
  timeMs: 5,
  key: 'k1',
  correlationId: 'root-1',
  causationId: 'item-1',
  data: '{"a":1}',
  extensions: {
    tenant: 'north',
    dlid: 'item-1',
    dlsource: '/shop',
    dltopic: 'in',
    dlpartition: 2,
    dloffset: 7,
    dlgroup: 'node:work',
    dlattempts: 3,
    dllasterrorcode: 'HANDLER_THREW',
    dllasterror: 'no price for "shoe" at 12',
    redrives: 0,
  },
};
const placed = { message: letter, partition: 0, offset: 4 };
const selects = (selection: RedriveSelection): boolean => selectorOf(selection)(placed);

describe('selecting dead letters', () => {
  it('[DL5] an empty selection takes every dead letter, and nothing that is none', () => {
    expect(selects({})).toBe(true);
    expect(selectorOf({})({ ...placed, message: { ...letter, extensions: {} } })).toBe(false);
  });

  it('[DL5] every part that is given has to fit', () => {
    const facts = deadLetterFacts(letter);
    if (!facts) throw new Error('the letter is none');
    const cause = causeOf({ ...facts, error: 'no price for "hat" at 99' });
    const right: RedriveSelection = {
      causes: ['another', cause],
      nodeId: 'node:work',
      errorCode: 'HANDLER_THREW',
      key: 'k1',
      places: [
        { partition: 0, offset: 3 },
        { partition: 0, offset: 4 },
      ],
    };
    expect(selects(right)).toBe(true);
    const wrong: Required<RedriveSelection> = {
      causes: [`${cause} else`],
      nodeId: 'node:other',
      errorCode: 'HANDLER_TIMED_OUT',
      key: 'k2',
      places: [{ partition: 4, offset: 0 }],
    };
    for (const part of Object.keys(wrong) as (keyof RedriveSelection)[]) {
      expect(selects({ ...right, [part]: wrong[part] }), part).toBe(false);
    }
    expect(selects({ places: [] })).toBe(false);
    expect(selects({ causes: [] })).toBe(false);
  });

  it('refuses a selection with parts nobody knows', () => {
    expect(redriveSelectionSchema.safeParse({ cause: 'x' }).success).toBe(false);
  });

  it('takes every topic once, and at least one', () => {
    const part = (topicId: string) => ({ topicId, selection: {} });
    expect(redrivePartsSchema.safeParse([part('a'), part('b')]).success).toBe(true);
    expect(redrivePartsSchema.safeParse([part('a'), part('a')]).success).toBe(false);
    expect(redrivePartsSchema.safeParse([]).success).toBe(false);
  });
});

describe('sending back', () => {
  const back = restoreLetter(letter, 'node:work');

  it('[DL5] restores the message and keeps its history', () => {
    expect(back).toMatchObject({
      id: 'item-1',
      source: '/shop',
      type: 'order.placed',
      key: 'k1',
      correlationId: 'root-1',
      causationId: null,
      data: '{"a":1}',
      extensions: { tenant: 'north', dlattempts: 3, redrives: 1, redriveto: 'node:work' },
    });
    expect(redriveTarget(back)).toBe('node:work');
    expect(redriveTarget(letter)).toBeNull();
    expect(redrivesOf(restoreLetter(back, null))).toBe(2);
    const caused = { ...letter, extensions: { ...letter.extensions, dlcausation: 'cause-1' } };
    expect(restoreLetter(caused, null).causationId).toBe('cause-1');
  });

  it('[DL5] what is made of a message that was sent back does not count as sent back itself', () => {
    expect(withoutRedrive(back)).toEqual({ tenant: 'north' });
    const { tenant: _, ...history } = back.extensions ?? {};
    expect(withoutRedrive({ ...back, extensions: history })).toBeUndefined();
    // A dead letter that is passed on stays a dead letter, in its second round too.
    const again = { ...letter, extensions: { ...letter.extensions, redrives: 1 } };
    expect(withoutRedrive(again)).toMatchObject({ tenant: 'north', dlid: 'item-1', dlattempts: 3 });
    const { extensions: __, ...plain } = letter;
    expect(withoutRedrive(plain)).toBeUndefined();
    expect(withoutTarget(back.extensions)).toMatchObject({ redrives: 1, dlid: 'item-1' });
    expect(withoutTarget(back.extensions)).not.toHaveProperty('redriveto');
  });
});
