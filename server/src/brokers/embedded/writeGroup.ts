import { Buffer } from 'node:buffer';
import type { Message } from '@millrace/shared/message/message.ts';
import { createByteArena } from '../../bytes/byteArena.ts';
import type { WriteBatch } from '../broker.ts';
import { messageBytes } from '../readRules.ts';
import { BATCH_MESSAGES_MAX, type PreparedBatch, prepareBatch, writeBatch } from './batchCodec.ts';
import { ROW_NUMBERS, type WriteGroup } from './storageProtocol.ts';

/** An append larger than this becomes several rows, so that reading one message never costs more than this. */
export const ROW_BYTES_MAX = 256 * 1024;
export const ROW_MESSAGES_MAX = Math.min(1000, BATCH_MESSAGES_MAX);

/** Collects writes into what the storage thread commits at once. */
export interface GroupBuilder {
  /** `partitionIds` go with `batch.appends`. Answers the first row of each append. */
  add(batch: WriteBatch, partitionIds: number[]): number[];
  bytes(): number;
  build(epoch: number): WriteGroup;
  /** The messages of each row of the group. */
  messages(): Message[][];
}

/** The arena is used anew: what another builder has in it must have been built. */
export function createGroupBuilder(arena = createByteArena()): GroupBuilder {
  arena.reset();
  const rows: number[] = [];
  const messagesOfRows: Message[][] = [];
  const prepared: PreparedBatch[] = [];
  // Of several commits or state entries for the same key only the last is seen afterwards, so only that is written.
  const commits = new Map<string, [string, string, number, number]>();
  const state = new Map<string, [string, string, string | null]>();
  let bytes = 0;

  const addRow = (
    partitionId: number,
    messages: Message[],
    from: number,
    to: number,
    nowMs: number,
  ): void => {
    if (to > from) {
      const batch = prepareBatch(messages, from, to, arena);
      prepared.push(batch);
      bytes += batch.bytes;
    }
    rows.push(partitionId, to - from, nowMs, bytes);
    messagesOfRows.push(from === 0 && to === messages.length ? messages : messages.slice(from, to));
  };

  return {
    bytes: () => bytes,
    messages: () => messagesOfRows,
    add(batch, partitionIds) {
      const firstRows = batch.appends.map(({ messages }, index) => {
        const partitionId = partitionIds[index] as number;
        const firstRow = rows.length / ROW_NUMBERS;
        let from = 0;
        do {
          const to = endOfRow(messages, from);
          addRow(partitionId, messages, from, to, batch.nowMs);
          from = to;
        } while (from < messages.length);
        return firstRow;
      });
      for (const { group, topic, partition, offset } of batch.commits) {
        commits.set(`${group}\n${topic}\n${partition}`, [group, topic, partition, offset]);
      }
      for (const { store, key, value } of batch.state) state.set(`${store}\n${key}`, [store, key, value]);
      return firstRows;
    },
    build(epoch) {
      const target = Buffer.from(new ArrayBuffer(bytes));
      let at = 0;
      for (const batch of prepared) at = writeBatch(batch, target, at);
      return {
        type: 'group',
        epoch,
        rows: Float64Array.from(rows),
        bytes: new Uint8Array(target.buffer, 0, bytes),
        commits: [...commits.values()].flat(),
        state: [...state.values()].flat(),
      };
    },
  };
}

function endOfRow(messages: Message[], from: number): number {
  let bytes = 0;
  let to = from;
  while (to < messages.length && to - from < ROW_MESSAGES_MAX) {
    bytes += messageBytes(messages[to] as Message);
    if (to > from && bytes > ROW_BYTES_MAX) break;
    to++;
  }
  return to;
}
