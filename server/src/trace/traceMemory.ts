/** What was decided of a trace. */
export const KEPT = 1;
export const OUT = 2;
/** Out, and slower than the limit, but the limit on promotions left it out; trouble may still bring it in. */
export const OUT_SLOW = 3;
/** Out for good: it was in trouble when the limit on promotions was reached. */
export const OUT_FOR_GOOD = 4;
export type Decision = typeof KEPT | typeof OUT | typeof OUT_SLOW | typeof OUT_FOR_GOOD;

/**
 * Remembers the newest traces: what was decided of each, so that it stays whole while the ratio changes, and what it takes
 * to bring it back. Places are taken in turn; a trace that was kept is remembered for longer than one that was not, since the
 * end of a kept trace may be long in coming.
 */
export class TraceMemory {
  readonly #places = new Map<string, number>();
  readonly #ids: (string | undefined)[] = [];
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
    // Neighbours mostly speak of the same trace.
    if (correlationId === this.#lastId) return this.#lastPlace;
    this.#lastId = correlationId;
    this.#lastPlace = this.#places.get(correlationId);
    return this.#lastPlace;
  }

  /** Whether this trace has that place. */
  isAt(place: number, correlationId: string): boolean {
    return this.#ids[place] === correlationId;
  }

  wasKept(correlationId: string): boolean {
    return this.#longKept.size > 0 && this.#longKept.has(correlationId);
  }

  /** Takes the place of the trace that was remembered for longest. */
  add(correlationId: string, decision: Decision, begunMs: number, isBeginningUnknown: boolean): number {
    const place = this.#next;
    this.#next = (place + 1) % this.#size;
    const oldest = this.#ids[place];
    if (oldest !== undefined) this.#forget(oldest, place);
    this.#ids[place] = correlationId;
    this.#lastId = correlationId;
    this.#lastPlace = place;
    this.#places.set(correlationId, place);
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
    this.#places.delete(correlationId);
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
