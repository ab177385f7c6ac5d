import {
  DOCUMENT_FORMAT,
  type FlowEdge,
  type FlowNode,
  type Position,
  positionSchema,
} from '@millrace/shared/flow/document.ts';
import { newId } from '@millrace/shared/flow/ids.ts';
import { edgeSchema } from '@millrace/shared/flow/records/edge.ts';
import { nodeSchema } from '@millrace/shared/flow/records/node.ts';
import { payloadSchemaSchema } from '@millrace/shared/flow/records/schema.ts';
import { type FlowRecords, layoutIdOf } from '@millrace/shared/flow/records.ts';
import type { Random } from '@millrace/shared/util/random.ts';
import { z } from 'zod';
import type { Transaction } from '../store/editorStore.ts';
import { sameJson } from '../store/json.ts';
import { uniqueName } from '../store/names.ts';

const CLIPBOARD_FORMAT = 'millrace.clipboard';

/** A piece of a flow as text: it can be pasted into another flow, another tab, a chat. */
const clipboardSchema = z.strictObject({
  format: z.literal(CLIPBOARD_FORMAT),
  nodes: z.array(nodeSchema).min(1),
  edges: z.array(edgeSchema),
  schemas: z.array(payloadSchemaSchema),
  layout: z.record(z.string(), positionSchema),
});
export type Clipping = z.infer<typeof clipboardSchema>;

export function clip(records: FlowRecords, nodeIds: readonly string[]): Clipping | null {
  const wanted = new Set(nodeIds);
  const nodes: FlowNode[] = [];
  const edges: FlowEdge[] = [];
  const layout: Record<string, Position> = {};
  for (const record of records.values()) {
    if (record.type === 'node' && wanted.has(record.id)) nodes.push(record.node);
    if (record.type === 'edge' && wanted.has(record.edge.source) && wanted.has(record.edge.target)) {
      edges.push(record.edge);
    }
  }
  if (nodes.length === 0) return null;
  for (const { id } of nodes) {
    const record = records.get(layoutIdOf(id));
    if (record?.type === 'layout') layout[id] = record.position;
  }
  const schemas = nodes.flatMap((node) => {
    const schemaId = node.kind === 'topic' ? node.config.schema : null;
    const record = schemaId === null ? undefined : records.get(schemaId);
    return record?.type === 'schema' ? [record.schema] : [];
  });
  return { format: CLIPBOARD_FORMAT, nodes, edges, schemas: [...new Set(schemas)], layout };
}

export function clippingText(clipping: Clipping): string {
  return `${JSON.stringify(clipping, null, 2)}\n`;
}

export type PastedText =
  | { what: 'clipping'; clipping: Clipping }
  | { what: 'document' }
  | { what: 'nothing' };

export function readPasted(text: string): PastedText {
  // Cheap tests first: people paste all kinds of text, and documents can be long YAML.
  if (text.includes(CLIPBOARD_FORMAT)) {
    try {
      const clipping = clipboardSchema.safeParse(JSON.parse(text));
      if (clipping.success) return { what: 'clipping', clipping: clipping.data };
    } catch {
      return { what: 'nothing' };
    }
  }
  return text.includes(DOCUMENT_FORMAT) ? { what: 'document' } : { what: 'nothing' };
}

/** Puts a clipping into the document under new ids and names of its own; returns the ids of the new nodes. */
export function pasteInto(
  transaction: Transaction,
  clipping: Clipping,
  options: { offset: Position; random: Random },
): string[] {
  const { offset, random } = options;
  const names = new Set<string>();
  for (const record of transaction.records.values()) if (record.type === 'node') names.add(record.node.name);
  const schemaIds = new Map<string, string>();
  for (const schema of clipping.schemas) {
    const existing = transaction.records.get(schema.id);
    const isSame = existing?.type === 'schema' && sameJson(existing.schema, schema);
    const id = isSame ? schema.id : existing ? newId('schema', random) : schema.id;
    schemaIds.set(schema.id, id);
    if (!isSame) transaction.put({ type: 'schema', id, schema: { ...schema, id } });
  }
  const nodeIds = new Map<string, string>();
  for (const node of clipping.nodes) {
    const id = newId('node', random);
    const name = uniqueName(names, node.name);
    names.add(name);
    nodeIds.set(node.id, id);
    transaction.put({ type: 'node', id, node: { ...withSchemas(node, schemaIds), id, name } });
    const { x, y } = clipping.layout[node.id] ?? { x: 0, y: 0 };
    const layoutId = layoutIdOf(id);
    transaction.put({ type: 'layout', id: layoutId, position: { x: x + offset.x, y: y + offset.y } });
  }
  for (const edge of clipping.edges) {
    const id = newId('edge', random);
    const source = nodeIds.get(edge.source);
    const target = nodeIds.get(edge.target);
    if (source && target) transaction.put({ type: 'edge', id, edge: { ...edge, id, source, target } });
  }
  return [...nodeIds.values()];
}

/** A schema that did not come along is not named any more. */
function withSchemas(node: FlowNode, schemaIds: ReadonlyMap<string, string>): FlowNode {
  if (node.kind !== 'topic' || node.config.schema === null) return node;
  return { ...node, config: { ...node.config, schema: schemaIds.get(node.config.schema) ?? null } };
}

/** Moves the clipping's middle to `middle`, on the grid. */
export function offsetTo(clipping: Clipping, middle: Position, grid: number): Position {
  const places = Object.values(clipping.layout);
  const average = (values: number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / (values.length || 1);
  const snap = (value: number): number => Math.round(value / grid) * grid;
  return {
    x: snap(middle.x - average(places.map((place) => place.x)) - 104),
    y: snap(middle.y - average(places.map((place) => place.y)) - 40),
  };
}
