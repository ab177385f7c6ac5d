import { type ColumnType, ORDER_COLUMN } from '@millrace/shared/flow/records/database.ts';
import type { FlowNodeOf } from '@millrace/shared/flow/records/node.ts';

export type DatabaseConfig = FlowNodeOf<'database'>['config'];

export type Column = { name: string; type: ColumnType };

/** The columns that one node writes; the first is the key. */
export type TableShape = {
  table: string;
  columns: readonly Column[];
  key: string;
  /** No row is overwritten by one whose order is lower. */
  isOrdered: boolean;
};

export function shapeOf({ table, keyColumn, columns, newerWins }: DatabaseConfig): TableShape {
  const isOrdered = newerWins !== 'no';
  return {
    table,
    key: keyColumn,
    isOrdered,
    columns: [
      { name: keyColumn, type: 'text' },
      ...(columns.as === 'json' ? [{ name: columns.column, type: 'json' as const }] : columns.columns),
      ...(isOrdered ? [{ name: ORDER_COLUMN, type: 'integer' as const }] : []),
    ],
  };
}
