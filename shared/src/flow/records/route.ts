import { z } from 'zod';
import {
  addDeliverySettings,
  consumerFields,
  DEAD_LETTER_PORT,
  initialDelivery,
  sandboxFields,
} from './delivery.ts';
import { defineNodeKind } from './kind.ts';

export const routeRuleSchema = z.strictObject({
  port: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'Lower-case letters, digits and dashes')
    .meta({ title: 'Output' }),
  when: z
    .string()
    .min(1)
    .max(16_384)
    .meta({ title: 'When', widget: 'expression', placeholder: "event.data.status === 'late'" }),
});

export const routeConfigSchema = z.strictObject({
  routes: z
    .array(routeRuleSchema)
    .min(1)
    .max(32)
    .meta({ title: 'Routes', widget: 'ports', description: 'The first that holds takes the message.' }),
  ...consumerFields,
  ...sandboxFields,
});

/** The port that takes what no route took. */
export const OTHERWISE_PORT = 'otherwise';

/** Sends each message to the output of the first expression that holds, else to `otherwise`. */
export const route = defineNodeKind({
  kind: 'route',
  family: 'consumer',
  title: 'Route',
  summary: 'Sends each message to the first output whose expression holds',
  keywords: ['switch', 'branch', 'split', 'condition', 'consumer'],
  config: routeConfigSchema,
  initial: () => ({
    routes: [
      { port: 'large', when: 'event.data.amount > 100' },
      { port: 'small', when: 'event.data.amount <= 100' },
    ],
    ...initialDelivery(),
    timeoutMs: 1000,
    memoryMb: 32,
  }),
  outputs: (config) => [
    ...config.routes.map((rule) => ({ id: rule.port, label: rule.port, role: 'publish' as const })),
    { id: OTHERWISE_PORT, label: 'Otherwise', role: 'publish' },
    DEAD_LETTER_PORT,
  ],
  migrations: [addDeliverySettings],
});
