/** Counts are kept per window; a second is so many of them. */
const WINDOW_MS = 100;
const WINDOWS_PER_SECOND = 1000 / WINDOW_MS;
/** At most one of 2^20 traces is kept by chance; those in trouble are kept besides. */
const HALVINGS_MAX = 20;
/**
 * Less is kept only when the budget is exceeded by so much, and more again when it would not be exceeded at all: a flow that
 * runs at just the budget keeps all its traces, and the ratio does not swing.
 */
const TOLERANCE = 1.25;

/**
 * How many of the traces are kept: all of them up to a budget of new traces per second, above it every second, fourth,
 * eighth and so on. A trace is kept when the hash of its correlation id is small enough, so what a lower ratio keeps is part
 * of what a higher one would have kept.
 */
export class SamplingRatio {
  readonly #perSecond: number;
  readonly #tolerated: number;
  #halvings = 0;
  #windowEndsMs = Number.NEGATIVE_INFINITY;
  readonly #begun = new Float64Array(WINDOWS_PER_SECOND);
  readonly #kept = new Float64Array(WINDOWS_PER_SECOND);
  #at = 0;
  #keptInSecond = 0;
  /** The ratio is halved at once when this many were kept within a second: a burst does not wait for its window to end. */
  #keptMax: number;

  /** 0 keeps every trace. */
  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#tolerated = perSecond * TOLERANCE;
    this.#keptMax = this.#tolerated;
  }

  /** Of 2^halvings traces one is kept. */
  get halvings(): number {
    return this.#halvings;
  }

  get share(): number {
    return 2 ** -this.#halvings;
  }

  /** Tells the time; a clock that goes back only makes a window longer. */
  at(nowMs: number): void {
    if (this.#perSecond === 0 || nowMs < this.#windowEndsMs) return;
    const passed = 1 + Math.floor((nowMs - this.#windowEndsMs) / WINDOW_MS);
    const windows = Math.min(WINDOWS_PER_SECOND, passed);
    this.#windowEndsMs = nowMs + WINDOW_MS;
    this.#adapt();
    for (let i = 0; i < windows; i++) {
      this.#at = (this.#at + 1) % WINDOWS_PER_SECOND;
      this.#keptInSecond -= this.#kept[this.#at] as number;
      this.#begun[this.#at] = 0;
      this.#kept[this.#at] = 0;
    }
    this.#keptMax = Math.max(this.#tolerated, this.#keptInSecond + this.#step());
  }

  /** Whether a trace that begins now is kept; `hash` is what `hashText` makes of its correlation id. */
  begin(hash: number): boolean {
    if (this.#perSecond === 0) return true;
    this.#begun[this.#at] = (this.#begun[this.#at] as number) + 1;
    if (!this.keeps(hash)) return false;
    this.#kept[this.#at] = (this.#kept[this.#at] as number) + 1;
    if (++this.#keptInSecond > this.#keptMax && this.#halvings < HALVINGS_MAX) {
      this.#halvings++;
      this.#keptMax += this.#step();
    }
    return true;
  }

  /** What the ratio says of a trace whose beginning is not known, without counting it. */
  keeps(hash: number): boolean {
    return this.#halvings === 0 || spread(hash) >>> (32 - this.#halvings) === 0;
  }

  #adapt(): void {
    let begun = 0;
    for (const count of this.#begun) begun += count;
    while (this.#halvings < HALVINGS_MAX && begun * 2 ** -this.#halvings > this.#tolerated) this.#halvings++;
    // One step at a time: what was measured is a second old at most, what comes is not known.
    if (this.#halvings > 0 && begun * 2 ** -(this.#halvings - 1) <= this.#perSecond) this.#halvings--;
  }

  #step(): number {
    return Math.max(1, this.#perSecond / WINDOWS_PER_SECOND);
  }
}

/** Ids that differ in a digit only must not share their leading bits. */
function spread(hash: number): number {
  let bits = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
