/** What the code must not contain, as data: `scripts/tidy.ts` looks for it and says what to write instead. */

/** Here everything descends from the inputs: no clock, no timer, no chance, no surroundings. */
export const pureFolders = [
  'shared/src/',
  'server/src/engine/',
  'server/src/simulator/',
  'server/src/brokers/memory/',
  'server/src/brokers/readRules.ts',
] as const;

const TIME = 'take the time from the input (`nowMs`)';
const TIMER = 'ask the driver to be woken (an effect), or schedule on the virtual clock';
const CHANCE = 'draw from the seeded generator in shared/src/util/random.ts';
const SURROUNDINGS = 'pass it in from the composition root';

/** Names that nobody declared in the file, as a whole (`setTimeout`) or with a member (`Date.now`). */
export const bannedInPureFolders: Readonly<Record<string, string>> = {
  'Date.now': TIME,
  'performance.now': TIME,
  'performance.timeOrigin': TIME,
  setTimeout: TIMER,
  setInterval: TIMER,
  setImmediate: TIMER,
  queueMicrotask: TIMER,
  'Math.random': CHANCE,
  'crypto.randomUUID': CHANCE,
  'crypto.getRandomValues': CHANCE,
  process: SURROUNDINGS,
  globalThis: SURROUNDINGS,
};

export const newDateReplacement = TIME;

/** One `step` is one synchronous move; a promise inside would let another input in half-way. */
export const synchronousFolders = ['server/src/engine/'] as const;
export const synchronousReplacement = 'return an effect; the driver answers with another input';

/** Split by what changes together; a warning first, so that a review can say no. */
export const LINES_WARNED_ABOVE = 400;
export const LINES_MAX = 500;
