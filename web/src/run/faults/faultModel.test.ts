import { FAULT_KINDS, FAULT_PLACES, faultSpecSchema } from '@millrace/shared/faults/fault.ts';
import { emptyDocument } from '@millrace/shared/flow/document.ts';
import { graphOf } from '@millrace/shared/flow/graph.ts';
import { NODE_KINDS } from '@millrace/shared/flow/records/registry.ts';
import { describe, expect, it } from 'vitest';
import { draftOf, kindsAt, placeOf, specOf } from './faultModel.ts';

function graph() {
  const document = emptyDocument('flow:a', 'A');
  const node = (id: string, kind: 'generator' | 'topic' | 'handler') => ({
    id,
    kind,
    name: id,
    description: '',
    config: NODE_KINDS[kind].initial(),
  });
  document.nodes = [
    node('node:p', 'generator'),
    node('node:t', 'topic'),
    node('node:h', 'handler'),
    node('node:d', 'topic'),
  ] as typeof document.nodes;
  document.edges = [
    { id: 'edge:pt', source: 'node:p', sourcePort: 'out', target: 'node:t' },
    { id: 'edge:th', source: 'node:t', sourcePort: 'messages', target: 'node:h' },
    { id: 'edge:hd', source: 'node:h', sourcePort: 'dead-letter', target: 'node:d' },
  ];
  return graphOf(document);
}

describe('[SM2] where a fault can be put', () => {
  it('offers each kind in its place and nowhere else', () => {
    const of = (id: string) => kindsAt(placeOf(graph(), id));
    expect(of('node:p')).toEqual([]);
    expect(of('node:h')).toEqual(['crash', 'pause', 'slow', 'fail']);
    expect(of('node:t')).toEqual(['lost-acks', 'refuse-appends']);
    expect(of('edge:pt')).toEqual(['duplicate', 'corrupt']);
    expect(of('edge:hd')).toEqual(['duplicate', 'corrupt']);
    expect(of('edge:th')).toEqual(['delay', 'reorder']);
    expect(of('node:gone')).toEqual([]);
  });
});

describe('[SM2] a fault from its form', () => {
  it('begins every kind with what the protocol takes', () => {
    for (const kind of FAULT_KINDS) {
      const reading = specOf(draftOf(kind), FAULT_PLACES[kind].startsWith('edge') ? 'edge:a' : 'node:a');
      expect(reading.ok, kind).toBe(true);
      if (reading.ok) expect(faultSpecSchema.safeParse(reading.spec).success, kind).toBe(true);
    }
  });

  it('takes shares, times and a part of the place', () => {
    const draft = { ...draftOf('slow'), ratePercent: '12.5 %', delay: '2 s', instance: 1, duration: '1 min' };
    expect(specOf(draft, 'node:h')).toEqual({
      ok: true,
      spec: {
        kind: 'slow',
        target: { nodeId: 'node:h', instance: 1 },
        rate: 0.125,
        delayMs: 2000,
        durationMs: 60_000,
      },
    });
    expect(specOf({ ...draftOf('delay'), delay: '250' }, 'edge:th')).toMatchObject({
      spec: { target: { edgeId: 'edge:th' }, delayMs: 250, durationMs: null },
    });
  });

  it('leaves out what its kind does not have', () => {
    const reading = specOf({ ...draftOf('crash'), partition: 3, ratePercent: 'x', delay: 'y' }, 'node:h');
    expect(reading).toMatchObject({ ok: true, spec: { target: { nodeId: 'node:h' }, rate: 1, delayMs: 0 } });
    expect(reading.ok && reading.spec.target).not.toHaveProperty('partition');
  });

  it('names everything that does not fit', () => {
    const reading = specOf(
      { ...draftOf('slow'), ratePercent: '0', delay: '2 h', duration: 'soon' },
      'node:h',
    );
    expect(reading.ok ? [] : reading.faults.map(({ field }) => field)).toEqual([
      'ratePercent',
      'delay',
      'duration',
    ]);
  });
});
