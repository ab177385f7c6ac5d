/** Offsets of a partition whose places are remembered, a power of two: about as far as a reader may be behind. */
const OFFSETS = 8192;
/** Partitions of which that is done, 32 KiB each; the traces of others are looked up. */
const PARTITIONS_MAX = 256;

/** Places of one partition's newest messages: that of the message at `offset` stands at `offset & PLACES_MASK`, if it is right. */
export type Places = Int32Array;
export const PLACES_MASK = OFFSETS - 1;

/**
 * Where in the sampler's memory the traces of a partition's messages stand. An append, the delivery and the outcome speak of the same
 * messages in the same order, and to look a text up in a large map is the dearest part of leaving a record out. What stands
 * here is a guess that has to be checked.
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
    const places = new Int32Array(OFFSETS);
    partitions[partition] = places;
    return places;
  }
}
