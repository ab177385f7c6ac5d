import { composeDiffs, EMPTY_DIFF, type RecordsDiff } from './diff.ts';

/** Beyond these the oldest steps are forgotten. */
export const HISTORY_STEPS_MAX = 200;
/** Changes of one burst that come closer than this are one step. */
export const BURST_PAUSE_MS = 1500;

export type HistoryStep = { label: string; diff: RecordsDiff };
type OpenBurst = { key: string; atMs: number };

/**
 * The steps a person can take back. A step is the diff between two marks: a drag marks when it starts and squashes
 * when it ends, typing keeps extending the newest step while its burst lasts. Only a user's own changes come here.
 */
export class History {
  #undos: HistoryStep[];
  #redos: HistoryStep[];
  #burst: OpenBurst | null = null;
  /** While an interaction runs, everything composes into it. */
  #open: HistoryStep | null = null;

  constructor(saved: { undos: HistoryStep[]; redos: HistoryStep[] } = { undos: [], redos: [] }) {
    this.#undos = saved.undos.slice(-HISTORY_STEPS_MAX);
    this.#redos = saved.redos.slice(-HISTORY_STEPS_MAX);
  }

  get undoLabel(): string | null {
    return this.#undos.at(-1)?.label ?? null;
  }

  get redoLabel(): string | null {
    return this.#redos.at(-1)?.label ?? null;
  }

  get steps(): { undos: readonly HistoryStep[]; redos: readonly HistoryStep[] } {
    return { undos: this.#undos, redos: this.#redos };
  }

  get interacting(): boolean {
    return this.#open !== null;
  }

  /** Takes in a change that has been made. */
  record(label: string, diff: RecordsDiff, burst?: OpenBurst): void {
    if (diff.size === 0) return;
    if (this.#open) {
      this.#open = { label: this.#open.label, diff: composeDiffs(this.#open.diff, diff) };
      return;
    }
    const top = this.#undos.at(-1);
    const goesOn =
      burst !== undefined &&
      this.#burst?.key === burst.key &&
      burst.atMs - this.#burst.atMs <= BURST_PAUSE_MS;
    if (goesOn && top && this.#redos.length === 0) {
      this.#undos[this.#undos.length - 1] = { label: top.label, diff: composeDiffs(top.diff, diff) };
    } else {
      this.#push({ label, diff });
    }
    this.#burst = burst ?? null;
  }

  /** Ends a burst: the next change of the same kind is a step of its own. */
  mark(): void {
    this.#burst = null;
  }

  begin(label: string): void {
    this.commit();
    this.#burst = null;
    this.#open = { label, diff: EMPTY_DIFF };
  }

  /** Squashes what happened since `begin` into one step. */
  commit(): void {
    const step = this.#open;
    this.#open = null;
    if (step && step.diff.size > 0) this.#push(step);
  }

  /** Forgets what happened since `begin` and hands it over, so that it can be taken back. */
  bail(): RecordsDiff {
    const step = this.#open;
    this.#open = null;
    return step?.diff ?? EMPTY_DIFF;
  }

  takeUndo(): HistoryStep | null {
    this.commit();
    this.#burst = null;
    const step = this.#undos.pop();
    if (!step) return null;
    this.#redos.push(step);
    return step;
  }

  takeRedo(): HistoryStep | null {
    this.commit();
    this.#burst = null;
    const step = this.#redos.pop();
    if (!step) return null;
    this.#undos.push(step);
    return step;
  }

  #push(step: HistoryStep): void {
    this.#undos.push(step);
    if (this.#undos.length > HISTORY_STEPS_MAX) this.#undos.shift();
    this.#redos = [];
  }
}
