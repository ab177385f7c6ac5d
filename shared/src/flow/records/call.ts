import { z } from 'zod';
import { consumerFields, DEAD_LETTER_PORT, initialDelivery, OUT_PORT } from './delivery.ts';
import { defineNodeKind } from './kind.ts';

export const CALL_METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** Nothing of a message may choose whom to call: the fields of an address begin after its host. */
const URL_PATTERN = /^(https?:\/\/[^/?#{}\s]+|\$\{[A-Z][A-Z0-9_]*\})([/?#]\S*)?$/;

/** Headers that say how a message is carried are the client's business. */
const HEADER_PATTERN =
  /^(?!(?:connection|content-length|expect|host|keep-alive|te|trailer|transfer-encoding|upgrade)$)[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/i;

export const callHeaderSchema = z.strictObject({
  name: z
    .string()
    .regex(HEADER_PATTERN, 'A header name; those of the connection itself are set for you')
    .meta({
      title: 'Header',
      placeholder: 'authorization',
    }),
  value: z
    .string()
    .max(4096)
    .regex(/^[^\r\n]*$/, 'One line')
    .meta({ title: 'Value', placeholder: 'Bearer ${FLOW_TOKEN}' }),
});

const bodySchema = z
  .discriminatedUnion('from', [
    z.strictObject({ from: z.literal('payload') }).meta({ title: 'Payload' }),
    z
      .strictObject({
        from: z.literal('json'),
        template: z.string().max(262_144).meta({
          title: 'JSON',
          widget: 'message-template',
          description: 'A string that is one {{…}} becomes the value with its type: "{{data.amount}}".',
        }),
      })
      .meta({ title: 'JSON' }),
    z
      .strictObject({
        from: z.literal('text'),
        template: z.string().max(262_144).meta({ title: 'Text', widget: 'textarea' }),
      })
      .meta({ title: 'Text' }),
    z.strictObject({ from: z.literal('none') }).meta({ title: 'None' }),
  ])
  .meta({ title: 'Body', description: 'What is sent. GET sends none.' });

export const callConfigSchema = z.strictObject({
  method: z.enum(CALL_METHODS).meta({ title: 'Method' }),
  url: z
    .string()
    .max(4096)
    .regex(URL_PATTERN, 'An address such as https://example.com/orders/{{data.id}}, its host without {{…}}')
    .meta({
      title: 'URL',
      description:
        '{{id}}, {{key}} and {{data.…}} are filled in from the message, encoded; ${FLOW_…} from the environment.',
      placeholder: 'https://example.com/orders/{{data.id}}',
    }),
  headers: z.array(callHeaderSchema).max(32).meta({ title: 'Headers', widget: 'rows' }),
  body: bodySchema,
  eventType: z.string().max(256).meta({
    title: 'Event type',
    description: 'The CloudEvents type of an answer. Empty: that of the message.',
    placeholder: 'com.example.order.answered',
  }),
  timeoutMs: z.int().min(1).max(300_000).meta({
    title: 'Time limit',
    unit: 'ms',
    description: 'A call that takes longer is given up and counts as timed out.',
  }),
  success: z
    .string()
    .max(256)
    .regex(
      /^\s*[1-5]\d\d(\s*-\s*[1-5]\d\d)?(\s*,\s*[1-5]\d\d(\s*-\s*[1-5]\d\d)?)*\s*$/,
      'Such as 200-299, 404',
    )
    .meta({
      title: 'Success',
      description: 'Status codes and ranges that count as an answer; any other fails the attempt.',
      placeholder: '200-299',
      advanced: true,
    }),
  idempotencyKey: z.boolean().meta({
    title: 'Send Idempotency-Key',
    description:
      'The message’s id as a header, the same for every attempt, so that the receiver can tell repeats.',
    advanced: true,
  }),
  responseBytesMax: z.int().min(0).max(1_048_576).meta({
    title: 'Largest answer',
    unit: 'bytes',
    description: 'A larger answer fails the attempt.',
    advanced: true,
  }),
  responseHeaders: z
    .string()
    .max(1024)
    .regex(/^[a-z0-9!#$%&'*+.^_`|~,\s-]*$/i, 'Header names, separated by commas')
    .meta({
      title: 'Headers of the answer',
      description: 'Names of those that are passed on, separated by commas.',
      placeholder: 'content-type, etag',
      advanced: true,
    }),
  ...consumerFields,
});

/** Calls somebody over HTTP for each message and passes the answer on. Rules KD9 to KD14. */
export const call = defineNodeKind({
  kind: 'call',
  family: 'consumer',
  title: 'HTTP call',
  summary: 'Calls an address for each message and passes the answer on',
  keywords: ['request', 'rest', 'api', 'webhook', 'post', 'fetch', 'enrich', 'consumer'],
  config: callConfigSchema,
  initial: () => {
    const delivery = initialDelivery();
    return {
      method: 'POST' as const,
      url: 'http://127.0.0.1:8080/events',
      headers: [],
      body: { from: 'payload' as const },
      eventType: '',
      timeoutMs: 10_000,
      success: '200-299',
      idempotencyKey: true,
      responseBytesMax: 262_144,
      responseHeaders: 'content-type',
      ...delivery,
      // Those who are called are away for longer than code takes to be tried again.
      retry: { ...delivery.retry, attemptsMax: 8, delayMs: 500 },
    };
  },
  outputs: () => [{ ...OUT_PORT, isOptional: true }, DEAD_LETTER_PORT],
  migrations: [],
});
