import { type MetricsSnapshot, type SubscriptionProgress, zeroTraceFigures } from '../metrics.ts';

/** A snapshot of a run in which nothing has happened but what `over` gives; for tests. */
export function metricsSnapshot(over: Partial<MetricsSnapshot> = {}): MetricsSnapshot {
  return {
    runId: 'run:a',
    timeMs: 0,
    status: 'running',
    nodes: {},
    conditions: {},
    topics: {},
    subscriptions: {},
    groups: {},
    faults: [],
    redrives: [],
    deadLetters: {},
    trace: zeroTraceFigures(),
    stalled: null,
    ...over,
  };
}

/** A subscription within the limits that a new flow has; for tests. */
export function subscriptionProgress(committed: number[], lag: number): SubscriptionProgress {
  return {
    committed,
    lag,
    backlog: lag,
    backlogBytes: lag * 300,
    backlogMax: 10_000,
    backlogBytesMax: 67_108_864,
  };
}
