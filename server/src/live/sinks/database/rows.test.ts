import type { ColumnType } from '@millrace/shared/flow/records/database.ts';
import { describe, expect, it } from 'vitest';
import { deliveryOf } from '../../../sandbox/contract/deliveries.ts';
import { testNode } from '../../testNodes.ts';
import { lastOfEachKey, type Row, rowOf } from './rows.ts';

type Config = Parameters<typeof testNode<'database'>>[1];
const reading = (config: Config, data: unknown, changes = {}) =>
  rowOf(testNode('database', config).config, deliveryOf(data, 3, changes));
const oneColumn = (type: ColumnType, value: unknown) =>
  reading({ columns: { as: 'columns', columns: [{ name: 'c', path: 'v', type }] } }, { v: value });

describe('the row of a message', () => {
  it('[KD15] is told by the id of its message, its key or a path into its payload', () => {
    expect(reading({ rowKey: { from: 'id' } }, {})).toMatchObject({ row: { key: 'message-3' } });
    expect(reading({ rowKey: { from: 'key' } }, {})).toMatchObject({ row: { key: 'key-3' } });
    expect(reading({ rowKey: { from: 'payload', path: 'a.b' } }, { a: { b: 7 } })).toMatchObject({
      row: { key: '7' },
    });
  });

  it.each([undefined, null, {}, []])('[KD15] is none when %j should tell it', (id) => {
    expect(reading({ rowKey: { from: 'payload', path: 'id' } }, { id })).toEqual({
      ok: false,
      sentence: 'The message has no id in its payload, which tells its row',
    });
  });

  it('[KD16] holds a payload in one column as it is', () => {
    const delivery = deliveryOf({});
    delivery.message.data = '{"big": 12345678901234567890}';
    expect(rowOf(testNode('database').config, delivery)).toMatchObject({
      row: { values: ['message-0', '{"big": 12345678901234567890}'] },
    });
  });

  it.each<[ColumnType, unknown, unknown]>([
    ['text', 'a', 'a'],
    ['text', 7, '7'],
    ['text', { a: 1 }, '{"a":1}'],
    ['integer', 7, 7n],
    ['integer', '9223372036854775807', 9223372036854775807n],
    ['real', 7.5, 7.5],
    ['real', '7.5', 7.5],
    ['boolean', true, true],
    ['json', 'a', '"a"'],
    ['json', { a: 1 }, '{"a":1}'],
    ['integer', null, null],
    ['integer', undefined, null],
    ['json', undefined, null],
  ])('[KD16] makes a value of type %s from %j', (type, value, expected) => {
    expect(oneColumn(type, value)).toMatchObject({ row: { values: ['message-3', expected] } });
  });

  it('[KD16] takes the field of the column’s name where no path is given', () => {
    const columns = { as: 'columns' as const, columns: [{ name: 'n', path: '', type: 'integer' as const }] };
    expect(reading({ columns }, { n: 7 })).toMatchObject({ row: { values: ['message-3', 7n] } });
  });

  it.each<[ColumnType, unknown]>([
    ['integer', 7.5],
    ['integer', 'x'],
    ['integer', 2 ** 53],
    ['integer', '9223372036854775808'],
    ['real', ' '],
    ['real', 'x'],
    ['boolean', 1],
    ['boolean', 'true'],
  ])('[KD16] refuses a value of type %s from %j', (type, value) => {
    expect(oneColumn(type, value)).toMatchObject({
      ok: false,
      sentence: expect.stringMatching(/^c: .* is no /),
    });
  });

  it('[KD17] remembers offset or time where newer ones win', () => {
    expect(reading({ newerWins: 'offset' }, {})).toMatchObject({
      row: { order: 3, values: ['message-3', '{}', 3n] },
    });
    expect(reading({ newerWins: 'time' }, {})).toMatchObject({ row: { order: Date.UTC(2026, 0, 1) + 3 } });
  });
});

describe('rows of one statement', () => {
  const row = (key: string, order: number): Row => ({ key, order, values: [key, order] });

  it('[KD15] are one for each key, the last', () => {
    expect(lastOfEachKey([row('a', 2), row('b', 1), row('a', 1)], false)).toEqual([row('a', 1), row('b', 1)]);
  });

  it('[KD17] are the newest of each key where newer ones win', () => {
    expect(lastOfEachKey([row('a', 2), row('a', 1), row('a', 2)], true)).toEqual([row('a', 2)]);
  });
});
