import { z } from 'zod';

/** Rule DL3 (in-order): the failing message is tried again before its partition goes on. */
export const retryPolicySchema = z
  .strictObject({
    attemptsMax: z.int().min(1).max(1000).meta({
      title: 'Attempts',
      description: 'How often a message is tried in all, the first time included.',
    }),
    backoff: z.enum(['fixed', 'exponential']).meta({
      title: 'Back-off',
      description: 'Fixed waits the same time; exponential doubles it after each failure.',
    }),
    delayMs: z.int().min(0).max(3_600_000).meta({ title: 'First delay', unit: 'ms' }),
    delayMsMax: z.int().min(0).max(86_400_000).meta({ title: 'Longest delay', unit: 'ms', advanced: true }),
    jitter: z.number().min(0).max(1).meta({
      title: 'Jitter',
      description: 'Share of the delay that is drawn at random: 0 none, 1 all of it.',
      advanced: true,
    }),
  })
  .meta({ title: 'Retry' });
export type RetryPolicy = z.infer<typeof retryPolicySchema>;

/** Rule DL4. Without a dead-letter edge, `dead-letter` parks messages in a topic named after the node. */
export const afterLastAttemptSchema = z.enum(['dead-letter', 'skip', 'stop']).meta({
  title: 'After the last attempt',
  description: 'Dead-letter keeps the message with its errors; skip goes on without it; stop ends the run.',
});

/** Rule CG3: where a group that has committed nothing begins. */
export const startFromSchema = z
  .discriminatedUnion('at', [
    z.strictObject({ at: z.literal('earliest') }).meta({ title: 'Earliest' }),
    z.strictObject({ at: z.literal('latest') }).meta({ title: 'Latest' }),
    z
      .strictObject({ at: z.literal('time'), time: z.iso.datetime({ offset: true }).meta({ title: 'Time' }) })
      .meta({ title: 'Time' }),
    z
      .strictObject({ at: z.literal('offset'), offset: z.int().min(0).meta({ title: 'Offset' }) })
      .meta({ title: 'Offset' }),
  ])
  .meta({
    title: 'Start from',
    description: 'Where a consumer begins that has committed nothing yet.',
    advanced: true,
  });

/** The settings every consumer has. */
export const consumerFields = {
  retry: retryPolicySchema,
  afterLastAttempt: afterLastAttemptSchema,
  startFrom: startFromSchema,
};

export const sandboxFields = {
  timeoutMs: z.int().min(1).max(60_000).meta({
    title: 'Time limit',
    unit: 'ms',
    description: 'An attempt that runs longer is stopped and counts as timed out.',
    advanced: true,
  }),
  memoryMb: z.int().min(8).max(1024).meta({
    title: 'Memory limit',
    unit: 'MB',
    description: 'Code that needs more is stopped.',
    advanced: true,
  }),
};

export function initialDelivery(): {
  retry: RetryPolicy;
  afterLastAttempt: 'dead-letter';
  startFrom: { at: 'earliest' };
} {
  return {
    retry: { attemptsMax: 3, backoff: 'exponential', delayMs: 200, delayMsMax: 30_000, jitter: 0.2 },
    afterLastAttempt: 'dead-letter',
    startFrom: { at: 'earliest' },
  };
}

export const DEAD_LETTER_PORT = { id: 'dead-letter', label: 'Dead letters', role: 'dead-letter' } as const;
export const OUT_PORT = { id: 'out', label: 'Out', role: 'publish' } as const;

const eventTypeField = z.string().min(1).max(256).meta({
  title: 'Event type',
  description: 'The CloudEvents type of each message, such as com.example.order.placed.',
});

const payloadField = z.string().max(262_144).meta({
  title: 'Payload',
  widget: 'json-template',
  description:
    'JSON. A string such as "{{person.fullName}}" or "{{number.int {\\"min\\":1,\\"max\\":9}}}" becomes a generated value; {{index}} counts from 0, {{now}} is the time.',
});

const keyTemplateField = z.string().max(1024).meta({
  title: 'Key',
  description: 'Partition key; may use the same {{…}} fields. Empty: the topic decides.',
  placeholder: '{{index}}',
});

/** The fields of producers that make messages from a template. */
export const templateFields = { eventType: eventTypeField, key: keyTemplateField, payload: payloadField };
export { eventTypeField };
