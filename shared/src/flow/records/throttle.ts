import { z } from 'zod';
import { consumerFields, DEAD_LETTER_PORT, initialDelivery, OUT_PORT } from './delivery.ts';
import { defineNodeKind } from './kind.ts';

export const throttleConfigSchema = z.strictObject({
  ratePerSecond: z.number().min(0.001).max(100_000).meta({
    title: 'Rate',
    unit: 'messages/s',
    description: 'At most so many messages go on in a second. What is over it waits in the topic.',
  }),
  burst: z.int().min(1).max(100_000).meta({
    title: 'Burst',
    unit: 'messages',
    description: 'So many may go on at once after a pause.',
  }),
  ...consumerFields,
});

/** Passes messages on at no more than a rate. Rules KD3 and KD4. */
export const throttle = defineNodeKind({
  kind: 'throttle',
  family: 'consumer',
  title: 'Throttle',
  summary: 'Passes messages on, unchanged, at no more than a rate',
  keywords: ['rate', 'limit', 'pace', 'slow', 'shape', 'consumer'],
  config: throttleConfigSchema,
  initial: () => ({ ratePerSecond: 10, burst: 1, ...initialDelivery() }),
  outputs: () => [OUT_PORT, DEAD_LETTER_PORT],
  migrations: [],
});
