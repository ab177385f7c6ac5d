import type { SubscriptionProgress } from '@millrace/shared/trace/metrics.ts';
import { exactNumber, formatBytesOf } from './format.ts';

/** How full an edge is (TP6): the fuller of messages and bytes, 0 to 1. */
export function fullnessOf(progress: SubscriptionProgress): number {
  return Math.min(1, Math.max(shareOf(progress, 'messages'), shareOf(progress, 'bytes')));
}

export function shareOf(progress: SubscriptionProgress, what: 'messages' | 'bytes'): number {
  const [used, most] =
    what === 'messages'
      ? [progress.backlog, progress.backlogMax]
      : [progress.backlogBytes, progress.backlogBytesMax];
  return most > 0 ? used / most : 0;
}

/** `3,200 of 10,000 messages, 1.1 of 64 MiB`. */
export function backlogSentence(progress: SubscriptionProgress): string {
  const { backlog, backlogMax, backlogBytes, backlogBytesMax } = progress;
  return `${exactNumber(backlog)} of ${exactNumber(backlogMax)} messages, ${formatBytesOf(backlogBytes, backlogBytesMax)}`;
}

/** From here on an edge is called full: whoever writes is about to feel it. */
export const FULL_FROM = 0.9;
export const FILLING_FROM = 0.5;
export type FillTone = 'calm' | 'filling' | 'full';

export function fillTone(fullness: number): FillTone {
  if (fullness >= FULL_FROM) return 'full';
  return fullness >= FILLING_FROM ? 'filling' : 'calm';
}
