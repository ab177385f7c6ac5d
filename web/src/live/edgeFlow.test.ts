import type { ActiveFault, FaultKind } from '@millrace/shared/faults/fault.ts';
import { emptyDocument } from '@millrace/shared/flow/document.ts';
import { NODE_KINDS } from '@millrace/shared/flow/records/registry.ts';
import { type MetricsSnapshot, zeroCounters } from '@millrace/shared/trace/metrics.ts';
import { metricsSnapshot, subscriptionProgress } from '@millrace/shared/trace/testing/metricsSnapshot.ts';
import { describe, expect, it } from 'vitest';
import { backlogSentence, fillTone, fullnessOf } from './backlog.ts';
import { boundsOfPath, isVisible } from './canvasGeometry.ts';
import { backlogWidth, edgeFlows, fillLabel, pulseStyle } from './edgeFlow.ts';
import { flagsOf } from './flagPainter.ts';
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
    expect(flows.get('edge:pt')).toEqual({
      rate: 6_000,
      lag: 0,
      fullness: null,
      deadLetters: false,
      fault: null,
    });
    expect(flows.get('edge:th')).toEqual({
      rate: 1_000,
      lag: 5_000,
      fullness: 0.5,
      deadLetters: false,
      fault: null,
    });
    expect(flows.get('edge:hu')?.rate).toBe(1_000);
  });

  it('[TP6] calls an edge as full as the fuller of its messages and its bytes', () => {
    const progress = { ...subscriptionProgress([0], 3_200), backlogBytes: 1_153_434 };
    expect(fullnessOf(progress)).toBe(0.32);
    expect(backlogSentence(progress)).toBe('3,200 of 10,000 messages, 1.1 of 64 MiB');
    expect(fullnessOf({ ...progress, backlogBytes: 33_554_432 })).toBe(0.5);
    expect(fullnessOf({ ...progress, backlog: 12_000 })).toBe(1);
    expect([0.2, 0.5, 0.95].map(fillTone)).toEqual(['calm', 'filling', 'full']);
  });

  it('[TP6] says how full an edge is where that is worth a word', () => {
    expect(fillLabel({ lag: 3, fullness: 0 })).toBeNull();
    expect(fillLabel({ lag: 20, fullness: 0.002 })).toBe('lag 20');
    expect(fillLabel({ lag: 5_200, fullness: 0.529 })).toBe('5,200 · 52 %');
    expect(fillLabel({ lag: 12_345, fullness: 1 })).toBe('full: 12.3k');
  });

  it('[SM2] marks what is broken on purpose, on the edge and on the node it is on', () => {
    const live = runOfTwoStages();
    const fault = (kind: FaultKind, target: ActiveFault['spec']['target'], fired: number): ActiveFault => ({
      id: kind,
      spec: { kind, target, rate: 0.5, delayMs: 5_000, durationMs: null },
      startedMs: 0,
      endsMs: null,
      fired,
    });
    live.metrics.add(
      metricsSnapshot({
        faults: [
          fault('delay', { edgeId: 'edge:th' }, 12),
          fault('crash', { nodeId: 'node:h', instance: 1 }, 0),
        ],
      }),
      0,
    );
    expect(edgeFlows(live, 0).get('edge:th')?.fault).toBe('Delay 5 s, 50 % of messages');
    expect(edgeFlows(live, 0).get('edge:pt')?.fault).toBeNull();
    expect(flagsOf(live, 'node:h')).toEqual([
      {
        name: 'fault',
        text: 'Crash, instance 1',
        title: 'Crash, instance 1: has not fired yet',
        kinds: 'crash',
      },
    ]);
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
