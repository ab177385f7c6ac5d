import { type MetricsSnapshot, zeroCounters } from '@millrace/shared/trace/metrics.ts';
import { metricsSnapshot, subscriptionProgress } from '@millrace/shared/trace/testing/metricsSnapshot.ts';
import { describe, expect, it } from 'vitest';
import { METRICS_SAMPLES_MAX, RATE_STALE_MS } from './limits.ts';
import { MetricsHistory } from './metricsHistory.ts';

function snapshot(timeMs: number, out: number, extra: Partial<MetricsSnapshot> = {}): MetricsSnapshot {
  return metricsSnapshot({
    timeMs,
    nodes: { 'node:p': { ...zeroCounters(), out } },
    subscriptions: { 'edge:s': subscriptionProgress([out, out], 3) },
    ...extra,
  });
}

describe('MetricsHistory', () => {
  it('[TR2] computes a rate from exact counters over the last two seconds', () => {
    const history = new MetricsHistory();
    for (let tick = 0; tick <= 40; tick++) history.add(snapshot(tick * 200, tick * 100), tick * 200);
    expect(history.rate('node:p', 'out', 8_000)).toBeCloseTo(500);
    expect(history.subscriptionRate('edge:s', 8_000)).toBeCloseTo(1_000);
  });

  it('[TR2] is not disturbed by snapshots that never came', () => {
    const history = new MetricsHistory();
    for (const tick of [0, 1, 2, 9, 10]) history.add(snapshot(tick * 200, tick * 100), tick * 200);
    expect(history.rate('node:p', 'out', 2_000)).toBeCloseTo(500);
  });

  it('shows no flow when the run is not going or nothing was heard for long', () => {
    const history = new MetricsHistory();
    history.add(snapshot(0, 0), 0);
    history.add(snapshot(1_000, 100), 1_000);
    expect(history.rate('node:p', 'out', 1_000)).toBeCloseTo(100);
    expect(history.rate('node:p', 'out', 1_000 + RATE_STALE_MS + 1)).toBe(0);
    history.add(snapshot(1_200, 120, { status: 'paused' }), 1_200);
    expect(history.rate('node:p', 'out', 1_200)).toBe(0);
  });

  it('never shows a negative rate when a crash took counters back', () => {
    const history = new MetricsHistory();
    history.add(snapshot(0, 500), 0);
    history.add(snapshot(1_000, 400), 1_000);
    expect(history.rate('node:p', 'out', 1_000)).toBe(0);
  });

  it('keeps ten minutes of samples and drops the oldest', () => {
    const history = new MetricsHistory();
    const seconds = METRICS_SAMPLES_MAX / 2 + 100;
    for (let tick = 0; tick <= seconds * 2; tick++) history.add(snapshot(tick * 500, tick * 50), tick * 500);
    const times = history.times();
    expect(times).toHaveLength(METRICS_SAMPLES_MAX);
    expect(times.at(-1)).toBe(seconds);
    expect(times[0]).toBe(seconds - METRICS_SAMPLES_MAX / 2 + 0.5);
    expect(history.rateSeries('node:p', 'out').at(-1)).toBeCloseTo(100);
    expect(history.lagSeries('edge:s').at(-1)).toBe(3);
    expect(history.lagSeries('edge:unknown').at(-1)).toBeNull();
  });

  it('breaks the line of a chart where nothing is known', () => {
    const history = new MetricsHistory();
    history.add(snapshot(0, 0), 0);
    history.add(snapshot(1_000, 100), 1_000);
    history.add(snapshot(60_000, 200), 60_000);
    history.add(snapshot(61_000, 300), 61_000);
    expect(history.rateSeries('node:p', 'out')).toEqual([null, 100, null, 100]);
  });
});
