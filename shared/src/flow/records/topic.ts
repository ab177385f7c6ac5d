import { z } from 'zod';
import { schemaIdSchema } from '../ids.ts';
import { defineNodeKind } from './kind.ts';

export const topicConfigSchema = z.strictObject({
  partitions: z.int().min(1).max(1024).meta({
    title: 'Partitions',
    description: 'Messages with the same key stay in one partition, in order.',
  }),
  key: z.string().max(256).meta({
    title: 'Key',
    description: 'Path into the payload that keys messages arriving without one, such as customer.id.',
    placeholder: 'customer.id',
  }),
  schema: schemaIdSchema.nullable().meta({
    title: 'Schema',
    widget: 'schema-ref',
    description: 'What does not fit is refused: the producer is told, a handler’s attempt is rejected.',
  }),
});

/** An append-only log in partitions. Rules TP1 to TP3. */
export const topic = defineNodeKind({
  kind: 'topic',
  family: 'topic',
  title: 'Topic',
  summary: 'A durable log that consumers read at their own pace',
  keywords: ['queue', 'stream', 'log', 'channel', 'bus', 'partition'],
  config: topicConfigSchema,
  initial: () => ({ partitions: 3, key: '', schema: null }),
  outputs: () => [{ id: 'messages', label: 'Messages', role: 'subscribe' }],
  migrations: [],
});
