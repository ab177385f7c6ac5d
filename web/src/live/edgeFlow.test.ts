import { emptyDocument } from '@millrace/shared/flow/document.ts';
import { NODE_KINDS } from '@millrace/shared/flow/records/registry.ts';
import { type MetricsSnapshot, zeroCounters } from '@millrace/shared/trace/metrics.ts';
import { metricsSnapshot, subscriptionProgress } from '@millrace/shared/trace/testing/metricsSnapshot.ts';
import { describe, expect, it } from 'vitest';
import { boundsOfPath, isVisible } from './canvasGeometry.ts';
import { backlogWidth, edgeFlows, pulseStyle } from './edgeFlow.ts';
import { LiveRun } from './liveRun.ts';
import { nodeFace } from './nodeBadges.ts';

function runOfTwoStages(): LiveRun {
  const document = emptyDocument('flow:a', 'A');
  const node = (id: string, kind: 'generator' | 'topic' | 'handler', name: string) => ({
    id,
    kind,
    name,
    description: '',
    config: NODE_KINDS[kind].initial(),
  });
  document.nodes = [
    node('node:p', 'generator', 'Orders'),
    node('node:t', 'topic', 'orders'),
    node('node:h', 'handler', 'Payment'),
    node('node:u', 'topic', 'paid'),
  ] as typeof document.nodes;
  document.edges = [
    { id: 'edge:pt', source: 'node:p', sourcePort: 'out', target: 'node:t' },
    { id: 'edge:th', source: 'node:t', sourcePort: 'messages', target: 'node:h' },
    { id: 'edge:hu', source: 'node:h', sourcePort: 'out', target: 'node:u' },
  ];
  const live = new LiveRun('run:a');
  live.setDocument(document);
  return live;
}

function snapshot(timeMs: number, produced: number, handled: number): MetricsSnapshot {
  return metricsSnapshot({
    timeMs,
    status: 'running',
    nodes: {
      'node:p': { ...zeroCounters(), out: produced },
      'node:t': { ...zeroCounters(), in: produced },
      'node:h': { ...zeroCounters(), in: handled, out: handled, failed: 2, deadLettered: 1 },
      'node:u': { ...zeroCounters(), in: handled },
    },
    conditions: { 'node:h': { state: 'waiting-retry', reason: 'card declined', inFlight: 1 } },
    topics: { 'node:t': { start: [0], end: [produced] }, 'node:u': { start: [0], end: [handled] } },
    subscriptions: { 'edge:th': subscriptionProgress([handled], produced - handled) },
  });
}

describe('flow on edges', () => {
  it('[TP6] reads rate and fullness of each edge off the counters', () => {
    const live = runOfTwoStages();
    live.metrics.add(snapshot(0, 0, 0), 0);
    live.metrics.add(snapshot(1_000, 6_000, 1_000), 1_000);
    const flows = edgeFlows(live, 1_000);
    expect(flows.get('edge:pt')).toEqual({ rate: 6_000, lag: 0, fullness: 0, deadLetters: false });
    expect(flows.get('edge:th')).toEqual({ rate: 1_000, lag: 5_000, fullness: 0.5, deadLetters: false });
    expect(flows.get('edge:hu')?.rate).toBe(1_000);
  });

  it('draws more and faster pulses for more messages, within bounds', () => {
    expect(pulseStyle(0)).toBeNull();
    const styles = [0.1, 1, 10, 100, 1_000, 100_000].map((rate) => pulseStyle(rate));
    const gaps = styles.map((style) => style?.gapPx ?? 0);
    expect(gaps).toEqual([...gaps].sort((a, b) => b - a));
    expect(gaps.at(-1)).toBeGreaterThan(8);
    expect(styles.at(-1)?.speedPx).toBeLessThanOrEqual(150);
    expect(backlogWidth(0)).toBe(0);
    expect(backlogWidth(5)).toBe(backlogWidth(1));
  });

  it('leaves out edges that are not on the screen', () => {
    const bounds = boundsOfPath('M100,50 C160.5,50 -20,-7.5 300,80');
    expect(bounds).toEqual({ minX: -20, minY: -7.5, maxX: 300, maxY: 80 });
    expect(isVisible(bounds, { x: 0, y: 0, zoom: 1 }, 800, 600)).toBe(true);
    expect(isVisible(bounds, { x: -400, y: 0, zoom: 1 }, 800, 600)).toBe(false);
    expect(isVisible(bounds, { x: 0, y: 0, zoom: 0.1 }, 800, 600)).toBe(true);
  });
});

describe('figures on nodes', () => {
  it('[TR2] gives exact values per family and says why a node waits', () => {
    const live = runOfTwoStages();
    live.metrics.add(snapshot(0, 0, 0), 0);
    live.metrics.add(snapshot(1_000, 12_345, 1_000), 1_000);
    const values = (nodeId: string) =>
      Object.fromEntries(
        (nodeFace(live, nodeId, 1_000)?.badges ?? []).map((badge) => [badge.name, badge.value]),
      );
    expect(values('node:p')).toMatchObject({ out: 12_345, rate: 12_345, rejected: 0 });
    expect(values('node:t')).toMatchObject({ in: 12_345, lag: 11_345 });
    expect(values('node:h')).toMatchObject({
      in: 1_000,
      out: 1_000,
      failed: 2,
      deadLettered: 1,
      inFlight: 1,
    });
    expect(nodeFace(live, 'node:h', 1_000)?.condition).toMatchObject({
      state: 'waiting-retry',
      title: 'card declined',
    });
    expect(nodeFace(live, 'node:p', 1_000)?.badges[0]?.text).toBe('12.3k');
    expect(nodeFace(live, 'node:new', 1_000)).toBeNull();
  });
});
