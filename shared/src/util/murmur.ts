import { utf8Bytes } from './utf8.ts';

const M = 0x5bd1e995;

/** 32-bit MurmurHash2 with Kafka's seed, as `org.apache.kafka.common.utils.Utils.murmur2` computes it. */
export function murmur2(bytes: Uint8Array): number {
  const length = bytes.length;
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
  return (murmur2(utf8Bytes(key)) & 0x7fffffff) % partitions;
}

/** Four 32-bit lanes of MurmurHash3 (x86, 32 bits) with different seeds. Not cryptographic; used for derived ids. */
export function hash128(text: string): [number, number, number, number] {
  const bytes = utf8Bytes(text);
  return [murmur3(bytes, 0x2c9a1f35), murmur3(bytes, 0x71b8e60d), murmur3(bytes, 0x5d3f4c27), murmur3(bytes, 0x19e08a4b)];
}

function murmur3(bytes: Uint8Array, seed: number): number {
  let hash = seed;
  const blocks = bytes.length >> 2;
  for (let i = 0; i < blocks; i++) {
    const at = i << 2;
    const k =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    hash ^= mixBlock(k);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  const tail = bytes.length & ~3;
  let k = 0;
  for (let i = bytes.length - 1; i >= tail; i--) k = (k << 8) | (bytes[i] as number);
  if (tail !== bytes.length) hash ^= mixBlock(k);
  hash ^= bytes.length;
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function mixBlock(block: number): number {
  const k = Math.imul(block, 0xcc9e2d51);
  return Math.imul((k << 15) | (k >>> 17), 0x1b873593);
}
