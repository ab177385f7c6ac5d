import { describe, expect, it } from 'vitest';
import type { Message } from './message.ts';
import { compileMessageJson, compileMessageText, compileMessageUrl, factsOf } from './messageTemplate.ts';

const message = (data: unknown, changes: Partial<Message> = {}): Message => ({
  id: 'id-1',
  source: '/s',
  type: 'test.happened',
  timeMs: Date.UTC(2026, 0, 1),
  key: 'k 1',
  correlationId: 'c',
  causationId: null,
  data: JSON.stringify(data),
  ...changes,
});

const url = (text: string, data: unknown, changes: Partial<Message> = {}) =>
  compileMessageUrl('URL', text)(factsOf(message(data, changes)));
const text = (template: string, data: unknown) =>
  compileMessageText('Body', template)(factsOf(message(data)));
const json = (template: string, data: unknown): unknown =>
  JSON.parse(compileMessageJson('Body', template)(factsOf(message(data))));

describe('a message template', () => {
  it('[KD9] fills in attributes and paths of the payload', () => {
    expect(
      text('{{id}} {{type}} {{time}} {{key}} {{data.a.b}} {{ data.list.1 }}', { a: { b: 7 }, list: [1, 2] }),
    ).toBe('id-1 test.happened 2026-01-01T00:00:00.000Z k 1 7 2');
    expect(text('[{{data.missing}}{{subject}}] {{data}}', { a: 1 })).toBe('[] {"a":1}');
  });

  it('[KD9] keeps the types of values in JSON, and makes null of what is missing', () => {
    expect(
      json('{"n":"{{data.n}}","whole":"{{data}}","say":"it is {{data.n}}","none":"{{data.x}}"}', { n: 5 }),
    ).toEqual({ n: 5, whole: { n: 5 }, say: 'it is 5', none: null });
  });

  it('[KD9] encodes what is put into an address, so that it stays in its place', () => {
    expect(url('https://h/o/{{data.id}}?q={{key}}#{{id}}', { id: 'a/b?c=d&e#f' })).toEqual({
      ok: true,
      url: 'https://h/o/a%2Fb%3Fc%3Dd%26e%23f?q=k%201#id-1',
    });
    expect(url('https://h/{{data.id}}', { id: '\ud800' })).toEqual({ ok: true, url: 'https://h/%EF%BF%BD' });
  });

  it.each([undefined, null, '', { a: 1 }, [1]])('[KD9] makes no address with %j in it', (id) => {
    expect(url('https://h/o/{{data.id}}', { id })).toMatchObject({
      ok: false,
      sentence: expect.stringContaining('{{data.id}}'),
    });
  });

  it.each(['.', '..'])('[KD9] makes no address that %s would lead elsewhere', (id) => {
    expect(url('https://h/o/{{data.id}}', { id }).ok).toBe(false);
    expect(url('https://h/o/{{data.id}}/x', { id }).ok).toBe(false);
    expect(url('https://h/o?q={{data.id}}', { id }).ok).toBe(true);
  });

  it('refuses fields that it does not know, and braces that are left open', () => {
    expect(() => compileMessageText('Body', 'a {{person.fullName}}')).toThrow(
      /^Body: {{person.fullName}} is not known\. Known are id, key, .* data\.customer\.id\.$/,
    );
    expect(() => compileMessageText('Body', 'a {{data')).toThrow(/never closed/);
    expect(() => compileMessageJson('Body', '{')).toThrow(/^Body is not JSON/);
  });
});
