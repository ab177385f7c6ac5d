/** A run whose process dies more often than this within the window is given up: something kills it every time. */
export const RESTARTS_MAX = 20;
const RESTART_WINDOW_MS = 60_000;
const RESTART_DELAY_MS = 100;
const RESTART_DELAY_MS_MAX = 2000;

/** How soon a process that died is started again, and when it is not any more. */
export class RestartLimit {
  #times: number[] = [];
  #total = 0;

  /** Of all time. */
  get total(): number {
    return this.#total;
  }

  /** A process has died: after how many milliseconds there is another, or null when there is none. */
  delayAfterDeath(nowMs: number): number | null {
    this.#times = this.#times.filter((time) => nowMs - time < RESTART_WINDOW_MS);
    if (this.#times.length >= RESTARTS_MAX) return null;
    const delayMs = Math.min(RESTART_DELAY_MS * 2 ** this.#times.length, RESTART_DELAY_MS_MAX);
    this.#times.push(nowMs);
    this.#total++;
    return delayMs;
  }
}
