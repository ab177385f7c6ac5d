import { assert } from '@millrace/shared/util/assert.ts';

/** The newest `capacity` items pushed. Each item keeps its number: the first ever pushed is 0. */
export class Ring<Item> {
  readonly capacity: number;
  #items: Item[] = [];
  #next = 0;

  constructor(capacity: number) {
    assert(capacity > 0, `a ring needs room, got ${capacity}`);
    this.capacity = capacity;
  }

  push(item: Item): void {
    if (this.#items.length < this.capacity) this.#items.push(item);
    else this.#items[this.#next % this.capacity] = item;
    this.#next++;
  }

  /** Number of the oldest item still here. */
  get first(): number {
    return this.#next - this.#items.length;
  }

  /** Number that the next item gets, and so the count of all items ever pushed. */
  get next(): number {
    return this.#next;
  }

  get length(): number {
    return this.#items.length;
  }

  at(number: number): Item | undefined {
    if (number < this.first || number >= this.#next) return undefined;
    return this.#items[number % this.capacity];
  }

  *from(number: number): Generator<Item> {
    for (let at = Math.max(number, this.first); at < this.#next; at++) {
      const item = this.at(at);
      if (item !== undefined) yield item;
    }
  }

  clear(): void {
    this.#items = [];
    this.#next = 0;
  }
}
