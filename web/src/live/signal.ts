import { NOTIFY_INTERVAL_MS } from './limits.ts';

/**
 * A version counter whose listeners hear of changes at most once per interval. Writers bump as often as they like.
 * It runs on a timer rather than on animation frames, so that a hidden tab still catches up.
 */
export class Signal {
  #version = 0;
  #published = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #notifiedAtMs = Number.NEGATIVE_INFINITY;
  readonly #listeners = new Set<() => void>();
  readonly #intervalMs: number;

  constructor(intervalMs: number = NOTIFY_INTERVAL_MS) {
    this.#intervalMs = intervalMs;
  }

  /** The version that listeners were told of; stable between two notifications, as React's stores must be. */
  get published(): number {
    return this.#published;
  }

  bump(): void {
    this.#version++;
    if (this.#timer !== null || this.#listeners.size === 0) return;
    const waitMs = Math.max(0, this.#notifiedAtMs + this.#intervalMs - performance.now());
    this.#timer = setTimeout(() => this.flush(), waitMs);
  }

  /** Tells the listeners now. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#published === this.#version) return;
    this.#published = this.#version;
    this.#notifiedAtMs = performance.now();
    for (const listener of this.#listeners) listener();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    // What happened while nobody listened is published at once: the new listener reads the present anyway.
    if (this.#timer === null) this.#published = this.#version;
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0 && this.#timer !== null) {
        clearTimeout(this.#timer);
        this.#timer = null;
      }
    };
  };
}
