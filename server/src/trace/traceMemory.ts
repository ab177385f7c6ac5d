import { hashText } from '@millrace/shared/util/random.ts';
import { PlaceIndex } from './placeIndex.ts';

/** What was decided of a trace. */
export const KEPT = 1;
export const OUT = 2;
/** Out, and slower than the limit, but the limit on promotions left it out; trouble may still bring it in. */
export const OUT_SLOW = 3;
/** Out for good: it was in trouble when the limit on promotions was reached. */
export const OUT_FOR_GOOD = 4;
/** How many of the traces that began after the one last asked for are looked at, and after how many vain tries no more. */
const NEIGHBOURS = 32;
const VAIN_TRIES_MAX = 4;

export type Decision = typeof KEPT | typeof OUT | typeof OUT_SLOW | typeof OUT_FOR_GOOD;

/**
 * Remembers the newest traces: what was decided of each, so that it stays whole while the ratio changes, and what it takes
 * to bring it back. Places are taken in turn; a trace that was kept is remembered for longer than one that was not, since the
 * end of a kept trace may be long in coming.
 */
export class TraceMemory {
  readonly #index: PlaceIndex;
  readonly #size: number;
  readonly #longKept = new Set<string>();
  /** The same in order, since the first entry of a set that loses its first all the time is slow to find. */
  readonly #longKeptOrder: (string | undefined)[] = [];
  readonly #longKeptMax: number;
  #nextLongKept = 0;
  #next = 0;
  #out = 0;
  #lastId = '';
  #lastPlace: number | undefined;
  #vainTries = 0;
  /** Which of the traces that had the place in turn it is of. */
  readonly serials: Int32Array;
  readonly decisions: Uint8Array;
  /** When the trace was first heard of. */
  readonly begunMs: Float64Array;
  /** Number of its last record in the ring of those sampled out. */
  readonly last: Float64Array;
  /** Records of it that were sampled out, whether they are still in the ring or not. */
  readonly leftOut: Uint32Array;
  /** 1 when its beginning was not seen, or is forgotten. */
  readonly isBeginningUnknown: Uint8Array;

  constructor(tracesMax: number, longKeptMax: number) {
    this.#size = tracesMax;
    this.#longKeptMax = longKeptMax;
    this.#index = new PlaceIndex(tracesMax);
    this.serials = new Int32Array(tracesMax);
    this.decisions = new Uint8Array(tracesMax);
    this.begunMs = new Float64Array(tracesMax);
    this.last = new Float64Array(tracesMax);
    this.leftOut = new Uint32Array(tracesMax);
    this.isBeginningUnknown = new Uint8Array(tracesMax);
  }

  /** Traces remembered as sampled out. While there are none and everything is kept, no record has to be looked up. */
  get out(): number {
    return this.#out;
  }

  placeOf(correlationId: string): number | undefined {
    // Neighbours mostly speak of the same trace, or of traces in the order in which they began.
    if (correlationId === this.#lastId) return this.#lastPlace;
    const place = this.#nearPlaceOf(correlationId) ?? this.#index.find(correlationId);
    this.#lastId = correlationId;
    this.#lastPlace = place;
    return place;
  }

  /** The same for a trace that is most likely new; `hash` is what `hashText` makes of the id. */
  placeOfNew(correlationId: string, hash: number): number | undefined {
    return this.#index.find(correlationId, hash);
  }

  /** What is asked for next has its own order. */
  beginRun(): void {
    this.#vainTries = 0;
  }

  #nearPlaceOf(correlationId: string): number | undefined {
    if (this.#lastPlace === undefined || this.#vainTries >= VAIN_TRIES_MAX) return undefined;
    const place = this.#index.findBehind(this.#lastPlace, correlationId, NEIGHBOURS);
    this.#vainTries = place === undefined ? this.#vainTries + 1 : 0;
    return place;
  }

  wasKept(correlationId: string): boolean {
    return this.#longKept.size > 0 && this.#longKept.has(correlationId);
  }

  /** Takes the place of the trace that was remembered for longest. */
  add(
    correlationId: string,
    decision: Decision,
    begunMs: number,
    isBeginningUnknown: boolean,
    hash = hashText(correlationId),
  ): number {
    const place = this.#next;
    this.#next = (place + 1) % this.#size;
    const oldest = this.#index.textAt(place);
    if (oldest !== undefined) this.#forget(oldest, place);
    this.#lastId = correlationId;
    this.#lastPlace = place;
    this.#index.set(place, correlationId, hash);
    this.serials[place] = (this.serials[place] as number) + 1;
    this.decisions[place] = decision;
    if (decision !== KEPT) this.#out++;
    this.begunMs[place] = begunMs;
    this.last[place] = -1;
    this.leftOut[place] = 0;
    this.isBeginningUnknown[place] = isBeginningUnknown ? 1 : 0;
    return place;
  }

  decide(place: number, decision: Decision): void {
    if (this.decisions[place] !== KEPT) this.#out--;
    if (decision !== KEPT) this.#out++;
    this.decisions[place] = decision;
  }

  #forget(correlationId: string, place: number): void {
    this.#index.free(place);
    if (this.decisions[place] !== KEPT) {
      this.#out--;
      return;
    }
    if (this.#longKept.has(correlationId)) return;
    const oldest = this.#longKeptOrder[this.#nextLongKept];
    if (oldest !== undefined) this.#longKept.delete(oldest);
    this.#longKept.add(correlationId);
    this.#longKeptOrder[this.#nextLongKept] = correlationId;
    this.#nextLongKept = (this.#nextLongKept + 1) % this.#longKeptMax;
  }
}
