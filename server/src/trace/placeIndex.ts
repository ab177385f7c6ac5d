import { hashText } from '@millrace/shared/util/random.ts';

const NONE = -1;

/**
 * Finds the place of a text among places that are given out in turn. A map of texts would do the same, but one that loses its
 * oldest entry with every new one spends more time on forgetting than on finding; here both cost a few numbers.
 */
export class PlaceIndex {
  /** Chains of places whose texts have the same lowest bits: the newest of each, and for every place the next older. */
  readonly #newest: Int32Array;
  readonly #older: Int32Array;
  readonly #hashes: Int32Array;
  /** The last characters of each text: to look at the texts of neighbours would mean to fetch each of them from memory. */
  readonly #tails: Int32Array;
  readonly #texts: (string | undefined)[];
  readonly #mask: number;

  constructor(size: number) {
    const chains = 2 ** Math.ceil(Math.log2(Math.max(2, size)));
    this.#mask = chains - 1;
    this.#newest = new Int32Array(chains).fill(NONE);
    this.#older = new Int32Array(size).fill(NONE);
    this.#hashes = new Int32Array(size);
    this.#tails = new Int32Array(size);
    this.#texts = new Array<undefined>(size).fill(undefined);
  }

  textAt(place: number): string | undefined {
    return this.#texts[place];
  }

  /** `hash` is what `hashText` makes of the text. */
  find(text: string, hash = hashText(text)): number | undefined {
    let place = this.#newest[hash & this.#mask] as number;
    while (place !== NONE) {
      if (this.#hashes[place] === hash && this.#texts[place] === text) return place;
      place = this.#older[place] as number;
    }
    return undefined;
  }

  /** The same for a text that is likely to stand at one of the `tries` places behind `place`. */
  findBehind(place: number, text: string, tries: number): number | undefined {
    const size = this.#tails.length;
    const tail = tailOf(text);
    for (let at = place, tried = 0; tried < tries; tried++) {
      at = at + 1 === size ? 0 : at + 1;
      if (this.#tails[at] === tail && this.#texts[at] === text) return at;
    }
    return undefined;
  }

  /** The place must be free, and the text not be here yet. */
  set(place: number, text: string, hash: number): void {
    const chain = hash & this.#mask;
    this.#texts[place] = text;
    this.#hashes[place] = hash;
    this.#tails[place] = tailOf(text);
    this.#older[place] = this.#newest[chain] as number;
    this.#newest[chain] = place;
  }

  free(place: number): void {
    const chain = (this.#hashes[place] as number) & this.#mask;
    const next = this.#older[place] as number;
    this.#texts[place] = undefined;
    let at = this.#newest[chain] as number;
    if (at === place) {
      this.#newest[chain] = next;
      return;
    }
    while (this.#older[at] !== place) at = this.#older[at] as number;
    this.#older[at] = next;
  }
}

function tailOf(text: string): number {
  const end = text.length;
  // Where there is no character, it is 0.
  return (
    (text.charCodeAt(end - 1) << 24) ^
    (text.charCodeAt(end - 2) << 16) ^
    (text.charCodeAt(end - 3) << 8) ^
    text.charCodeAt(end - 4)
  );
}
