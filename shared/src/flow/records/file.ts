import { z } from 'zod';
import { addDeliverySettings, consumerFields, DEAD_LETTER_PORT, initialDelivery } from './delivery.ts';
import { defineNodeKind } from './kind.ts';

export const fileConfigSchema = z.strictObject({
  path: z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
      'A file name of letters, digits, dots, dashes and underscores',
    )
    .meta({
      title: 'File name',
      description: 'Written in the folder of the run.',
      placeholder: 'alerts.jsonl',
    }),
  content: z
    .enum(['cloudevents', 'data'])
    .meta({ title: 'Each line holds', description: 'The whole CloudEvent, or its payload alone.' }),
  ...consumerFields,
});

/** Appends each message as one line of JSON to a file. */
export const file = defineNodeKind({
  kind: 'file',
  family: 'consumer',
  title: 'File',
  summary: 'Appends each message to a JSONL file',
  keywords: ['jsonl', 'sink', 'write', 'disk', 'export', 'consumer'],
  config: fileConfigSchema,
  initial: () => ({ path: 'messages.jsonl', content: 'cloudevents' as const, ...initialDelivery() }),
  outputs: () => [DEAD_LETTER_PORT],
  migrations: [addDeliverySettings],
});
