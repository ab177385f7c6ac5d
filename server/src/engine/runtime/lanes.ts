import type { StoredMessage } from '@millrace/shared/message/message.ts';
import type { EngineError } from '../io.ts';
import type { Lane, TopicRuntime } from './consumer.ts';
import type { Core } from './core.ts';
import { count } from './counters.ts';
import { touchLane } from './groups.ts';
import { enqueueLane, storedBytes, windowMessages } from './laneQueue.ts';
import { FETCH_ATTEMPTS_MAX, FETCH_RETRY_MS } from './limits.ts';
import { addToStrand } from './strands.ts';
import { NOWHERE, rangeRecord, traceWhenDurable } from './traces.ts';
import { addWake } from './wakes.ts';
import { settleWindow } from './window.ts';

/** Asks for more of the log when the window is half empty and the log has more. */
export function fetchMore(core: Core, lane: Lane): void {
  if (lane.fetchId !== null || lane.fetchFrom >= (lane.topic.ends[lane.partition] as number)) return;
  if (core.status !== 'running' && core.status !== 'paused' && core.drainUntilMs === null) return;
  if (lane.fetchAtMs > core.nowMs) return;
  const { windowMessages: most, windowBytes } = lane.consumer;
  const room = most - windowMessages(lane);
  const roomBytes = windowBytes - lane.windowBytes;
  if (windowMessages(lane) > 0 && (room * 2 < most || roomBytes * 2 < windowBytes)) return;
  const fetchId = core.nextId++;
  lane.fetchId = fetchId;
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
  // A lane that was moved meanwhile (CG3) has forgotten what it asked for.
  if (lane.fetchId !== fetchId) return;
  lane.fetchId = null;
  lane.fetchFailures = 0;
  for (const stored of messages) takeIn(core, lane, stored);
  if (messages.length > 0) enqueueLane(lane);
  fetchMore(core, lane);
}

/** A reader cannot go on. What is in hand may be finished first, or nothing makes sense any more. */
export type ReadingEnd = { error: EngineError; finishFirst: boolean };

/** Answers what ends the run: an error that trying again has not mended, or a deleted offset where that is the policy. */
export function onFetchFailed(
  core: Core,
  fetchId: number,
  error: EngineError,
  deleted: { start: number; end: number } | undefined,
): ReadingEnd | null {
  const lane = core.fetches.get(fetchId);
  if (!lane) return null;
  core.fetches.delete(fetchId);
  if (lane.fetchId !== fetchId) return null;
  lane.fetchId = null;
  if (deleted !== undefined && lane.fetchFrom < deleted.start) {
    if (lane.consumer.planned.whenDeleted === 'stop')
      return { error: offsetDeleted(lane, deleted.start), finishFirst: true };
    goOnAfterDeleted(core, lane, deleted);
    return null;
  }
  lane.fetchFailures++;
  if (lane.fetchFailures >= FETCH_ATTEMPTS_MAX || error.code === 'STORAGE_CORRUPT')
    return { error, finishFirst: false };
  lane.fetchAtMs = core.nowMs + FETCH_RETRY_MS;
  addWake(core.wakes, lane.fetchAtMs, { kind: 'lane', lane });
  return null;
}

function offsetDeleted({ consumer, topic, partition, fetchFrom }: Lane, start: number): EngineError {
  return {
    code: 'OFFSET_DELETED',
    message: `${consumer.planned.name} is to read offset ${fetchFrom} of ${topic.planned.name}, partition ${partition}, but retention has deleted what is below ${start}. Keep messages longer, or let it go on from the earliest that is left.`,
  };
}

/** Rule TP4: a reader whose next offset was deleted goes on where its policy says, and what it missed is counted. */
function goOnAfterDeleted(core: Core, lane: Lane, { start, end }: { start: number; end: number }): void {
  const { planned, counter } = lane.consumer;
  const { fetchFrom: from, topic, partition } = lane;
  const to = planned.whenDeleted === 'earliest' ? start : end;
  const place = { ...NOWHERE, topic: topic.planned.topic, partition, offset: from };
  traceWhenDurable(
    core,
    rangeRecord(
      'expired',
      core.nowMs,
      planned.node,
      place,
      `Offsets ${from} to ${start - 1} were deleted before they were read; goes on at ${to}.`,
    ),
  );
  // `latest` also passes over what is left: nothing goes uncounted (TR3).
  count(core, counter).expired += to - from;
  lane.fetchFrom = to;
  lane.jumpTo = to;
  settleWindow(core, lane);
  touchLane(core, lane);
  enqueueLane(lane);
  fetchMore(core, lane);
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
    if (lane.fetchId === null && lane.fetchFrom === first.offset) {
      const { windowMessages: most, windowBytes } = lane.consumer;
      for (const message of stored) {
        if (windowMessages(lane) >= most || lane.windowBytes >= windowBytes) break;
        takeIn(core, lane, message);
      }
      enqueueLane(lane);
    }
    fetchMore(core, lane);
  }
}

function takeIn(core: Core, lane: Lane, stored: StoredMessage): void {
  // A fetch may answer with what the lane has seen meanwhile.
  if (stored.offset < lane.fetchFrom) return;
  lane.fetchFrom = stored.offset + 1;
  const entry = addToStrand(core, lane, stored);
  lane.window.push(entry);
  if (entry.phase === 'done') {
    lane.ahead++;
    settleWindow(core, lane);
    // When retention or compaction has taken what stood before it, nothing else would commit it.
    touchLane(core, lane);
  } else lane.windowBytes += storedBytes(stored);
}
