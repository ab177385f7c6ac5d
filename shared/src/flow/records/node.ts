import { z } from 'zod';
import { nodeIdSchema } from '../ids.ts';
import { NODE_KINDS, type NodeConfig, type NodeKind } from './registry.ts';

const nameSchema = z.string().trim().min(1, 'A name is needed').max(80).meta({ title: 'Name' });
const descriptionSchema = z.string().max(4000).meta({ title: 'Description', widget: 'textarea' });

function nodeSchemaOf<Kind extends NodeKind>(kind: Kind) {
  return z.strictObject({
    id: nodeIdSchema,
    kind: z.literal(kind),
    name: nameSchema,
    description: descriptionSchema,
    config: NODE_KINDS[kind].config as (typeof NODE_KINDS)[Kind]['config'],
  });
}

export const nodeSchema = z.discriminatedUnion('kind', [
  nodeSchemaOf('generator'),
  nodeSchemaOf('schedule'),
  nodeSchemaOf('http'),
  nodeSchemaOf('replay'),
  nodeSchemaOf('topic'),
  nodeSchemaOf('handler'),
  nodeSchemaOf('filter'),
  nodeSchemaOf('route'),
  nodeSchemaOf('transform'),
  nodeSchemaOf('throttle'),
  nodeSchemaOf('batch'),
  nodeSchemaOf('call'),
  nodeSchemaOf('database'),
  nodeSchemaOf('file'),
  nodeSchemaOf('log'),
]);

export type FlowNode = z.infer<typeof nodeSchema>;
export type FlowNodeOf<Kind extends NodeKind> = Extract<FlowNode, { kind: Kind }>;

// Fails to compile when a registered kind is missing from the union above.
type Missing = Exclude<NodeKind, FlowNode['kind']>;
export const everyKindIsListed: [Missing] extends [never] ? true : Missing = true;

export type { NodeConfig };
