import type { ColumnType } from '@millrace/shared/flow/records/database.ts';
import type { Message } from '@millrace/shared/message/message.ts';
import { keyText, readPath } from '@millrace/shared/message/payloadPath.ts';
import type { Delivery } from '../../../engine/io.ts';
import type { DatabaseConfig } from './tableShape.ts';

export type SqlValue = string | number | bigint | boolean | null;
/** Values in the order of the table's columns; the first is the key. */
export type Row = { key: string; values: SqlValue[]; order: number };
export type RowReading = { ok: true; row: Row } | { ok: false; sentence: string };

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/** What of a message goes into its row, or why it does not fit. */
export function rowOf(config: DatabaseConfig, { message, offset }: Delivery): RowReading {
  const { rowKey, columns, newerWins } = config;
  const needsPayload = rowKey.from === 'payload' || columns.as === 'columns';
  const payload: unknown = needsPayload ? JSON.parse(message.data) : null;
  const key = keyValue(rowKey, message, payload);
  if (key === null) {
    const what = rowKey.from === 'payload' ? `${rowKey.path} in its payload` : 'a key';
    return { ok: false, sentence: `The message has no ${what}, which tells its row` };
  }
  const values: SqlValue[] = [key];
  // A payload that is one column goes there as it is, however large its numbers.
  if (columns.as === 'json') values.push(message.data);
  else {
    for (const { name, path, type } of columns.columns) {
      const value = readPath(payload, path === '' ? name : path) ?? null;
      const converted = convert(type, value);
      if (converted === undefined)
        return { ok: false, sentence: `${name}: ${excerpt(value)} is no ${NOUNS[type]}` };
      values.push(converted);
    }
  }
  const order = newerWins === 'offset' ? offset : message.timeMs;
  if (newerWins !== 'no') values.push(BigInt(Math.floor(order)));
  return { ok: true, row: { key, values, order } };
}

/** One row for each key, as the database would be left with: for statements that may touch a row only once. */
export function lastOfEachKey(rows: readonly Row[], isOrdered: boolean): Row[] {
  const kept = new Map<string, Row>();
  for (const row of rows) {
    const before = kept.get(row.key);
    if (before === undefined || !isOrdered || row.order >= before.order) kept.set(row.key, row);
  }
  return [...kept.values()];
}

function keyValue(rowKey: DatabaseConfig['rowKey'], message: Message, payload: unknown): string | null {
  if (rowKey.from === 'id') return message.id;
  return rowKey.from === 'key' ? message.key : keyText(readPath(payload, rowKey.path));
}

const NOUNS: Readonly<Record<ColumnType, string>> = {
  text: 'text',
  integer: 'whole number of 64 bits',
  real: 'number',
  boolean: 'boolean',
  json: 'JSON',
};

/** Undefined for a value that the column cannot hold as it is meant. */
function convert(type: ColumnType, value: unknown): SqlValue | undefined {
  if (type === 'json') return value === null ? null : JSON.stringify(value);
  if (value === null) return null;
  switch (type) {
    case 'text':
      return typeof value === 'object' ? JSON.stringify(value) : String(value);
    case 'integer':
      return wholeNumber(value);
    case 'real':
      return realNumber(value);
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined;
  }
}

/** A number that JavaScript may have rounded is refused: a wrong amount is worse than none. */
function wholeNumber(value: unknown): bigint | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  if (typeof value !== 'string' || !/^-?\d{1,19}$/.test(value)) return undefined;
  const whole = BigInt(value);
  return whole >= INT64_MIN && whole <= INT64_MAX ? whole : undefined;
}

function realNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

const EXCERPT_CHARS_MAX = 80;

function excerpt(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > EXCERPT_CHARS_MAX ? `${text.slice(0, EXCERPT_CHARS_MAX)}…` : text;
}
