import { describe, expect, it } from 'vitest';
import { keyOf, readPath } from './payloadPath.ts';

describe('payload paths', () => {
  it('read nested fields and list entries', () => {
    const payload = { customer: { id: 7 }, items: [{ sku: 'a' }] };
    expect(readPath(payload, 'customer.id')).toBe(7);
    expect(readPath(payload, 'items.0.sku')).toBe('a');
    expect(readPath(payload, '')).toBe(payload);
  });

  it('prefer a field whose own name has dots', () => {
    expect(readPath({ 'customer.id': 1, customer: { id: 2 } }, 'customer.id')).toBe(1);
    expect(readPath({ a: { 'b.c': 3 } }, 'a.b.c')).toBe(3);
  });

  it('find nothing where nothing is, not even what every object inherits', () => {
    for (const path of [
      'missing',
      'customer.missing',
      'customer.id.deeper',
      'constructor',
      'customer.__proto__',
    ]) {
      expect(readPath({ customer: { id: 7 } }, path)).toBeUndefined();
    }
    expect(readPath(null, 'a')).toBeUndefined();
    expect(readPath('text', 'length')).toBeUndefined();
  });

  it('[TP2] make keys of scalars only', () => {
    const data = JSON.stringify({
      text: 'ak',
      number: 12.5,
      yes: true,
      nothing: null,
      object: {},
      list: [1],
    });
    expect(keyOf(data, 'text')).toBe('ak');
    expect(keyOf(data, 'number')).toBe('12.5');
    expect(keyOf(data, 'yes')).toBe('true');
    for (const path of ['nothing', 'missing', 'object', 'list', '']) expect(keyOf(data, path)).toBeNull();
    expect(keyOf('not json', 'text')).toBeNull();
  });
});
