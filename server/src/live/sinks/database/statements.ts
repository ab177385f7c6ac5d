import { type ColumnType, ORDER_COLUMN } from '@millrace/shared/flow/records/database.ts';
import type { TableShape } from './tableShape.ts';

/** What the SQL of two databases differs in. */
export type Dialect = {
  types: Readonly<Record<ColumnType, string>>;
  /** What follows the columns of a new table. */
  tableSuffix: string;
  /** The parameter of that number, counted from 1. */
  parameter(number: number): string;
};

export const SQLITE: Dialect = {
  types: { text: 'TEXT', integer: 'INTEGER', real: 'REAL', boolean: 'INTEGER', json: 'TEXT' },
  // Without it, SQLite would take a text for a number.
  tableSuffix: ' STRICT',
  parameter: () => '?',
};

export const POSTGRES: Dialect = {
  types: { text: 'text', integer: 'bigint', real: 'double precision', boolean: 'boolean', json: 'jsonb' },
  tableSuffix: '',
  parameter: (number) => `$${number}`,
};

/** Names never reach a statement but through here, and values only as parameters. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function createTable(dialect: Dialect, { table, key, columns }: TableShape): string {
  const lines = columns.map(
    ({ name, type }) =>
      `${quoted(name)} ${dialect.types[type]}${name === key ? ' NOT NULL PRIMARY KEY' : ''}`,
  );
  return `CREATE TABLE IF NOT EXISTS ${quoted(table)} (${lines.join(', ')})${dialect.tableSuffix}`;
}

/** Writes rows, each in place of the one with its key. A row that stays as it is because it is newer is no failure. */
export function upsert(
  dialect: Dialect,
  { table, key, columns, isOrdered }: TableShape,
  rows: number,
): string {
  const names = columns.map(({ name }) => quoted(name));
  const values = Array.from({ length: rows }, (_, row) => {
    const parameters = columns.map((_column, index) => dialect.parameter(row * columns.length + index + 1));
    return `(${parameters.join(', ')})`;
  });
  const others = columns.filter(({ name }) => name !== key).map(({ name }) => quoted(name));
  const order = `${quoted(table)}.${quoted(ORDER_COLUMN)}`;
  const newer = isOrdered ? ` WHERE ${order} IS NULL OR ${order} <= excluded.${quoted(ORDER_COLUMN)}` : '';
  const action =
    others.length === 0
      ? 'DO NOTHING'
      : `DO UPDATE SET ${others.map((name) => `${name} = excluded.${name}`).join(', ')}${newer}`;
  return `INSERT INTO ${quoted(table)} (${names.join(', ')}) VALUES ${values.join(', ')} ON CONFLICT (${quoted(key)}) ${action}`;
}
