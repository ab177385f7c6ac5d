import { describe, expect, it } from 'vitest';
import { hash128, murmur2, partitionForKey } from './murmur.ts';
import { utf8Bytes } from './utf8.ts';

describe('murmur2', () => {
  // The vectors of Kafka's own test, `org.apache.kafka.common.utils.UtilsTest.testMurmur2`.
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('[TP2] hashes %s as Kafka does', (text, expected) => {
    expect(murmur2(utf8Bytes(text))).toBe(expected);
    expect(partitionForKey(text, 1000)).toBe((expected & 0x7fffffff) % 1000);
  });
});

describe('hash128', () => {
  it('[MS2] keeps its values for ever, since ids are made of them', () => {
    expect(hash128('')).toEqual(hash128(''));
    expect(hash128('node:a\n1')).not.toEqual(hash128('node:a\n2'));
    expect(hash128('Millrace')).toMatchInlineSnapshot(`
      [
        2492587947,
        1049643121,
        571619016,
        1792688808,
      ]
    `);
    expect(hash128('żółw 😀 '.repeat(300))).toMatchInlineSnapshot(`
      [
        3592460816,
        635786703,
        3416429329,
        4008920446,
      ]
    `);
  });
});
