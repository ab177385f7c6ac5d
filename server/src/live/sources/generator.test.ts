import { describe, expect, it } from 'vitest';
import type { SourceItem } from '../../engine/io.ts';
import { testNode } from '../testNodes.ts';
import { createSource } from './registry.ts';

const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

async function generate(
  payload: unknown,
  options: {
    count?: number | null;
    key?: string;
    seed?: number;
    id?: string;
    from?: string | null;
    most?: number;
  } = {},
): Promise<{ items: SourceItem[]; done: boolean }> {
  const { count = null, key = '', seed = 1, id, from = null, most = 3 } = options;
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
  const node = testNode('generator', { count, key, payload: text, eventType: 'test.made' }, id);
  const source = await createSource(node, { fileFolders: [], seed, nowMs: () => NOW_MS, startedMs: NOW_MS });
  if (!source) throw new Error('a generator is a source');
  return source.read(from, most);
}

const dataOf = async (...args: Parameters<typeof generate>): Promise<unknown[]> =>
  (await generate(...args)).items.map(({ data }) => JSON.parse(data) as unknown);

describe('a generator', () => {
  it('makes typed values of strings that are one field, and text of the others', async () => {
    const payload = {
      index: '{{index}}',
      text: 'order {{index}} of {{ pick red }}',
      at: '{{now}}',
      ms: '{{time}}',
      fixed: [1, null, true, 'a"b', { 'ö"': {} }],
      flag: '{{datatype.boolean}}',
      amount: '{{number.int {"min":5,"max":5}}}',
      nested: '{{helpers.arrayElement [{"deep":{"a":1}}]}}',
    };
    expect((await dataOf(payload))[1]).toEqual({
      index: 1,
      text: 'order 1 of red',
      at: '2026-01-02T03:04:05.000Z',
      ms: NOW_MS,
      fixed: [1, null, true, 'a"b', { 'ö"': {} }],
      flag: expect.any(Boolean),
      amount: 5,
      nested: { deep: { a: 1 } },
    });
  });

  it('makes the same items again from the same cursor, whatever was read before', async () => {
    const payload = {
      id: '{{string.uuid}}',
      name: '{{person.fullName}}',
      when: '{{date.recent}}',
      n: '{{number.float}}',
    };
    const all = (await generate(payload, { most: 700 })).items;
    const some = (await generate(payload, { from: '300', most: 5 })).items;
    expect(some).toEqual(all.slice(300, 305));
    expect(new Set(all.map(({ data }) => data)).size).toBe(700);
  });

  it('makes other items for another seed and for another node', async () => {
    const one = await dataOf('{"id":"{{string.uuid}}"}');
    expect(await dataOf('{"id":"{{string.uuid}}"}', { seed: 2 })).not.toEqual(one);
    expect(await dataOf('{"id":"{{string.uuid}}"}', { id: 'node:other' })).not.toEqual(one);
  });

  it('makes UUIDs in the layout of version 4', async () => {
    for (const id of await dataOf('"{{string.uuid}}"', { most: 50 })) {
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
  });

  it('draws what pick offers', async () => {
    const drawn = new Set(await dataOf('"{{pick card | cash|bank transfer}}"', { most: 60 }));
    expect([...drawn].sort()).toEqual(['bank transfer', 'card', 'cash']);
  });

  it('ends after its count, also in the middle of a read', async () => {
    const { items, done } = await generate('{}', { count: 5, from: '3', most: 10 });
    expect([items.map(({ cursor }) => cursor), done]).toEqual([['4', '5'], true]);
    expect(await generate('{}', { count: 5, from: '5' })).toEqual({ items: [], done: true });
    expect((await generate('{}', { count: 5, from: '0', most: 4 })).done).toBe(false);
  });

  it('fills the key in like the payload', async () => {
    expect((await generate('{}', { key: 'c-{{index}}' })).items.map(({ key }) => key)).toEqual([
      'c-0',
      'c-1',
      'c-2',
    ]);
    expect((await generate('{}')).items[0]?.key).toBeNull();
  });

  it.each([
    ['{"a": }', /Payload is not JSON/],
    ['{"a": "{{number.int {"min":1}}}"}', /quotes of \{\{…\}\} are written \\"/],
    [
      '{"a": "{{person.fulName}}"}',
      /Payload\.a: person\.fulName is not known\. Did you mean person\.fullName\?/,
    ],
    ['{"a": ["x", "{{fullName}}"]}', /Payload\.a\[1\]: .*Did you mean person\.fullName\?/],
    ['{"a": "{{}}"}', /An empty \{\{\}\} is not known/],
    ['{"a": "{{constructor.constructor}}"}', /is not known/],
    ['{"a": "{{helpers.constructor}}"}', /is not known/],
    ['{"a": "{{number.int min}}"}', /must be JSON/],
    ['{"a": "x {{index"}', /"\{\{index" opens a \{\{…\}\} that is never closed/],
    ['{"a": "{{number.int {\\"min\\":1}}"}', /never closed/],
    ['{"a": "{{pick}}"}', /pick needs choices/],
    ['{"a": "{{number.int {\\"min\\":9,\\"max\\":1}}}"}', /number\.int does not work so/],
  ])('refuses %s and says why', async (payload, reason) => {
    await expect(generate(payload)).rejects.toMatchObject({
      code: 'TEMPLATE_INVALID',
      message: expect.stringMatching(reason),
    });
  });
});
