import type { Message } from '@millrace/shared/message/message.ts';
import type { Lane } from './core.ts';

/** Which `ctx.state` a message sees: that of its key, or of its partition when it has none (HD1). */
export function scopeOf(lane: Lane, message: Message): string {
  if (!lane.consumer.planned.operator.keepsState) return '';
  return message.key === null ? lane.keylessScope : `key:${message.key}`;
}
