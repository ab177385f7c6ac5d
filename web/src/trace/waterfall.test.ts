import { emptyDocument } from '@millrace/shared/flow/document.ts';
import { graphOf } from '@millrace/shared/flow/graph.ts';
import { NODE_KINDS } from '@millrace/shared/flow/records/registry.ts';
import type { TraceKind, TraceRecord } from '@millrace/shared/trace/record.ts';
import { buildTrace } from '@millrace/shared/trace/spans.ts';
import { traceRecord } from '@millrace/shared/trace/testing/traceRecord.ts';
import { describe, expect, it } from 'vitest';
import { messageTree } from './messageTree.ts';
import { litPath, moveInTree, scaleTicks, waterfallRows } from './waterfall.ts';

function record(
  kind: TraceKind,
  timeMs: number,
  nodeId: string,
  extra: Partial<TraceRecord> = {},
): TraceRecord {
  return traceRecord({
    kind,
    timeMs,
    nodeId,
    correlationId: 'm1',
    topic: 'node:orders',
    partition: 0,
    offset: 0,
    ...extra,
  });
}

/** Produced, tried twice, then a message of its own. */
const RECORDS: TraceRecord[] = [
  record('produced', 0, 'node:shop'),
  record('appended', 10, 'node:orders'),
  record('delivered', 20, 'node:pay', { attempt: 1 }),
  record('failed', 40, 'node:pay', {
    attempt: 1,
    durationUs: 20_000,
    errorCode: 'HANDLER_THREW',
    errorMessage: 'declined',
  }),
  record('retry-scheduled', 40, 'node:pay', { attempt: 1, detail: '20' }),
  record('delivered', 60, 'node:pay', { attempt: 2 }),
  record('handled', 80, 'node:pay', { attempt: 2, durationUs: 20_000 }),
  record('emitted', 80, 'node:pay', {
    messageId: 'm2',
    causationId: 'm1',
    topic: 'node:paid',
    messageType: 'order.paid',
  }),
  record('appended', 100, 'node:paid', {
    messageId: 'm2',
    causationId: 'm1',
    topic: 'node:paid',
    messageType: 'order.paid',
  }),
];

describe('waterfall', () => {
  const model = buildTrace(RECORDS);

  it('places each step by time and marks the failed attempt', () => {
    const rows = waterfallRows(model, new Set());
    expect(rows).toHaveLength(4);
    expect(rows[0]).toMatchObject({ left: 0, tone: 'send', hasChildren: true });
    const failed = rows.find((row) => row.tone === 'failed');
    expect(failed?.left).toBeCloseTo(0.2);
    expect(failed?.width).toBeCloseTo(0.2);
    for (const row of rows) expect(row.left + row.width).toBeLessThanOrEqual(1 + 1e-9);
  });

  it('hides what lies below a closed step, and the keys follow', () => {
    const root = model.spans[0]?.id ?? '';
    const rows = waterfallRows(model, new Set([root]));
    expect(rows.map((row) => row.span.id)).toEqual([root]);
    expect(moveInTree(rows, root, 'ArrowRight')).toEqual({ toggle: root });
    const open = waterfallRows(model, new Set());
    expect(moveInTree(open, root, 'ArrowDown')).toEqual({ select: open[1]?.span.id });
    expect(moveInTree(open, open[1]?.span.id ?? '', 'ArrowLeft')?.select ?? root).toBe(root);
    expect(moveInTree(open, root, 'x')).toBeNull();
  });

  it('stays in bounds for a trace of one moment', () => {
    const rows = waterfallRows(
      buildTrace([record('produced', 5, 'node:shop'), record('appended', 5, 'node:orders')]),
      new Set(),
    );
    expect(rows[0]).toMatchObject({ left: 0, width: 1 });
  });

  it('chooses round steps for the scale', () => {
    expect(scaleTicks(100, 5)).toEqual([0, 20, 40, 60, 80, 100]);
    expect(scaleTicks(7, 5)).toEqual([0, 2, 4, 6]);
    expect(scaleTicks(0, 5)).toEqual([0]);
  });

  it('lights the nodes it passed and only the edges it used', () => {
    const document = emptyDocument('flow:a', 'A');
    const node = (id: string, kind: 'generator' | 'topic' | 'handler') =>
      ({
        id,
        kind,
        name: id,
        description: '',
        config: NODE_KINDS[kind].initial(),
      }) as (typeof document.nodes)[number];
    document.nodes = [
      node('node:shop', 'generator'),
      node('node:orders', 'topic'),
      node('node:pay', 'handler'),
      node('node:paid', 'topic'),
      node('node:other', 'handler'),
    ];
    document.edges = [
      { id: 'edge:1', source: 'node:shop', sourcePort: 'out', target: 'node:orders' },
      { id: 'edge:2', source: 'node:orders', sourcePort: 'messages', target: 'node:pay' },
      { id: 'edge:3', source: 'node:pay', sourcePort: 'out', target: 'node:paid' },
      { id: 'edge:4', source: 'node:pay', sourcePort: 'dead-letter', target: 'node:paid' },
      { id: 'edge:5', source: 'node:orders', sourcePort: 'messages', target: 'node:other' },
    ];
    const path = litPath(model, graphOf(document));
    expect([...path.nodeIds].sort()).toEqual(['node:orders', 'node:paid', 'node:pay', 'node:shop']);
    expect([...path.edgeIds].sort()).toEqual(['edge:1', 'edge:2', 'edge:3']);
  });

  it('[MS3] shows messages under the message that caused them', () => {
    const tree = messageTree(model);
    expect(tree.map((branch) => [branch.messageId, branch.depth, branch.attempts.length])).toEqual([
      ['m1', 0, 2],
      ['m2', 1, 0],
    ]);
  });
});
