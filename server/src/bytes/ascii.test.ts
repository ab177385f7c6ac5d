import { Buffer } from 'node:buffer';
import { expect, it } from 'vitest';
import { writeAscii } from './ascii.ts';
import { createByteArena } from './byteArena.ts';

it('writes text that is ASCII, and says when it is not', () => {
  const target = new Uint8Array(16);
  expect(writeAscii('', target)).toBe(true);
  expect(writeAscii('abc\n', target)).toBe(true);
  expect(Buffer.from(target.subarray(0, 5)).toString('latin1')).toBe('abc\n\0');
  for (const text of ['é', 'abcé', 'éabc', '😀', '\ud83d', 'a\udc00b', '\u0080'])
    expect(writeAscii(text, target), JSON.stringify(text)).toBe(false);
});

it('hands out room that nothing else has, until it is used anew', () => {
  const arena = createByteArena();
  const sizes = [10, 0, 2_000_000, 5, 700_000, 700_000];
  const taken = sizes.map((size, index) => arena.take(size).fill(index + 1));
  expect(taken.map(({ length }) => length)).toEqual(sizes);
  for (const [index, bytes] of taken.entries()) expect(bytes.every((byte) => byte === index + 1)).toBe(true);
  arena.reset();
  expect(arena.take(3)).toHaveLength(3);
});
