import type { FlowDocument } from './document.ts';
import { familyOf } from './records/registry.ts';

/** What runs of a flow that handles again what is in a topic (RN5): nothing new is made. */
export function withoutProducers(document: FlowDocument): FlowDocument {
  const nodes = document.nodes.filter(({ kind }) => familyOf(kind) !== 'producer');
  const ids = new Set(nodes.map(({ id }) => id));
  return {
    ...document,
    nodes,
    edges: document.edges.filter(({ source, target }) => ids.has(source) && ids.has(target)),
  };
}
