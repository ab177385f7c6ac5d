import { z } from 'zod';
import { flowIdSchema, nodeIdSchema } from './ids.ts';
import { CURRENT_VERSIONS } from './migrations/sequences.ts';
import { edgeSchema, type FlowEdge } from './records/edge.ts';
import { type FlowNode, nodeSchema } from './records/node.ts';
import { type PayloadSchema, payloadSchemaSchema } from './records/schema.ts';
import { initialSettings, settingsSchema } from './records/settings.ts';

export const DOCUMENT_FORMAT = 'millrace.flow';

export const positionSchema = z.strictObject({ x: z.number(), y: z.number() });
export type Position = z.infer<typeof positionSchema>;

/**
 * A flow: what runs (nodes, edges, schemas, settings) and, apart from it, how it is drawn (layout).
 * Nodes, edges and schemas are sorted by id in the saved form, so that a diff shows intent.
 */
export const flowDocumentSchema = z
  .strictObject({
    format: z.literal(DOCUMENT_FORMAT),
    /** Version of each record type in this document: `document`, `edge`, `schema`, `settings` and `node.<kind>`. */
    versions: z.record(z.string(), z.int().min(1)),
    id: flowIdSchema,
    name: z.string().trim().min(1, 'A name is needed').max(120),
    description: z.string().max(16_000),
    settings: settingsSchema,
    nodes: z.array(nodeSchema).max(2000),
    edges: z.array(edgeSchema).max(10_000),
    schemas: z.array(payloadSchemaSchema).max(1000),
    layout: z.strictObject({ nodes: z.record(nodeIdSchema, positionSchema) }),
  })
  .meta({
    title: 'Millrace flow',
    description: 'A drawing of producers, topics and consumers that Millrace runs as it is drawn.',
  });

export type FlowDocument = z.infer<typeof flowDocumentSchema>;
export type { FlowEdge, FlowNode, PayloadSchema };

export function emptyDocument(id: string, name: string): FlowDocument {
  return {
    format: DOCUMENT_FORMAT,
    versions: { ...CURRENT_VERSIONS },
    id,
    name,
    description: '',
    settings: initialSettings(),
    nodes: [],
    edges: [],
    schemas: [],
    layout: { nodes: {} },
  };
}
