import { emptyDocument, type FlowDocument, type FlowNode } from '@millrace/shared/flow/document.ts';
import { NODE_KINDS, type NodeConfig, type NodeKind } from '@millrace/shared/flow/records/registry.ts';
import type { SourceItem } from '../../engine/io.ts';
import type { VirtualSource } from '../virtualRun.ts';

/** Draws a flow in a test: nodes by short names, edges as `from[.port] > to`. */
export type FlowBuilder = {
  node<Kind extends NodeKind>(kind: Kind, name: string, config?: Partial<NodeConfig<Kind>>): FlowBuilder;
  edges(...edges: string[]): FlowBuilder;
  settings(settings: Partial<FlowDocument['settings']>): FlowBuilder;
  document(): FlowDocument;
};

export function flow(name = 'test'): FlowBuilder {
  const document = emptyDocument(`flow:${name}`, name);
  const builder: FlowBuilder = {
    node(kind, nodeName, config = {}) {
      const initial = NODE_KINDS[kind].initial();
      const node = {
        id: `node:${nodeName}`,
        kind,
        name: nodeName,
        description: '',
        config: { ...initial, ...config },
      };
      // The kind and its config belong together; the compiler cannot see it through the type parameter.
      document.nodes.push(node as unknown as FlowNode);
      return builder;
    },
    edges(...edges) {
      for (const text of edges) {
        const [from, target] = text.split(' > ') as [string, string];
        const [source, port] = from.split('.') as [string, string | undefined];
        const kind = document.nodes.find(({ name: candidate }) => candidate === source)?.kind;
        const sourcePort = port ?? (kind === 'topic' ? 'messages' : 'out');
        document.edges.push({
          id: `edge:${document.edges.length + 1}`,
          source: `node:${source}`,
          sourcePort,
          target: `node:${target}`,
        });
      }
      return builder;
    },
    settings(settings) {
      Object.assign(document.settings, settings);
      return builder;
    },
    document: () => structuredClone(document),
  };
  return builder;
}

/** A source of `total` items made by `itemAt`; the cursor is the number of items read. */
export function listSource(total: number, itemAt: (index: number) => Partial<SourceItem>): VirtualSource {
  return (cursor, itemsMax) => {
    const from = cursor === null ? 0 : Number(cursor);
    const items: SourceItem[] = [];
    for (let index = from; index < Math.min(total, from + itemsMax); index++) {
      const item = {
        data: JSON.stringify({ index }),
        type: 'test.made',
        id: null,
        timeMs: null,
        key: null,
        dueMs: null,
      };
      items.push({ ...item, ...itemAt(index), cursor: String(index + 1) });
    }
    return { items, done: from + items.length >= total };
  };
}
