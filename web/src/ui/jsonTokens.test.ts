import { describe, expect, it } from 'vitest';
import { prettyTokens } from './jsonTokens.ts';

const pretty = (text: string): string =>
  prettyTokens(text)
    .map((token) => token.text)
    .join('');

describe('prettyTokens', () => {
  it('indents like JSON.stringify', () => {
    const value = { a: 1, b: ['x: {', { c: null }, []], d: {}, 'e"': -1.5e3 };
    expect(pretty(JSON.stringify(value))).toBe(JSON.stringify(value, null, 2));
  });

  it('keeps every digit of large numbers', () => {
    expect(pretty('{"id":12345678901234567890.10}')).toBe('{\n  "id": 12345678901234567890.10\n}');
  });

  it('shows text that was cut in the middle', () => {
    expect(pretty('{"a":"cut he')).toBe('{\n  "a": "cut he');
  });

  it('tells keys from strings', () => {
    expect(
      prettyTokens('{"a":"b"}')
        .filter((token) => token.kind === 'key')
        .map((token) => token.text),
    ).toEqual(['"a"']);
  });
});
