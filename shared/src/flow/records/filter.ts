import { z } from 'zod';
import {
  addDeliverySettings,
  consumerFields,
  DEAD_LETTER_PORT,
  initialDelivery,
  OUT_PORT,
  sandboxFields,
} from './delivery.ts';
import { defineNodeKind } from './kind.ts';

export const filterConfigSchema = z.strictObject({
  expression: z.string().min(1).max(16_384).meta({
    title: 'Keep when',
    widget: 'expression',
    description: 'A JavaScript expression over event; what is truthy passes.',
    placeholder: 'event.data.amount > 100',
  }),
  ...consumerFields,
  ...sandboxFields,
});

/** Passes on the messages for which an expression holds. */
export const filter = defineNodeKind({
  kind: 'filter',
  family: 'consumer',
  title: 'Filter',
  summary: 'Passes on the messages for which an expression holds',
  keywords: ['where', 'condition', 'select', 'drop', 'consumer'],
  config: filterConfigSchema,
  initial: () => ({
    expression: 'event.data.amount > 100',
    ...initialDelivery(),
    timeoutMs: 1000,
    memoryMb: 32,
  }),
  outputs: () => [OUT_PORT, DEAD_LETTER_PORT],
  migrations: [addDeliverySettings],
});
