import type { MetricsSnapshot, NodeCounters } from '@millrace/shared/trace/metrics.ts';
import {
  METRICS_SAMPLE_MS,
  METRICS_SAMPLES_MAX,
  METRICS_SERIES_MAX,
  RATE_SNAPSHOTS_MAX,
  RATE_STALE_MS,
  RATE_WINDOW_MS,
} from './limits.ts';
import { Signal } from './signal.ts';

export type CounterName = keyof NodeCounters;
/** Counters whose history is kept; the others are shown as totals only. */
export const CHARTED_COUNTERS = ['in', 'out', 'failed'] as const;
export type ChartedCounter = (typeof CHARTED_COUNTERS)[number];

type Reading = (snapshot: MetricsSnapshot) => number | undefined;

/** Beyond this pause between two samples the line of a chart breaks: nothing is known in between. */
const HISTORY_GAP_MS = 5_000;

/**
 * Ten minutes of metrics in typed columns and the last seconds as they came. Rates are computed here, from exact
 * counters and the server's own times, so that a late or lost snapshot changes no sum.
 */
export class MetricsHistory {
  readonly changed = new Signal();
  #latest: MetricsSnapshot | null = null;
  #latestArrivedMs = 0;
  #recent: MetricsSnapshot[] = [];
  #samples = 0;
  readonly #times = new Float64Array(METRICS_SAMPLES_MAX);
  readonly #columns = new Map<string, Float64Array>();
  #seriesLeftOut = 0;

  get latest(): MetricsSnapshot | null {
    return this.#latest;
  }

  /** Series beyond the limit that have totals but no chart. */
  get seriesLeftOut(): number {
    return this.#seriesLeftOut;
  }

  /** Samples ever taken: grows with each, and so says when charts have something new to draw. */
  get samplesTaken(): number {
    return this.#samples;
  }

  get sampleCount(): number {
    return Math.min(this.#samples, METRICS_SAMPLES_MAX);
  }

  add(snapshot: MetricsSnapshot, arrivedMs: number = performance.now()): void {
    const previous = this.#latest;
    // A clock that was set back would make times run backwards; the window starts again.
    if (previous && snapshot.timeMs < previous.timeMs) this.#recent = [];
    this.#latest = snapshot;
    this.#latestArrivedMs = arrivedMs;
    this.#recent.push(snapshot);
    while (this.#recent.length > 2) {
      const second = this.#recent[1];
      const full = this.#recent.length > RATE_SNAPSHOTS_MAX;
      if (!full && second && second.timeMs > snapshot.timeMs - RATE_WINDOW_MS) break;
      this.#recent.shift();
    }
    this.#sample(snapshot);
    this.changed.bump();
  }

  #sample(snapshot: MetricsSnapshot): void {
    const lastTime =
      this.#samples === 0 ? Number.NEGATIVE_INFINITY : this.#times[(this.#samples - 1) % METRICS_SAMPLES_MAX];
    const ended = snapshot.status !== 'running' && snapshot.status !== 'stopping';
    const elapsed = snapshot.timeMs - (lastTime ?? 0);
    if (elapsed <= 0 || (elapsed < METRICS_SAMPLE_MS && !ended)) return;
    const slot = this.#samples % METRICS_SAMPLES_MAX;
    this.#times[slot] = snapshot.timeMs;
    this.#seriesLeftOut = 0;
    for (const [nodeId, counters] of Object.entries(snapshot.nodes)) {
      for (const name of CHARTED_COUNTERS) this.#write(`${nodeId}/${name}`, slot, counters[name]);
    }
    for (const [edgeId, progress] of Object.entries(snapshot.subscriptions)) {
      this.#write(`${edgeId}/lag`, slot, progress.lag);
    }
    this.#samples++;
  }

  #write(series: string, slot: number, value: number): void {
    let column = this.#columns.get(series);
    if (!column) {
      if (this.#columns.size >= METRICS_SERIES_MAX * CHARTED_COUNTERS.length) {
        this.#seriesLeftOut++;
        return;
      }
      column = new Float64Array(METRICS_SAMPLES_MAX).fill(Number.NaN);
      this.#columns.set(series, column);
    }
    column[slot] = value;
  }

  rate(nodeId: string, counter: CounterName, nowMs: number = performance.now()): number {
    return this.#rateOf((snapshot) => snapshot.nodes[nodeId]?.[counter], nowMs);
  }

  /** Messages that left a topic over this subscription, per second. */
  subscriptionRate(edgeId: string, nowMs: number = performance.now()): number {
    return this.#rateOf((snapshot) => {
      const committed = snapshot.subscriptions[edgeId]?.committed;
      return committed?.reduce((sum, offset) => sum + offset, 0);
    }, nowMs);
  }

  #rateOf(read: Reading, nowMs: number): number {
    const latest = this.#latest;
    const oldest = this.#recent[0];
    if (!latest || !oldest || latest === oldest) return 0;
    if (latest.status !== 'running' && latest.status !== 'stopping') return 0;
    if (nowMs - this.#latestArrivedMs > RATE_STALE_MS) return 0;
    const before = read(oldest);
    const after = read(latest);
    const seconds = (latest.timeMs - oldest.timeMs) / 1_000;
    if (before === undefined || after === undefined || seconds <= 0) return 0;
    // A restart after a crash may take counters back by what was not committed; that is no negative flow.
    return Math.max(0, (after - before) / seconds);
  }

  /** Seconds since 1970 of each sample, oldest first, as charts want them. */
  times(): number[] {
    return this.#indices().map((slot) => (this.#times[slot] ?? 0) / 1_000);
  }

  /** One value per sample; null where nothing is known. */
  lagSeries(edgeId: string): (number | null)[] {
    const column = this.#columns.get(`${edgeId}/lag`);
    return this.#indices().map((slot) => {
      const value = column?.[slot];
      return value === undefined || Number.isNaN(value) ? null : value;
    });
  }

  /** Messages per second at each sample, over the same window as `rate`. */
  rateSeries(nodeId: string, counter: ChartedCounter): (number | null)[] {
    const column = this.#columns.get(`${nodeId}/${counter}`);
    const slots = this.#indices();
    if (!column) return slots.map(() => null);
    let from = 0;
    return slots.map((slot, index) => {
      const time = this.#times[slot] ?? 0;
      const previous = slots[index - 1];
      if (previous === undefined) return null;
      if (time - (this.#times[previous] ?? 0) > HISTORY_GAP_MS) {
        from = index;
        return null;
      }
      while (from < index - 1 && (this.#times[slots[from] ?? 0] ?? 0) < time - RATE_WINDOW_MS) from++;
      const base = slots[from] ?? slot;
      const seconds = (time - (this.#times[base] ?? 0)) / 1_000;
      const change = (column[slot] ?? Number.NaN) - (column[base] ?? Number.NaN);
      return seconds > 0 && Number.isFinite(change) ? Math.max(0, change / seconds) : null;
    });
  }

  #indices(): number[] {
    const count = this.sampleCount;
    const first = this.#samples - count;
    return Array.from({ length: count }, (_, index) => (first + index) % METRICS_SAMPLES_MAX);
  }
}
