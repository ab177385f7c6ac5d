import { writeUtf8 } from './utf8.ts';

const M = 0x5bd1e995;
const LINE_FEED = 10;
/** Where an encoding ends that was given up: no sum of lengths comes to it. */
const NOT_ASCII = -2;

/** 32-bit MurmurHash2 with Kafka's seed, as `org.apache.kafka.common.utils.Utils.murmur2` computes it. */
export function murmur2(bytes: Uint8Array, length = bytes.length): number {
  let hash = 0x9747b28c ^ length;
  const blocks = length >> 2;
  for (let i = 0; i < blocks; i++) {
    const at = i << 2;
    let k =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    k = Math.imul(k, M);
    k ^= k >>> 24;
    k = Math.imul(k, M);
    hash = Math.imul(hash, M) ^ k;
  }
  const tail = length & ~3;
  const rest = length & 3;
  if (rest === 3) hash ^= (bytes[tail + 2] as number) << 16;
  if (rest >= 2) hash ^= (bytes[tail + 1] as number) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ (bytes[tail] as number), M);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, M);
  return (hash ^ (hash >>> 15)) | 0;
}

/** The partition Kafka's default partitioner chooses for a non-null string key: positive murmur2 modulo the count. */
export function partitionForKey(key: string, partitions: number): number {
  const length = encode(key);
  return (murmur2(scratch, length) & 0x7fffffff) % partitions;
}

export type Hash128 = [number, number, number, number];

/** Four 32-bit lanes of MurmurHash3 (x86, 32 bits) with different seeds. Not cryptographic; used for derived ids. */
export function hash128(text: string): Hash128 {
  return hashScratch(encode(text));
}

/** The hash of `${first}\n${second}\n${third}`, without putting that text together. */
export function hash128Lines(first: string, second: string, third: string): Hash128 {
  const length = first.length + second.length + third.length + 2;
  if (length > scratch.length) return hash128(`${first}\n${second}\n${third}`);
  const afterFirst = encodeAscii(first, 0);
  const afterSecond = encodeAscii(second, afterFirst + 1);
  const end = encodeAscii(third, afterSecond + 1);
  if (end !== length) return hash128(`${first}\n${second}\n${third}`);
  scratch[afterFirst] = LINE_FEED;
  scratch[afterSecond] = LINE_FEED;
  return hashScratch(length);
}

/** Of the first `length` bytes of the scratch buffer. */
function hashScratch(length: number): Hash128 {
  const bytes = scratch;
  let a = 0x2c9a1f35;
  let b = 0x71b8e60d;
  let c = 0x5d3f4c27;
  let d = 0x19e08a4b;
  const blocks = length >> 2;
  for (let i = 0; i < blocks; i++) {
    const at = i << 2;
    const k = mixBlock(
      (bytes[at] as number) |
        ((bytes[at + 1] as number) << 8) |
        ((bytes[at + 2] as number) << 16) |
        ((bytes[at + 3] as number) << 24),
    );
    a = mixIn(a, k);
    b = mixIn(b, k);
    c = mixIn(c, k);
    d = mixIn(d, k);
  }
  const tail = length & ~3;
  if (tail !== length) {
    let rest = 0;
    for (let i = length - 1; i >= tail; i--) rest = (rest << 8) | (bytes[i] as number);
    const k = mixBlock(rest);
    a ^= k;
    b ^= k;
    c ^= k;
    d ^= k;
  }
  return [avalanche(a ^ length), avalanche(b ^ length), avalanche(c ^ length), avalanche(d ^ length)];
}

/** Keys and ids are hashed for every message: their bytes pass through one buffer instead of a new one each. */
let scratch = new Uint8Array(1024);

function encode(text: string): number {
  if (text.length * 3 > scratch.length) scratch = new Uint8Array(text.length * 6);
  return writeUtf8(text, scratch);
}

/** Writes ASCII text at `at` and answers where it ends; NOT_ASCII when it, or what stands before it, is anything else. */
function encodeAscii(text: string, at: number): number {
  if (at < 0) return NOT_ASCII;
  const bytes = scratch;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) return NOT_ASCII;
    bytes[at + i] = code;
  }
  return at + text.length;
}

function mixIn(hash: number, k: number): number {
  const mixed = hash ^ k;
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

function avalanche(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function mixBlock(block: number): number {
  const k = Math.imul(block, 0xcc9e2d51);
  return Math.imul((k << 15) | (k >>> 17), 0x1b873593);
}
