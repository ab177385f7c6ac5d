import { z } from 'zod';
import { addWhenFull, eventTypeField, OUT_PORT, whenFullField } from './delivery.ts';
import { defineNodeKind } from './kind.ts';

export const httpConfigSchema = z.strictObject({
  path: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'Lower-case letters, digits and dashes')
    .meta({ title: 'Path', widget: 'path', description: 'The last part of the ingest address.' }),
  eventType: eventTypeField,
  key: z.string().max(256).meta({
    title: 'Key',
    description:
      'Path into the body whose value becomes the key, such as customer.id. Empty: the topic decides.',
    placeholder: 'customer.id',
  }),
  whenFull: whenFullField,
});

/** Takes messages that are POSTed to an address of their own; answers when they are on disk. */
export const http = defineNodeKind({
  kind: 'http',
  family: 'producer',
  title: 'HTTP ingest',
  summary: 'Takes messages POSTed to an address of its own',
  keywords: ['webhook', 'post', 'rest', 'api', 'ingest', 'producer'],
  config: httpConfigSchema,
  initial: () => ({ path: 'events', eventType: 'com.example.received', key: '', whenFull: 'fail' as const }),
  outputs: () => [OUT_PORT],
  migrations: [addWhenFull('fail')],
});
