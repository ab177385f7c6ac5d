import { z } from 'zod';
import type { FlowDocument } from './document.ts';
import { positionSchema } from './document.ts';
import { flowIdSchema } from './ids.ts';
import { edgeSchema } from './records/edge.ts';
import { nodeSchema } from './records/node.ts';
import { payloadSchemaSchema } from './records/schema.ts';
import { settingsSchema } from './records/settings.ts';

/**
 * A document taken apart into records with ids: the form in which it is edited, diffed, undone and sent between tabs.
 * `flow` holds name, description and settings; `layout:<node id>` holds one node's position.
 */
export const flowRecordSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('flow'),
    id: flowIdSchema,
    name: z.string().trim().min(1).max(120),
    description: z.string().max(16_000),
    settings: settingsSchema,
  }),
  z.strictObject({ type: z.literal('node'), id: z.string(), node: nodeSchema }),
  z.strictObject({ type: z.literal('edge'), id: z.string(), edge: edgeSchema }),
  z.strictObject({ type: z.literal('schema'), id: z.string(), schema: payloadSchemaSchema }),
  z.strictObject({
    type: z.literal('layout'),
    id: z.string().startsWith('layout:'),
    position: positionSchema,
  }),
]);
export type FlowRecord = z.infer<typeof flowRecordSchema>;
export type RecordId = string;
export type FlowRecords = ReadonlyMap<RecordId, FlowRecord>;

/** A change to a document, record by record. The last writer of a record wins; other records are untouched. */
export const flowPatchSchema = z.strictObject({
  put: z.array(flowRecordSchema).max(20_000),
  remove: z.array(z.string()).max(20_000),
});
export type FlowPatch = z.infer<typeof flowPatchSchema>;

export function toRecords(document: FlowDocument): Map<RecordId, FlowRecord> {
  const records = new Map<RecordId, FlowRecord>();
  const { id, name, description, settings } = document;
  records.set(id, { type: 'flow', id, name, description, settings });
  for (const node of document.nodes) records.set(node.id, { type: 'node', id: node.id, node });
  for (const edge of document.edges) records.set(edge.id, { type: 'edge', id: edge.id, edge });
  for (const schema of document.schemas) records.set(schema.id, { type: 'schema', id: schema.id, schema });
  for (const [nodeId, position] of Object.entries(document.layout.nodes)) {
    records.set(layoutIdOf(nodeId), { type: 'layout', id: layoutIdOf(nodeId), position });
  }
  return records;
}

export function layoutIdOf(nodeId: string): RecordId {
  return `layout:${nodeId}`;
}

/** Puts a document together again. `base` gives what records do not hold (format, versions). */
export function fromRecords(records: FlowRecords, base: FlowDocument): FlowDocument {
  const document: FlowDocument = { ...base, nodes: [], edges: [], schemas: [], layout: { nodes: {} } };
  for (const record of records.values()) {
    if (record.type === 'flow') {
      document.name = record.name;
      document.description = record.description;
      document.settings = record.settings;
    } else if (record.type === 'node') document.nodes.push(record.node);
    else if (record.type === 'edge') document.edges.push(record.edge);
    else if (record.type === 'schema') document.schemas.push(record.schema);
    else document.layout.nodes[record.id.slice('layout:'.length)] = record.position;
  }
  const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
  document.nodes.sort(byId);
  document.edges.sort(byId);
  document.schemas.sort(byId);
  return document;
}

/**
 * Applies a patch. Edges and layouts of nodes that are gone go too, so that two tabs that edit at once
 * (one deletes a node, the other connects it) still leave a whole document.
 */
export function applyPatch(document: FlowDocument, patch: FlowPatch): FlowDocument {
  const records = toRecords(document);
  for (const id of patch.remove) if (id !== document.id) records.delete(id);
  for (const record of patch.put)
    if (record.type !== 'flow' || record.id === document.id) records.set(record.id, record);
  for (const [id, record] of records) {
    if (record.type === 'edge' && !(records.has(record.edge.source) && records.has(record.edge.target)))
      records.delete(id);
    if (record.type === 'layout' && !records.has(id.slice('layout:'.length))) records.delete(id);
  }
  return fromRecords(records, document);
}
