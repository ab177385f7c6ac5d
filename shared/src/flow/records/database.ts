import { z } from 'zod';
import { consumerFields, DEAD_LETTER_PORT, initialDelivery, OUT_PORT } from './delivery.ts';
import { defineNodeKind } from './kind.ts';

const nameSchema = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, 'Letters, digits and underscores, no digit first');

/** Remembers which message a row is from, where newer ones win. */
export const ORDER_COLUMN = 'message_order';

export const COLUMN_TYPES = ['text', 'integer', 'real', 'boolean', 'json'] as const;
export type ColumnType = (typeof COLUMN_TYPES)[number];

export const databaseColumnSchema = z.strictObject({
  name: nameSchema.meta({ title: 'Column', placeholder: 'amount' }),
  path: z.string().max(256).meta({ title: 'Path', placeholder: 'as the column' }),
  type: z.enum(COLUMN_TYPES).meta({ title: 'Type' }),
});

const targetSchema = z
  .discriminatedUnion('engine', [
    z
      .strictObject({
        engine: z.literal('sqlite'),
        file: z
          .string()
          .regex(
            /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
            'A file name of letters, digits, dots, dashes and underscores',
          )
          .meta({
            title: 'File name',
            description: 'An SQLite file in the folder of the run.',
            placeholder: 'orders.db',
          }),
      })
      .meta({ title: 'SQLite' }),
    z
      .strictObject({
        engine: z.literal('postgres'),
        connection: z.string().min(1).max(1024).meta({
          title: 'Connection',
          description:
            '${FLOW_…} is read from the environment of the server, so that no password is in the drawing.',
          placeholder: 'postgres://app:${FLOW_DB_PASSWORD}@localhost/shop',
        }),
      })
      .meta({ title: 'PostgreSQL' }),
  ])
  .meta({ title: 'Database' });

const rowKeySchema = z
  .discriminatedUnion('from', [
    z.strictObject({ from: z.literal('id') }).meta({ title: 'Message id' }),
    z.strictObject({ from: z.literal('key') }).meta({ title: 'Key' }),
    z
      .strictObject({
        from: z.literal('payload'),
        path: z.string().min(1).max(256).meta({ title: 'Path', placeholder: 'customer.id' }),
      })
      .meta({ title: 'Payload' }),
  ])
  .meta({
    title: 'Row',
    description: 'What tells rows apart: a message with the value of a row replaces it.',
  });

const columnsSchema = z
  .discriminatedUnion('as', [
    z
      .strictObject({
        as: z.literal('json'),
        column: nameSchema.meta({ title: 'Column', placeholder: 'data' }),
      })
      .meta({ title: 'One, as JSON' }),
    z
      .strictObject({
        as: z.literal('columns'),
        columns: z.array(databaseColumnSchema).max(64).meta({
          title: 'Mapping',
          widget: 'rows',
          description:
            'A path into the payload for each column, empty for a field of the column’s name. What is missing becomes NULL.',
        }),
      })
      .meta({ title: 'One per value' }),
  ])
  .meta({ title: 'Columns' });

export const databaseConfigSchema = z.strictObject({
  target: targetSchema,
  table: nameSchema.meta({ title: 'Table', placeholder: 'orders' }),
  rowKey: rowKeySchema,
  keyColumn: nameSchema.meta({
    title: 'Key column',
    description: 'Must be unique in the table.',
    advanced: true,
  }),
  columns: columnsSchema,
  newerWins: z.enum(['no', 'offset', 'time']).meta({
    title: 'Newer wins',
    description:
      'A row remembers the offset or the time of its message in a column message_order, and no older one overwrites it.',
    advanced: true,
  }),
  createTable: z
    .boolean()
    .meta({ title: 'Create the table', description: 'When it is missing.', advanced: true }),
  timeoutMs: z.int().min(100).max(300_000).meta({
    title: 'Time limit',
    unit: 'ms',
    description: 'How long connecting and each statement may take.',
    advanced: true,
  }),
  ...consumerFields,
});

/** Writes each message to a row of a table, once however often it is handled. Rules KD15 to KD20. */
export const database = defineNodeKind({
  kind: 'database',
  family: 'consumer',
  title: 'Database',
  summary: 'Writes each message to a row of SQLite or PostgreSQL',
  keywords: ['sql', 'sqlite', 'postgres', 'postgresql', 'table', 'upsert', 'insert', 'sink', 'consumer'],
  config: databaseConfigSchema,
  initial: () => {
    const delivery = initialDelivery();
    return {
      target: { engine: 'sqlite' as const, file: 'messages.db' },
      table: 'messages',
      rowKey: { from: 'id' as const },
      keyColumn: 'id',
      columns: { as: 'json' as const, column: 'data' },
      newerWins: 'no' as const,
      createTable: true,
      timeoutMs: 10_000,
      ...delivery,
      // Databases are away for longer than code takes to be tried again; what one refuses, it refuses again.
      retry: { ...delivery.retry, attemptsMax: 10, delayMs: 500, exceptFor: 'DATABASE_REFUSED' },
    };
  },
  outputs: () => [{ ...OUT_PORT, isOptional: true }, DEAD_LETTER_PORT],
  migrations: [],
});
