import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyDocument, type FlowDocument, type FlowNode } from './document.ts';
import { nodeSize } from './geometry.ts';
import { layoutFlow, withPositions } from './layout.ts';
import { NODE_KIND_NAMES, NODE_KINDS } from './records/registry.ts';
import { parseDocument } from './serialize.ts';

const sample = (name: string): FlowDocument =>
  parseDocument(readFileSync(new URL(`../../../samples/${name}.flow.json`, import.meta.url), 'utf8'))
    .document;

/** Any wiring at all, circles and nonsense included. */
const anyFlow = fc
  .record({
    kinds: fc.array(fc.constantFrom(...NODE_KIND_NAMES), { minLength: 1, maxLength: 25 }),
    wires: fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 40 }),
  })
  .map(({ kinds, wires }) => {
    const document = emptyDocument('flow:any', 'Any');
    for (const [index, kind] of kinds.entries()) {
      const config = NODE_KINDS[kind].initial();
      document.nodes.push({
        id: `node:${index}`,
        kind,
        name: `n${index}`,
        description: '',
        config,
      } as FlowNode);
    }
    for (const [index, [from, to]] of wires.entries()) {
      const [source, target] = [`node:${from % kinds.length}`, `node:${to % kinds.length}`];
      document.edges.push({ id: `edge:${index}`, source, sourcePort: 'out', target });
    }
    return document;
  });

/** Many cases take longer on a busy machine. */
const PROPERTY_TIMEOUT_MS = 60_000;

describe('the automatic layout', () => {
  it('never lets two nodes overlap, whatever the wiring', { timeout: PROPERTY_TIMEOUT_MS }, () => {
    fc.assert(
      fc.property(anyFlow, (document) => {
        const { nodes } = layoutFlow(document);
        const boxes = document.nodes.map((node) => ({
          ...nodeSize(node),
          ...(nodes[node.id] ?? expect.unreachable('a node without a place')),
        }));
        boxes.forEach((a, index) => {
          expect(a.y).toBeGreaterThanOrEqual(0);
          for (const b of boxes.slice(index + 1)) {
            const apart =
              a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
            expect(apart).toBe(true);
          }
        });
      }),
    );
  });

  it('draws a chain on one line, from left to right', () => {
    const { nodes } = layoutFlow(sample('earthquakes'));
    const places = ['reports', 'quakes', 'strong', 'strong-quakes', 'classify', 'alerts', 'file'].map(
      (id) => nodes[`node:${id}`],
    );
    expect(places.map((place) => place?.x)).toEqual([0, 260, 520, 780, 1040, 1300, 1560]);
    expect(new Set(places.map((place) => place?.y)).size).toBe(1);
  });

  it('puts sources in the middle of what they feed', () => {
    const { nodes } = layoutFlow(sample('flights'));
    const lanes = ['late', 'delayed', 'early', 'on-time'].map((id) => nodes[`node:${id}`]?.y ?? Number.NaN);
    const middle = lanes.reduce((sum, y) => sum + y, 0) / lanes.length;
    expect(Math.abs((nodes['node:by-delay']?.y ?? 0) - middle)).toBeLessThan(2);
  });

  it('is only for documents that lack positions', () => {
    const drawn = sample('orders');
    expect(withPositions(drawn)).toBe(drawn);
    expect(Object.keys(withPositions({ ...drawn, layout: { nodes: {} } }).layout.nodes)).toHaveLength(
      drawn.nodes.length,
    );
  });
});
