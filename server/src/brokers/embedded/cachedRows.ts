/** A row that is cached: its messages, and where its bytes are. */
export type CachedRow = {
  base: number;
  count: number;
  appendedMs: number;
  place: number;
  bytes: number;
  /** Its number among the `LivingMessages`. */
  living: number;
};

const NUMBERS = 6;
const BASE = 0;
const COUNT = 1;
const APPENDED_MS = 2;
const PLACE = 3;
const BYTES = 4;
const LIVING = 5;
const ROWS_MIN = 64;

/** The cached rows of one partition, oldest first, as numbers in one block of memory: there may be very many small ones. */
export interface CachedRows {
  add(row: CachedRow): void;
  count(): number;
  at(index: number): CachedRow;
  /** Index of the row that holds `offset`; -1 when it is older than all, or newer. */
  find(offset: number): number;
  /** Forgets the oldest rows: those that begin below `base`, or whose bytes lie below `place`. */
  dropBelow(limit: { base: number } | { place: number }): void;
}

export function createCachedRows(): CachedRows {
  let numbers = new Float64Array(ROWS_MIN * NUMBERS);
  /** Rows before `head` are gone. */
  let head = 0;
  let end = 0;

  const numberOf = (row: number, which: number): number => numbers[row * NUMBERS + which] as number;

  /** Moves the rows to the front of a block in which they take at most half. */
  const makeRoom = (): void => {
    const rows = numbers.subarray(head * NUMBERS, end * NUMBERS);
    let room = ROWS_MIN;
    while (room < (end - head) * 2) room *= 2;
    if (room * NUMBERS !== numbers.length) numbers = new Float64Array(room * NUMBERS);
    numbers.set(rows);
    end -= head;
    head = 0;
  };

  return {
    add({ base, count, appendedMs, place, bytes, living }) {
      if ((end + 1) * NUMBERS > numbers.length) makeRoom();
      numbers.set([base, count, appendedMs, place, bytes, living], end * NUMBERS);
      end++;
    },
    count: () => end - head,
    at: (index) => ({
      base: numberOf(head + index, BASE),
      count: numberOf(head + index, COUNT),
      appendedMs: numberOf(head + index, APPENDED_MS),
      place: numberOf(head + index, PLACE),
      bytes: numberOf(head + index, BYTES),
      living: numberOf(head + index, LIVING),
    }),
    find(offset) {
      let low = head;
      let high = end - 1;
      while (low <= high) {
        const middle = (low + high) >> 1;
        const base = numberOf(middle, BASE);
        if (offset < base) high = middle - 1;
        else if (offset >= base + numberOf(middle, COUNT)) low = middle + 1;
        else return middle - head;
      }
      return -1;
    },
    dropBelow(limit) {
      const [which, least] = 'base' in limit ? [BASE, limit.base] : [PLACE, limit.place];
      while (head < end && numberOf(head, which) < least) head++;
    },
  };
}
