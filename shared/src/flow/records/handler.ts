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

export const handlerConfigSchema = z.strictObject({
  code: z.string().max(262_144).meta({
    title: 'Code',
    widget: 'code',
    description: 'JavaScript or TypeScript with an exported function handle(event, ctx).',
  }),
  ...consumerFields,
  ...sandboxFields,
});

const INITIAL_CODE = `export function handle(event, ctx) {
  // event.data is the payload. ctx.emit publishes to a connected topic.
  ctx.emit('out', { ...event.data, handledAt: ctx.now() });
}
`;

/** Runs a person's code for each message, in a sandbox. Rules HD1 to HD3. */
export const handler = defineNodeKind({
  kind: 'handler',
  family: 'consumer',
  title: 'Handler',
  summary: 'Runs your JavaScript or TypeScript for each message',
  keywords: ['code', 'function', 'javascript', 'typescript', 'process', 'consumer'],
  config: handlerConfigSchema,
  initial: () => ({ code: INITIAL_CODE, ...initialDelivery(), timeoutMs: 1000, memoryMb: 64 }),
  outputs: () => [OUT_PORT, DEAD_LETTER_PORT],
  migrations: [addDeliverySettings],
});
