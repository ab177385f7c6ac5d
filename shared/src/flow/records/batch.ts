import { z } from 'zod';
import { consumerFields, DEAD_LETTER_PORT, initialDelivery, OUT_PORT } from './delivery.ts';
import { defineNodeKind } from './kind.ts';

/** A batch that waits is kept as one entry of state for each item, and one key holds 1,000. */
export const BATCH_ITEMS_MAX = 500;

export const batchConfigSchema = z.strictObject({
  items: z.int().min(1).max(BATCH_ITEMS_MAX).meta({
    title: 'Messages',
    unit: 'messages',
    description: 'A batch goes out when it holds so many.',
  }),
  waitMs: z.int().min(1).max(86_400_000).meta({
    title: 'Longest wait',
    unit: 'ms',
    description: 'A batch goes out this long after its first message, however few it holds.',
  }),
  scope: z.enum(['key', 'partition']).meta({
    title: 'One batch for each',
    description:
      'Key: the messages of a batch share their key. Partition: whatever arrives in a partition, in order.',
  }),
  content: z.enum(['payloads', 'described']).meta({
    title: 'Payload',
    description: 'The list of payloads alone, or an object of items, count, firstTime and lastTime.',
  }),
  eventType: z.string().max(256).meta({
    title: 'Event type',
    description: 'The CloudEvents type of a batch. Empty: that of its first message.',
    placeholder: 'com.example.orders.batch',
  }),
  bytesMax: z.int().min(1024).max(8_388_608).meta({
    title: 'Largest batch',
    unit: 'bytes',
    description: 'A batch goes out before its payload would take more.',
    advanced: true,
  }),
  ...consumerFields,
  // What waits is state that goes with the commit, and one batch is filled by one message after the other.
  guarantee: z.literal('exactly-once'),
  order: z.literal('partition'),
});

/** Collects messages and passes them on as one. Rules KD5 to KD8. */
export const batch = defineNodeKind({
  kind: 'batch',
  family: 'consumer',
  title: 'Batch',
  summary: 'Collects messages and passes them on as one',
  keywords: ['collect', 'group', 'window', 'aggregate', 'bulk', 'consumer'],
  config: batchConfigSchema,
  initial: () => ({
    items: 100,
    waitMs: 1000,
    scope: 'partition' as const,
    content: 'payloads' as const,
    eventType: '',
    bytesMax: 524_288,
    ...initialDelivery(),
    guarantee: 'exactly-once' as const,
    order: 'partition' as const,
  }),
  outputs: () => [OUT_PORT, DEAD_LETTER_PORT],
  migrations: [],
});
