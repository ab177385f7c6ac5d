import type { StoredMessage } from '@millrace/shared/message/message.ts';
import type { EngineError } from '../io.ts';
import type { Core, Lane, TopicRuntime } from './core.ts';
import { FETCH_ATTEMPTS_MAX, FETCH_RETRY_MS } from './limits.ts';
import { addWake } from './wakes.ts';

const MESSAGE_OVERHEAD_BYTES = 256;

export function storedBytes(stored: StoredMessage): number {
  return stored.message.data.length + MESSAGE_OVERHEAD_BYTES;
}

/** Puts a lane in its node's queue for the next look at what can be invoked. */
export function enqueueLane(lane: Lane): void {
  if (lane.queued) return;
  lane.queued = true;
  lane.consumer.ready.push(lane);
}

export function bufferedMessages(lane: Lane): number {
  return lane.buffer.length - lane.head;
}

/** Asks for more of the log when the window is half empty and the log has more. */
export function fetchMore(core: Core, lane: Lane): void {
  if (lane.fetching || lane.fetchFrom >= (lane.topic.ends[lane.partition] as number)) return;
  if (core.status !== 'running' && core.status !== 'paused' && core.drainUntilMs === null) return;
  if (lane.fetchAtMs > core.nowMs) return;
  const { windowMessages, windowBytes } = lane.consumer;
  const room = windowMessages - bufferedMessages(lane);
  const roomBytes = windowBytes - lane.bufferBytes;
  if (bufferedMessages(lane) > 0 && (room * 2 < windowMessages || roomBytes * 2 < windowBytes)) return;
  lane.fetching = true;
  const fetchId = core.nextId++;
  core.fetches.set(fetchId, lane);
  const { topic, partition, fetchFrom: fromOffset } = lane;
  core.effects.push({
    type: 'fetch',
    fetchId,
    topic: topic.planned.topic,
    partition,
    fromOffset,
    messagesMax: room,
    bytesMax: Math.max(roomBytes, 1),
  });
}

export function onFetched(core: Core, fetchId: number, messages: StoredMessage[]): void {
  const lane = core.fetches.get(fetchId);
  if (!lane) return;
  core.fetches.delete(fetchId);
  lane.fetching = false;
  lane.fetchFailures = 0;
  for (const stored of messages) takeIn(lane, stored);
  if (messages.length > 0) enqueueLane(lane);
  fetchMore(core, lane);
}

/** Answers an error when trying again has not helped. */
export function onFetchFailed(core: Core, fetchId: number, error: EngineError): EngineError | null {
  const lane = core.fetches.get(fetchId);
  if (!lane) return null;
  core.fetches.delete(fetchId);
  lane.fetching = false;
  lane.fetchFailures++;
  if (lane.fetchFailures >= FETCH_ATTEMPTS_MAX || error.code === 'STORAGE_CORRUPT') return error;
  lane.fetchAtMs = core.nowMs + FETCH_RETRY_MS;
  addWake(core.wakes, lane.fetchAtMs, { kind: 'lane', lane });
  return null;
}

/**
 * Messages that have just become durable go straight to the readers that have caught up with the log, without being
 * read back from it. A reader whose window is full fetches them later.
 */
export function serveTail(core: Core, topic: TopicRuntime, partition: number, stored: StoredMessage[]): void {
  const first = stored[0];
  if (!first) return;
  for (const reader of topic.readers) {
    const lane = reader.lanes[partition] as Lane;
    if (!lane.fetching && lane.fetchFrom === first.offset) {
      const { windowMessages, windowBytes } = lane.consumer;
      for (const message of stored) {
        if (bufferedMessages(lane) >= windowMessages || lane.bufferBytes >= windowBytes) break;
        takeIn(lane, message);
      }
      enqueueLane(lane);
    }
    fetchMore(core, lane);
  }
}

function takeIn(lane: Lane, stored: StoredMessage): void {
  // A fetch may answer with what the lane has seen meanwhile.
  if (stored.offset < lane.fetchFrom) return;
  lane.buffer.push(stored);
  lane.bufferBytes += storedBytes(stored);
  lane.fetchFrom = stored.offset + 1;
}

const COMPACT_AT = 512;

/** The message at the head is over: what comes after it is next. */
export function advance(lane: Lane): void {
  const stored = lane.buffer[lane.head] as StoredMessage;
  lane.head++;
  lane.bufferBytes -= storedBytes(stored);
  lane.finished = stored.offset + 1;
  if (lane.head === lane.buffer.length) {
    lane.buffer.length = 0;
    lane.head = 0;
  } else if (lane.head >= COMPACT_AT) {
    lane.buffer.splice(0, lane.head);
    lane.head = 0;
  }
}
