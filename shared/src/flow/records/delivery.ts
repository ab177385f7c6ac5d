import { z } from 'zod';
import type { ConfigMigration } from './kind.ts';

/** Rule DL3. */
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
    delayMsMax: z
      .int()
      .min(0)
      .max(86_400_000)
      .meta({
        title: 'Longest delay',
        unit: 'ms',
        advanced: true,
        shownWhen: { field: 'backoff', isOneOf: ['exponential'] },
      }),
    jitter: z.number().min(0).max(1).meta({
      title: 'Jitter',
      description: 'Share of the delay that is drawn at random: 0 none, 1 all of it.',
      advanced: true,
    }),
    order: z.enum(['in-order', 'out-of-order']).meta({
      title: 'Meanwhile',
      labels: { 'in-order': 'Others wait', 'out-of-order': 'Others pass' },
      description:
        'In order: what is ordered behind the message waits for its retry. Out of order: others pass it.',
    }),
    exceptFor: z.string().max(1024).meta({
      title: 'Not retried',
      description:
        'Error codes that another attempt cannot mend, separated by commas: those of ctx.fail, or such as HANDLER_TIMED_OUT.',
      placeholder: 'CARD_DECLINED, HANDLER_TIMED_OUT',
      advanced: true,
    }),
  })
  .meta({ title: 'Retry', section: 'delivery' });
export type RetryPolicy = z.infer<typeof retryPolicySchema>;

/** Rule DL4. Without a dead-letter edge, `dead-letter` parks messages in a topic named after the node. */
export const afterLastAttemptSchema = z.enum(['dead-letter', 'skip', 'stop']).meta({
  title: 'After the last attempt',
  section: 'delivery',
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
    section: 'delivery',
    description: 'Where a consumer begins that has committed nothing yet.',
    advanced: true,
  });

/** Rule DL1. */
export const guaranteeSchema = z.enum(['exactly-once', 'at-least-once', 'at-most-once']).meta({
  title: 'Guarantee',
  section: 'delivery',
  labels: {
    'exactly-once': 'Exactly once',
    'at-least-once': 'At least once',
    'at-most-once': 'At most once',
  },
  description:
    'Exactly once: outputs, state and commit in one atomic step. At least once: commit after, a crash repeats. At most once: commit first, a crash loses.',
});
export type Guarantee = z.infer<typeof guaranteeSchema>;

/** Rule DL7. */
export const orderSchema = z.enum(['partition', 'key', 'none']).meta({
  title: 'Order',
  section: 'delivery',
  labels: { partition: 'Per partition', key: 'Per key', none: 'None' },
  description:
    'Per partition: one after the other. Per key: keys of a partition side by side. None: whatever is free.',
});
export type Order = z.infer<typeof orderSchema>;

const dedupKeyField = z.string().max(256).meta({
  title: 'Key',
  description:
    'Path into the payload that tells duplicates, such as order.id; several with commas between. Empty: the message id.',
  placeholder: 'order.id',
});

/** Rule DL6: which messages count as already handled. */
export const idempotencySchema = z
  .discriminatedUnion('window', [
    z.strictObject({ window: z.literal('off') }).meta({ title: 'Off' }),
    z
      .strictObject({
        window: z.literal('time'),
        key: dedupKeyField,
        forMs: z.int().min(1).max(31_536_000_000).meta({
          title: 'Remember for',
          unit: 'ms',
          begins: 86_400_000,
        }),
      })
      .meta({ title: 'For a time' }),
    z
      .strictObject({
        window: z.literal('count'),
        key: dedupKeyField,
        keys: z.int().min(1).max(1_000_000).meta({ title: 'Remember', unit: 'keys', begins: 100_000 }),
      })
      .meta({ title: 'So many keys' }),
  ])
  .meta({
    title: 'Skip duplicates',
    section: 'delivery',
    description: 'A message whose key was handled before is passed over.',
  });
export type Idempotency = z.infer<typeof idempotencySchema>;

/** Rule TP4: where a reader goes on whose next offset was deleted. Kafka's auto.offset.reset. */
export const whenDeletedSchema = z.enum(['earliest', 'latest', 'stop']).meta({
  title: 'When its offset was deleted',
  section: 'delivery',
  description: 'Where to go on when retention has deleted what was to be read next; stop ends the run.',
  advanced: true,
});
export type WhenDeleted = z.infer<typeof whenDeletedSchema>;

/** The settings every consumer has. */
export const consumerFields = {
  guarantee: guaranteeSchema,
  order: orderSchema,
  retry: retryPolicySchema,
  afterLastAttempt: afterLastAttemptSchema,
  idempotency: idempotencySchema,
  instances: z.int().min(1).max(16).meta({
    title: 'Instances',
    section: 'scaling',
    description: 'Members of the consumer group, among which the partitions are divided.',
  }),
  concurrency: z.int().min(1).max(64).meta({
    title: 'Concurrency',
    section: 'scaling',
    description: 'Batches that one instance handles at the same time.',
  }),
  startFrom: startFromSchema,
  whenDeleted: whenDeletedSchema,
};
export type ConsumerDelivery = z.infer<z.ZodObject<typeof consumerFields>>;

/** The settings of consumers as version 1 had them become those of today. What version 1 did is kept. */
export const addDeliverySettings: ConfigMigration = (config) => {
  const old = config as { retry: Record<string, unknown> };
  return {
    ...old,
    guarantee: 'exactly-once',
    order: 'partition',
    retry: { ...old.retry, order: 'in-order', exceptFor: '' },
    idempotency: { window: 'off' },
    instances: 1,
    concurrency: 4,
    whenDeleted: 'earliest',
  };
};

/** Rule TP6: what a producer does while a reader of its topics is at its limit. */
export const whenFullField = z.enum(['block', 'drop', 'fail']).meta({
  title: 'When a reader is full',
  description:
    'Block: wait for it. Drop: go on, and count what is left out. Fail: end the producer, or refuse the request.',
  advanced: true,
});

/** Version 1 knew one answer to a full reader: generators and recordings waited, HTTP requests were refused. */
export const addWhenFull =
  (whenFull: z.infer<typeof whenFullField>): ConfigMigration =>
  (config) => ({ ...(config as object), whenFull });

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

export function initialDelivery(): ConsumerDelivery & { afterLastAttempt: 'dead-letter' } {
  return {
    guarantee: 'exactly-once',
    order: 'partition',
    retry: {
      attemptsMax: 3,
      backoff: 'exponential',
      delayMs: 200,
      delayMsMax: 30_000,
      jitter: 0.2,
      order: 'in-order',
      exceptFor: '',
    },
    afterLastAttempt: 'dead-letter',
    idempotency: { window: 'off' },
    instances: 1,
    concurrency: 4,
    startFrom: { at: 'earliest' },
    whenDeleted: 'earliest',
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
