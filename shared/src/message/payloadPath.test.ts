import { describe, expect, it } from 'vitest';
import { keyOf, keyText, readPath } from './payloadPath.ts';

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

  it.each([
    ['{"id":"a","id":"b"}', 'b'],
    ['{"id":"a","id":7}', '7'],
    ['{"nested":{"id":"a"},"id":"b"}', 'b'],
    ['{"id":"a","nested":{"id":"b"}}', 'a'],
    ['{"list":[{"id":"a"}]}', null],
    ['{"nested":{"id":"a"}}', null],
    ['{"text":"\\"id\\":\\"a\\"","id":"b"}', 'b'],
    ['{"\\u0069d":"a"}', 'a'],
    ['{"id":"a\\u0062"}', 'ab'],
    ['{ "id" : "a" }', 'a'],
    ['{"id": "a"}', 'a'],
    ['{"note":"id","id":"a"}', 'a'],
    ['{"id":"","x":"id"}', ''],
    ['{"id":{"id":"a"}}', null],
    ['["id","a"]', null],
    ['{"id":"ü😀"}', 'ü😀'],
    ['{"id":"a{b","x":1}', 'a{b'],
    ['{"x":"{","id":"a"}', 'a'],
  ])('[TP2] find the key that the whole payload would give: %s', (data, key) => {
    expect(keyOf(data, 'id')).toBe(key);
    expect(keyOf(data, 'id')).toBe(keyText(readPath(JSON.parse(data), 'id')));
  });

  it('[TP2] find keys of any name', () => {
    for (const name of ['a.b', 'say "hi"', 'back\\slash', 'ü', ' ', '"', '{']) {
      expect(keyOf(JSON.stringify({ before: 1, [name]: 'found' }), name)).toBe('found');
      expect(keyOf(JSON.stringify({ before: name }), name)).toBeNull();
    }
  });
});
