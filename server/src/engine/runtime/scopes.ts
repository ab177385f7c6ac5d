import type { Message } from '@millrace/shared/message/message.ts';
import type { Lane } from './consumer.ts';

/**
 * Which `ctx.state` a message sees (HD1): that of its key, of its key within its partition, or of its partition. Messages
 * without a key share that of their partition.
 */
export function scopeOf(lane: Lane, message: Message): string {
  const { keepsState, stateScope } = lane.consumer.planned.operator;
  if (!keepsState) return '';
  if (message.key === null || stateScope === 'partition') return lane.keylessScope;
  return stateScope === 'key' ? `key:${message.key}` : `${lane.keylessScope}/key:${message.key}`;
}
