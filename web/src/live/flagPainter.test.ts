import type { ActiveFault } from '@millrace/shared/faults/fault.ts';
import { emptyDocument } from '@millrace/shared/flow/document.ts';
import type { MetricsSnapshot } from '@millrace/shared/trace/metrics.ts';
import { metricsSnapshot, subscriptionProgress } from '@millrace/shared/trace/testing/metricsSnapshot.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { EdgeMarkPainter } from './edgeMarks.ts';
import { FlagPainter } from './flagPainter.ts';
import { LiveRun } from './liveRun.ts';

function liveWith(...snapshots: Partial<MetricsSnapshot>[]): LiveRun {
  const live = new LiveRun('run:a');
  live.setDocument(emptyDocument('flow:a', 'A'));
  for (const [index, over] of snapshots.entries())
    live.metrics.add(metricsSnapshot({ timeMs: index, ...over }), 0);
  return live;
}

const crash: ActiveFault = {
  id: 'f1',
  spec: { kind: 'crash', target: { nodeId: 'node:h' }, rate: 1, delayMs: 0, durationMs: null },
  startedMs: 0,
  endsMs: null,
  fired: 2,
};
const group = (states: ('up' | 'down')[], paused: boolean): MetricsSnapshot['groups'] => ({
  'node:h': {
    generation: 1,
    paused,
    instances: states.map((state) => ({ state, inFlight: 0 })),
    owners: { 'edge:th': [0, 1] },
  },
});

describe('what is painted on nodes and edges besides figures', () => {
  beforeEach(() => {
    document.body.innerHTML =
      '<div data-live-flags="node:h"></div><span data-live-members="node:h"></span><svg><g data-live-edge="edge:th"></g></svg>';
  });
  const flags = (): string[] =>
    [...document.querySelectorAll<HTMLElement>('[data-flag]')].map(({ textContent }) => textContent ?? '');
  const dots = (): (string | undefined)[] =>
    [...document.querySelectorAll<HTMLElement>('[data-live-members] > *')].map(
      ({ dataset }) => dataset.state,
    );

  it('[SM2] raises a flag while a fault is on or a group is paused, and takes it down', () => {
    const painter = new FlagPainter(document);
    painter.paint(liveWith({ faults: [crash], groups: group(['up', 'down'], true) }));
    expect(flags()).toEqual(['Crash', 'Group paused']);
    expect(document.querySelector<HTMLElement>('[data-flag="fault"]')?.title).toBe('Crash: fired 2×');
    expect(document.querySelector<HTMLElement>('[data-live-flags]')?.dataset.faulty).toBe('true');
    expect(dots()).toEqual(['up', 'down']);
    painter.paint(liveWith({ groups: group(['up'], false) }));
    expect([flags(), dots()]).toEqual([[], []]);
    expect(document.querySelector<HTMLElement>('[data-live-flags]')?.dataset.faulty).toBe('false');
  });

  it('[TP6] tells of an edge what waits there, and forgets it with the run', () => {
    const painter = new EdgeMarkPainter(document);
    const edge = document.querySelector<SVGGElement>('[data-live-edge]');
    painter.paint(liveWith({ subscriptions: { 'edge:th': subscriptionProgress([0], 2_500) } }));
    expect(edge?.dataset).toMatchObject({ backlog: '2500', fullness: '0.2500' });
    expect(edge?.querySelector('title')?.textContent).toBe(
      'Waiting: 2,500 of 10,000 messages, 0.7 of 64 MiB',
    );
    painter.paint(null);
    expect(edge?.dataset.backlog).toBeUndefined();
    expect(edge?.querySelector('title')?.textContent).toBe('');
  });
});
