import { z } from 'zod';
import { addWhenFull, OUT_PORT, templateFields, whenFullField } from './delivery.ts';
import { defineNodeKind } from './kind.ts';

export const generatorConfigSchema = z.strictObject({
  ratePerSecond: z.number().min(0.01).max(1_000_000).meta({ title: 'Rate', unit: 'messages/s' }),
  count: z.int().min(1).max(1_000_000_000).nullable().meta({
    title: 'Count',
    description: 'Stops after this many messages. Empty: goes on until the run is stopped.',
  }),
  ...templateFields,
  whenFull: whenFullField,
});

/** Makes messages from a template at a steady rate. */
export const generator = defineNodeKind({
  kind: 'generator',
  family: 'producer',
  title: 'Generator',
  summary: 'Makes messages from a template at a steady rate',
  keywords: ['load', 'random', 'fake', 'test data', 'rate', 'producer'],
  config: generatorConfigSchema,
  initial: () => ({
    ratePerSecond: 10,
    count: null,
    eventType: 'com.example.order.placed',
    key: '',
    payload: JSON.stringify(
      {
        orderId: '{{string.uuid}}',
        customer: '{{person.fullName}}',
        amount: '{{number.int {"min":5,"max":500}}}',
      },
      null,
      2,
    ),
    whenFull: 'block' as const,
  }),
  outputs: () => [OUT_PORT],
  migrations: [addWhenFull('block')],
});
