import { z } from 'zod';
import { consumerFields, DEAD_LETTER_PORT, initialDelivery, OUT_PORT, sandboxFields } from './delivery.ts';
import { defineNodeKind } from './kind.ts';

export const transformConfigSchema = z.strictObject({
  expression: z.string().min(1).max(16_384).meta({
    title: 'New payload',
    widget: 'expression',
    description:
      'A JavaScript expression over event; its value is the new payload, undefined drops the message.',
    placeholder: '({ total: event.data.price * event.data.count })',
  }),
  eventType: z.string().max(256).meta({
    title: 'Event type',
    description: 'The CloudEvents type of what comes out. Empty: that of what goes in.',
    placeholder: 'com.example.order.priced',
  }),
  ...consumerFields,
  ...sandboxFields,
});

/** Gives each message a new payload, the value of an expression. Rules KD1 and KD2. */
export const transform = defineNodeKind({
  kind: 'transform',
  family: 'consumer',
  title: 'Transform',
  summary: 'Gives each message a new payload, the value of an expression',
  keywords: ['map', 'reshape', 'convert', 'project', 'enrich', 'consumer'],
  config: transformConfigSchema,
  initial: () => ({
    expression: '({ ...event.data, handled: true })',
    eventType: '',
    ...initialDelivery(),
    timeoutMs: 1000,
    memoryMb: 32,
  }),
  outputs: () => [OUT_PORT, DEAD_LETTER_PORT],
  migrations: [],
});
