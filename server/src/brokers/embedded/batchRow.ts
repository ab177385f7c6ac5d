import { crc32 } from 'node:zlib';

/** What guards a row: its bytes and where they belong, so that a row that moved is noticed as well as one that changed. */
export function rowChecksum(partitionId: number, base: number, count: number, data: Uint8Array): number {
  return crc32(data, crc32(`${partitionId}:${base}:${count}`));
}
