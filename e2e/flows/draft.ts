import { emptyDocument, type FlowDocument, type FlowNode } from '@millrace/shared/flow/document.ts';
import {
  type NodeConfig,
  type NodeKind,
  nodeKind,
  outputsOf,
} from '@millrace/shared/flow/records/registry.ts';

/** Canvas units between the columns and rows in which nodes are placed. */
const COLUMN = 272;
const ROW = 144;

type Place = { column: number; row: number };

/** A flow written down for a test: nodes are called by their names, ids follow from them. */
export type Draft = {
  document: FlowDocument;
  add<Kind extends NodeKind>(
    kind: Kind,
    name: string,
    config: Partial<NodeConfig<Kind>>,
    place?: Partial<Place>,
  ): Draft;
  /** From left to right. `Handler#dead-letter` names an output; the first publishing one goes without saying. */
  wire(...names: string[]): Draft;
};

export function nodeIdOf(name: string): string {
  return `node:${slug(name)}`;
}

export function draftFlow(name: string, settings: Partial<FlowDocument['settings']> = {}): Draft {
  const document = emptyDocument(`flow:${slug(name)}`, name);
  document.settings = { ...document.settings, ...settings };
  const draft: Draft = {
    document,
    add: (kind, nodeName, config, { column = document.nodes.length, row = 0 } = {}) => {
      const initial = nodeKind(kind).initial() as object;
      // Kind and config belong together by the signature; the union of all nodes cannot see that.
      const node = {
        id: nodeIdOf(nodeName),
        kind,
        name: nodeName,
        description: '',
        config: { ...initial, ...config },
      };
      document.nodes.push(node as unknown as FlowNode);
      document.layout.nodes[node.id] = { x: column * COLUMN, y: row * ROW };
      return draft;
    },
    wire: (...names) => {
      for (const [index, to] of names.slice(1).entries()) {
        const [from = '', port] = (names[index] ?? '').split('#');
        const source = document.nodes.find((node) => node.id === nodeIdOf(from));
        if (!source) throw new Error(`the draft has no node called ${from}`);
        const sourcePort = port ?? outputsOf(source)[0]?.id;
        if (sourcePort === undefined) throw new Error(`${from} has no output`);
        const target = nodeIdOf(to.split('#')[0] ?? '');
        document.edges.push({
          id: `edge:${slug(from)}-${sourcePort}-to-${target.slice('node:'.length)}`,
          source: source.id,
          sourcePort,
          target,
        });
      }
      return draft;
    },
  };
  return draft;
}

function slug(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}

/** Retries that do not make a test wait. */
export const AT_ONCE = {
  attemptsMax: 1,
  backoff: 'fixed',
  delayMs: 0,
  delayMsMax: 0,
  jitter: 0,
  order: 'in-order',
  exceptFor: '',
} as const;
