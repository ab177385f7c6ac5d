import type { Witness } from '../virtualOptions.ts';

/** Looks away; a test that wants to see one thing replaces that. */
export const UNWATCHED: Witness = {
  began: () => undefined,
  ended: () => undefined,
  instanceDied: () => undefined,
  processDied: () => undefined,
  asked: () => undefined,
  answered: () => undefined,
  landed: () => undefined,
};
