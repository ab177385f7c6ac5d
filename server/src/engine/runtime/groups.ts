import type { Message } from '@millrace/shared/message/message.ts';
import type { EngineEffect, StateWrite } from '../io.ts';
import { noteQueued } from './backlog.ts';
import type { Lane, OpenAppend, TopicRuntime } from './consumer.ts';
import type { Core, ProducerEntry, ProducerRuntime, WriteGroup, Writes } from './core.ts';
import { storeFaults } from './faults/fault.ts';
import { saveLane } from './laneEntry.ts';
import { WRITE_BYTES_MAX, WRITE_MESSAGES_MAX } from './limits.ts';
import { RecordList } from './recordList.ts';
import { putState } from './stateStore.ts';

export function createWrites(): Writes {
  return {
    open: createGroup(1),
    closed: [],
    underWay: null,
    retryAtMs: null,
    stalled: null,
    acknowledged: 0,
    dirtyCounters: [],
    startedStored: false,
  };
}

function createGroup(number: number): WriteGroup {
  return {
    number,
    appends: [],
    messages: 0,
    bytes: 0,
    lanes: [],
    commits: [],
    producers: [],
    state: new Map(),
    records: new RecordList(),
    counters: [],
    replies: [],
    answers: [],
    redrives: new Map(),
  };
}

/** Adds a message to the open group and answers where in it the message stands. */
export function appendMessage(
  core: Core,
  topic: TopicRuntime,
  partition: number,
  message: Message,
): OpenAppend {
  const { open } = core.writes;
  let target = topic.openAppends[partition];
  if (!target) {
    target = { topic, append: { topic: topic.planned.topic, partition, messages: [] }, base: -1, bytes: 0 };
    topic.openAppends[partition] = target;
    open.appends.push(target);
  }
  target.append.messages.push(message);
  open.messages++;
  open.bytes += message.data.length;
  noteQueued(topic, target, message);
  return target;
}

/** Makes the open group carry the lane's commit, and wakes the lane when the group is durable. */
export function touchLane(core: Core, lane: Lane): void {
  if (lane.inGroup) return;
  lane.inGroup = true;
  core.writes.open.lanes.push(lane);
}

/** Makes the open group carry the producer's position. */
export function touchProducer(core: Core, producer: ProducerRuntime, messages: number): void {
  producer.inGroup = true;
  producer.unacknowledged += messages;
  core.writes.open.producers.push({ producer, messages });
}

/** Called between units of work, which are never split over two writes. */
export function closeFullGroup(core: Core): void {
  if (isGroupFull(core)) closeGroup(core);
}

export function isGroupFull({ writes: { open } }: Core): boolean {
  return open.messages >= WRITE_MESSAGES_MAX || open.bytes >= WRITE_BYTES_MAX;
}

function isEmpty(core: Core): boolean {
  const { open, dirtyCounters } = core.writes;
  return (
    open.appends.length === 0 &&
    open.lanes.length === 0 &&
    open.producers.length === 0 &&
    open.state.size === 0 &&
    open.records.length === 0 &&
    open.answers.length === 0 &&
    dirtyCounters.length === 0
  );
}

/** Freezes what the group says: positions and counters as they are at this moment, no later work included. */
function closeGroup(core: Core): void {
  const { writes } = core;
  const group = writes.open;
  for (const lane of group.lanes) closeLane(core, group, lane);
  storeFaults(core);
  for (const { topic, append } of group.appends) topic.openAppends[append.partition] = null;
  for (const { producer } of group.producers) {
    if (!producer.inGroup) continue;
    producer.inGroup = false;
    const { producedCursor: cursor, shiftMs, error } = producer;
    const entry: ProducerEntry = { cursor, random: producer.random.save(), shiftMs };
    if (error?.code === 'BACKLOG_FULL') entry.error = error;
    putState(core, 'cursor', producer.planned.node, JSON.stringify(entry));
  }
  for (const counter of writes.dirtyCounters) {
    counter.dirty = false;
    const values = { ...counter.issued };
    group.counters.push({ counter, values });
    putState(core, 'counters', counter.node, JSON.stringify(values));
  }
  writes.dirtyCounters.length = 0;
  if (!writes.startedStored) {
    writes.startedStored = true;
    putState(core, 'run', 'started', String(core.startedMs));
  }
  core.tracesPending += group.records.length + group.messages;
  putState(core, 'run', 'trace', String(core.tracesEmitted + core.records.length + core.tracesPending));
  writes.closed.push(group);
  writes.open = createGroup(group.number + 1);
  for (const lane of group.lanes) {
    // At least once: what ended in this write is committed, or said to be over behind a gap, by the next.
    const isUnsaid =
      lane.endedUnsaid && lane.ahead > 0 && lane.consumer.planned.guarantee === 'at-least-once';
    lane.endedUnsaid = false;
    if (isUnsaid || lane.settled !== lane.committing) touchLane(core, lane);
  }
}

/**
 * Rule DL1. The commit goes with the effects (exactly once; at most once has committed before), or, at least once, with the
 * write that follows them.
 */
function closeLane(core: Core, group: WriteGroup, lane: Lane): void {
  lane.inGroup = false;
  const late = lane.consumer.planned.guarantee === 'at-least-once';
  if (!late) settle(lane);
  const { settled: offset, settledMessages: messages } = lane;
  lane.settledMessages = 0;
  if (late) settle(lane);
  saveLane(core, lane, group, offset);
  if (offset === lane.committing && messages === 0) return;
  lane.committing = offset;
  group.commits.push({ lane, offset, messages });
}

function settle(lane: Lane): void {
  lane.settled = lane.finished;
  lane.settledMessages += lane.finishedMessages;
  lane.finishedMessages = 0;
}

/** Sends the next write when none is under way. */
export function pumpWrites(core: Core): void {
  const { writes } = core;
  if (writes.underWay !== null || (writes.retryAtMs !== null && writes.retryAtMs > core.nowMs)) return;
  if (writes.closed.length === 0) {
    if (isEmpty(core)) return;
    closeGroup(core);
  }
  const group = writes.closed[0] as WriteGroup;
  writes.retryAtMs = null;
  writes.underWay = { writeId: core.nextId++, group };
  core.effects.push(writeEffect(writes.underWay.writeId, group));
}

export function nothingToWrite(core: Core): boolean {
  return core.writes.underWay === null && core.writes.closed.length === 0 && isEmpty(core);
}

function writeEffect(writeId: number, group: WriteGroup): EngineEffect {
  const state: StateWrite[] = [...group.state.values()];
  return {
    type: 'write',
    writeId,
    appends: group.appends.map(({ append }) => append),
    commits: group.commits.map(({ lane, offset }) => ({
      group: lane.consumer.planned.node,
      topic: lane.topic.planned.topic,
      partition: lane.partition,
      offset,
    })),
    state,
  };
}
