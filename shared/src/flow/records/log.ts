import { z } from 'zod';
import { addDeliverySettings, consumerFields, DEAD_LETTER_PORT, initialDelivery } from './delivery.ts';
import { defineNodeKind } from './kind.ts';

export const logConfigSchema = z.strictObject({
  level: z.enum(['debug', 'info', 'warn', 'error']).meta({ title: 'Level' }),
  ...consumerFields,
});

/** Shows each message in the Logs panel. */
export const log = defineNodeKind({
  kind: 'log',
  family: 'consumer',
  title: 'Log',
  summary: 'Shows each message in the Logs panel',
  keywords: ['print', 'console', 'debug', 'sink', 'consumer'],
  config: logConfigSchema,
  initial: () => ({ level: 'info' as const, ...initialDelivery() }),
  outputs: () => [DEAD_LETTER_PORT],
  migrations: [addDeliverySettings],
});
