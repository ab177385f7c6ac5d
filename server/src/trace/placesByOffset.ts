/** Offsets of a partition whose places are remembered, a power of two: about as far as a reader may be behind. */
const OFFSETS = 8192;
const OFFSETS_MASK = OFFSETS - 1;
/** Partitions of which that is done, 96 KiB each; the traces of others are looked up. */
const PARTITIONS_MAX = 128;
const NO_PLACE = -1;

/** Where in the sampler's memory the traces of a partition's newest messages stand. */
export class Places {
  readonly #offsets = new Int32Array(OFFSETS).fill(-1);
  readonly #places = new Int32Array(OFFSETS);
  readonly #serials = new Int32Array(OFFSETS);

  /** The place, if what stands there still has the serial number that it had; -1 otherwise. */
  at(offset: number, serials: Int32Array): number {
    const slot = offset & OFFSETS_MASK;
    if (this.#offsets[slot] !== (offset | 0)) return NO_PLACE;
    const place = this.#places[slot] as number;
    return serials[place] === this.#serials[slot] ? place : NO_PLACE;
  }

  set(offset: number, place: number, serial: number): void {
    const slot = offset & OFFSETS_MASK;
    this.#offsets[slot] = offset | 0;
    this.#places[slot] = place;
    this.#serials[slot] = serial;
  }
}

/**
 * An append, the delivery and the outcome speak of the same messages, and to look a text up in a large memory is the dearest part
 * of leaving a record out. An offset of a partition means one message for good, so nothing of the message has to be compared.
 */
export class PlacesByOffset {
  readonly #topics = new Map<string, (Places | undefined)[]>();
  #partitions = 0;

  /** Null for a partition that is not remembered. */
  of(topic: string, partition: number): Places | null {
    let partitions = this.#topics.get(topic);
    if (partitions === undefined) {
      partitions = [];
      this.#topics.set(topic, partitions);
    }
    const known = partitions[partition];
    if (known !== undefined) return known;
    if (this.#partitions >= PARTITIONS_MAX) return null;
    this.#partitions++;
    const places = new Places();
    partitions[partition] = places;
    return places;
  }
}
