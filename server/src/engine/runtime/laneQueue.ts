import type { StoredMessage } from '@millrace/shared/message/message.ts';
import type { Lane } from './consumer.ts';

const MESSAGE_OVERHEAD_BYTES = 256;

/** About what a message takes while it waits; what back-pressure in bytes counts (TP6). */
export function storedBytes({ message }: Pick<StoredMessage, 'message'>): number {
  return message.data.length + MESSAGE_OVERHEAD_BYTES;
}

/** Puts a lane in its node's queue for the next look at what can be invoked. */
export function enqueueLane(lane: Lane): void {
  if (lane.queued) return;
  lane.queued = true;
  lane.consumer.ready.push(lane);
}

/** Messages in the window, those included that are over while one before them is not. */
export function windowMessages(lane: Lane): number {
  return lane.window.length - lane.head;
}
