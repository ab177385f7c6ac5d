import { z } from 'zod';
import { schemaIdSchema } from '../ids.ts';
import { DEAD_LETTER_PORT } from './delivery.ts';
import { type ConfigMigration, defineNodeKind } from './kind.ts';

const DELETES = { field: 'cleanup', isOneOf: ['delete'] };

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
    description: 'What is to be appended is checked against it.',
  }),
  schemaPolicy: z.enum(['reject', 'dead-letter', 'flag']).meta({
    title: 'What does not fit',
    shownWhen: { field: 'schema' },
    description:
      'Reject: refused, the producer is told and an attempt is rejected. Dead-letter: goes to the dead letters of the topic. Flag: appended, and marked in the trace.',
  }),
  cleanup: z.enum(['delete', 'compact']).meta({
    title: 'Clean-up',
    description:
      'Delete: old messages go by the limits below. Compact: the newest of each key stays; null deletes it.',
  }),
  retentionMs: z.int().min(0).max(31_536_000_000_000).meta({
    title: 'Keep for',
    shownWhen: DELETES,
    unit: 'ms',
    description: 'Older messages are deleted. 0: for ever.',
    advanced: true,
  }),
  retentionBytes: z.int().min(0).max(1_099_511_627_776).meta({
    title: 'Keep at most, in bytes',
    unit: 'bytes per partition',
    shownWhen: DELETES,
    description: '0: any size.',
    advanced: true,
  }),
  retentionMessages: z.int().min(0).max(1_000_000_000_000).meta({
    title: 'Keep at most, in messages',
    unit: 'messages per partition',
    shownWhen: DELETES,
    description: '0: any number.',
    advanced: true,
  }),
  tombstoneMs: z
    .int()
    .min(0)
    .max(31_536_000_000)
    .meta({
      title: 'Keep tombstones for',
      shownWhen: { field: 'cleanup', isOneOf: ['compact'] },
      unit: 'ms',
      description: 'How long a compacted topic still shows that a key was deleted.',
      advanced: true,
    }),
});
export type TopicConfig = z.infer<typeof topicConfigSchema>;

/** What version 1 did: everything is kept, and what does not fit its schema is refused. */
export function initialTopicPolicies(): Omit<TopicConfig, 'partitions' | 'key' | 'schema'> {
  return {
    schemaPolicy: 'reject',
    cleanup: 'delete',
    retentionMs: 0,
    retentionBytes: 0,
    retentionMessages: 0,
    tombstoneMs: 86_400_000,
  };
}

const addTopicPolicies: ConfigMigration = (config) => ({ ...(config as object), ...initialTopicPolicies() });

/** An append-only log in partitions. Rules TP1 to TP6. */
export const topic = defineNodeKind({
  kind: 'topic',
  family: 'topic',
  title: 'Topic',
  summary: 'A durable log that consumers read at their own pace',
  keywords: ['queue', 'stream', 'log', 'channel', 'bus', 'partition'],
  config: topicConfigSchema,
  initial: () => ({ partitions: 3, key: '', schema: null, ...initialTopicPolicies() }),
  outputs: ({ schema, schemaPolicy }) => [
    { id: 'messages', label: 'Messages', role: 'subscribe' },
    ...(schema !== null && schemaPolicy === 'dead-letter' ? [DEAD_LETTER_PORT] : []),
  ],
  migrations: [addTopicPolicies],
});
