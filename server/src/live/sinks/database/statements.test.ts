import { describe, expect, it } from 'vitest';
import { testNode } from '../../testNodes.ts';
import { createTable, POSTGRES, quoted, SQLITE, upsert } from './statements.ts';
import { shapeOf } from './tableShape.ts';

const shape = (config: Parameters<typeof testNode<'database'>>[1]) =>
  shapeOf(testNode('database', config).config);
const orders = shape({
  table: 'Orders',
  keyColumn: 'order_id',
  columns: { as: 'columns', columns: [{ name: 'amount', path: 'amount', type: 'real' }] },
});

describe('SQL', () => {
  it('[KD15] creates the table with types of the database', () => {
    expect(createTable(SQLITE, orders)).toBe(
      'CREATE TABLE IF NOT EXISTS "Orders" ("order_id" TEXT NOT NULL PRIMARY KEY, "amount" REAL) STRICT',
    );
    expect(createTable(POSTGRES, shape({}))).toBe(
      'CREATE TABLE IF NOT EXISTS "messages" ("id" text NOT NULL PRIMARY KEY, "data" jsonb)',
    );
  });

  it('[KD15] writes each row in place of the one with its key', () => {
    expect(upsert(POSTGRES, orders, 2)).toBe(
      'INSERT INTO "Orders" ("order_id", "amount") VALUES ($1, $2), ($3, $4) ON CONFLICT ("order_id") DO UPDATE SET "amount" = excluded."amount"',
    );
    expect(upsert(SQLITE, orders, 1)).toBe(
      'INSERT INTO "Orders" ("order_id", "amount") VALUES (?, ?) ON CONFLICT ("order_id") DO UPDATE SET "amount" = excluded."amount"',
    );
  });

  it('[KD15] leaves a row alone that is nothing but its key', () => {
    expect(upsert(SQLITE, shape({ columns: { as: 'columns', columns: [] } }), 1)).toMatch(/ DO NOTHING$/);
  });

  it('[KD17] overwrites only what is not newer', () => {
    expect(upsert(SQLITE, shape({ newerWins: 'time' }), 1)).toMatch(
      / DO UPDATE SET "data" = excluded."data", "message_order" = excluded."message_order" WHERE "messages"."message_order" IS NULL OR "messages"."message_order" <= excluded."message_order"$/,
    );
  });

  it('[KD20] quotes names, whatever they hold', () => {
    expect(quoted('a"; DROP TABLE b; --')).toBe('"a""; DROP TABLE b; --"');
  });
});
