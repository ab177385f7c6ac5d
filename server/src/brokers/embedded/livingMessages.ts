import type { Message } from '@millrace/shared/message/message.ts';
import { messageBytes } from '../readRules.ts';
import type { OpenedBatch } from './batchCodec.ts';

/** The newest rows; of what is older, hardly any objects are left. */
export const LIVING_ROWS_MAX = 1024;

/**
 * The objects that rows were made from, for as long as something else keeps them alive. Whoever reads a row soon after it
 * was written is spared the decoding, and the garbage collector a second copy of every message that is on its way through a
 * run. Nothing is kept alive by it, so what it answers changes how fast a row is read, never what is read.
 */
export interface LivingMessages {
  /** Answers the number by which the row is asked for. */
  add(messages: Message[] | null): number;
  find(row: number): Pick<OpenedBatch, 'sizeOf' | 'messages'> | null;
}

export function createLivingMessages(): LivingMessages {
  const newest: (WeakRef<Message[]> | null)[] = [];
  let rows = 0;
  return {
    add(messages) {
      newest[rows % LIVING_ROWS_MAX] = messages === null ? null : new WeakRef(messages);
      return rows++;
    },
    find(row) {
      const messages = row < rows - LIVING_ROWS_MAX ? undefined : newest[row % LIVING_ROWS_MAX]?.deref();
      if (messages === undefined) return null;
      return {
        sizeOf: (index) => messageBytes(messages[index] as Message),
        messages: (from, to) => messages.slice(from, to),
      };
    },
  };
}
