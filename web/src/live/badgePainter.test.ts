import { emptyDocument } from '@millrace/shared/flow/document.ts';
import { NODE_KINDS } from '@millrace/shared/flow/records/registry.ts';
import { zeroCounters } from '@millrace/shared/trace/metrics.ts';
import { metricsSnapshot } from '@millrace/shared/trace/testing/metricsSnapshot.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { BadgePainter } from './badgePainter.ts';
import { LiveRun } from './liveRun.ts';

function runWith(runId: string, out: number): LiveRun {
  const live = new LiveRun(runId);
  const document = emptyDocument('flow:a', 'A');
  document.nodes = [
    {
      id: 'node:p',
      kind: 'generator',
      name: 'Orders',
      description: '',
      config: NODE_KINDS.generator.initial(),
    },
  ];
  live.setDocument(document);
  live.metrics.add(metricsSnapshot({ runId, timeMs: 1, nodes: { 'node:p': { ...zeroCounters(), out } } }));
  return live;
}

describe('BadgePainter', () => {
  beforeEach(() => {
    document.body.innerHTML = '<div data-live-node="node:p"></div><div data-live-node="node:later"></div>';
  });
  const out = (): HTMLElement | null =>
    document.querySelector('[data-live-node="node:p"] [data-counter="out"]');

  it('[TR2] writes the exact value beside the compact text', () => {
    new BadgePainter(document).paint(runWith('run:a', 1_234_567));
    expect(out()?.dataset.value).toBe('1234567');
    expect(out()?.textContent).toBe('1.23M out');
    expect(out()?.title).toContain('1,234,567');
    expect(document.querySelector('[data-live-node="node:later"]')?.childElementCount).toBe(0);
  });

  it('keeps its elements from paint to paint and starts over with another run', () => {
    const painter = new BadgePainter(document);
    painter.paint(runWith('run:a', 5));
    const first = out();
    painter.paint(runWith('run:a', 6));
    expect(out()).toBe(first);
    expect(first?.dataset.value).toBe('6');
    painter.paint(runWith('run:b', 0));
    expect(out()).not.toBe(first);
    expect(out()?.dataset.value).toBe('0');
    painter.paint(null);
    expect(out()).toBeNull();
  });
});
