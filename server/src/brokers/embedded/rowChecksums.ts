import { crc32 } from 'node:zlib';

/** Checksums of the rows beside the batches. A line feed keeps neighbours apart; that it may occur in a text does not matter. */

export function commitChecksum(group: string, topic: string, partition: number, offset: number): number {
  return crc32(`${group}\n${topic}\n${partition}\n${offset}`);
}

export function stateChecksum(store: string, key: string, value: string): number {
  return crc32(`${store}\n${key}\n${value}`);
}

/** Columns of `partitions` in the order of the table, without the checksum. */
export function partitionChecksum(columns: readonly unknown[]): number {
  return crc32(columns.join('\n'));
}
