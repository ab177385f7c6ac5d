import { uuidV7 } from '@millrace/shared/message/ids.ts';
import type { Message } from '@millrace/shared/message/message.ts';
import type { TraceRecord } from '@millrace/shared/trace/record.ts';
import type { EngineError, SourceItem } from '../io.ts';
import { fullReader } from './backlog.ts';
import type { OpenAppend } from './consumer.ts';
import type { Core, Placed, ProducerRuntime } from './core.ts';
import { count } from './counters.ts';
import { appendRefusal } from './faults/appending.ts';
import { closeFullGroup, isGroupFull, touchProducer } from './groups.ts';
import {
  APPEND_RETRY_MS,
  PACE_BURST_SECONDS,
  PACE_STEP_MS,
  PREFETCH_BYTES_TARGET,
  PREFETCH_ITEMS_MAX,
  PREFETCH_SECONDS,
  PRODUCER_UNACKNOWLEDGED_MAX,
} from './limits.ts';
import { admit, appendPlaced, endBatch, keyByPath } from './placement.ts';
import { NOWHERE, plainWhenDurable, rangeRecord, traceOf, traceWhenDurable } from './traces.ts';
import { noteSuccess, noteTrouble } from './trouble.ts';
import { addWake } from './wakes.ts';

export function pumpProducers(core: Core): void {
  for (const producer of core.producers) {
    if (producer.planned.operator.pacing.mode === 'pushed' || producer.error !== null) continue;
    if (core.status === 'running') producePaced(core, producer);
    if (core.status === 'running' || core.status === 'paused') readAhead(core, producer);
  }
}

/** Keeps a bounded number of items ready. */
function readAhead(core: Core, producer: ProducerRuntime): void {
  if (producer.reading || producer.sourceDone) return;
  const most = prefetchMax(producer);
  const have = producer.buffer.length - producer.head;
  if (have * 2 > most) return;
  producer.reading = true;
  const readId = core.nextId++;
  core.reads.set(readId, producer);
  const { node } = producer.planned;
  core.effects.push({
    type: 'read-source',
    readId,
    producer: node,
    cursor: producer.readCursor,
    itemsMax: most - have,
  });
}

/** No more than is needed soon, so that what a template takes from the clock is fresh when the message leaves. */
function prefetchMax({ planned, itemBytesMean }: ProducerRuntime): number {
  const { pacing } = planned.operator;
  const wanted = pacing.mode === 'rate' ? Math.ceil(pacing.perSecond * PREFETCH_SECONDS) : PREFETCH_ITEMS_MAX;
  const byBytes = Math.floor(PREFETCH_BYTES_TARGET / Math.max(itemBytesMean, 1));
  return Math.max(1, Math.min(wanted, byBytes, PREFETCH_ITEMS_MAX));
}

export function onSourced(core: Core, readId: number, items: SourceItem[], done: boolean): void {
  const producer = core.reads.get(readId);
  if (!producer) return;
  core.reads.delete(readId);
  producer.reading = false;
  if (producer.head > 0) {
    producer.buffer.splice(0, producer.head);
    producer.head = 0;
  }
  for (const item of items) {
    producer.buffer.push(item);
    producer.itemBytesMean += (item.data.length - producer.itemBytesMean) / 16;
  }
  const last = items.at(-1);
  if (last) producer.readCursor = last.cursor;
  producer.sourceDone = done;
}

/** The producer ends; the others go on, and the run fails once it has drained. */
export function onSourceFailed(core: Core, readId: number, error: EngineError): void {
  const producer = core.reads.get(readId);
  if (!producer) return;
  core.reads.delete(readId);
  producer.reading = false;
  producer.failure = error;
}

/** What could be read is made; what cannot be is a trace of its own, which begins and ends here. */
function endUnreadable(core: Core, producer: ProducerRuntime, error: EngineError): void {
  producer.error = error;
  traceWhenDurable(core, strandedRecord(core, producer, 'failed', error, 'The source cannot be read on.'));
}

/** About something that did not become a message: it has a trace of its own, so that it is found where messages are. */
export function strandedRecord(
  core: Core,
  producer: ProducerRuntime,
  kind: 'failed' | 'rejected',
  error: EngineError,
  detail: string,
): TraceRecord {
  const record = rangeRecord(kind, core.nowMs, producer.planned.node, NOWHERE, detail);
  record.messageId = uuidV7(core.nowMs, producer.random);
  record.correlationId = record.messageId;
  record.errorCode = error.code;
  record.errorMessage = error.message;
  return record;
}

/** Makes what is due now, as far as storage and its readers take it (TP6). */
function producePaced(core: Core, producer: ProducerRuntime): void {
  const waiting = producer.buffer.length - producer.head;
  if (waiting === 0) {
    if (producer.failure !== null) endUnreadable(core, producer, producer.failure);
    return;
  }
  producer.blocked = core.writes.stalled;
  if (core.faults.size > 0 && meetsRefusal(core, producer)) return;
  // While storage refuses writes every reader fills up. That is no reason to drop or to fail: nothing could be recorded.
  const waits = producer.planned.whenFull === 'block' || core.writes.stalled !== null;
  if (waits && isBlocked(producer)) return;
  const room = Math.max(0, PRODUCER_UNACKNOWLEDGED_MAX - producer.unacknowledged);
  const due = dueItems(core, producer, Math.min(waiting, room));
  if (due > 0) produceDue(core, producer, due);
}

/** A topic refuses appends: the producer keeps what it has, and tries again. */
function meetsRefusal(core: Core, producer: ProducerRuntime): boolean {
  for (const topic of producer.topics) {
    const refusal = appendRefusal(core, topic, null);
    if (refusal === null) continue;
    producer.blocked = refusal.message;
    addWake(core.wakes, core.nowMs + APPEND_RETRY_MS, { kind: 'producer' });
    return true;
  }
  return false;
}

function isBlocked(producer: ProducerRuntime): boolean {
  const reason = fullReader(producer.topics);
  if (reason !== null) producer.blocked = reason;
  return reason !== null;
}

/** What is due, up to the message at which a reader is full. What becomes of that one is the producer's policy (TP6). */
function produceDue(core: Core, producer: ProducerRuntime, due: number): void {
  const made = produce(core, producer, due, () => fullReader(producer.topics) === null);
  producer.dropping = null;
  if (made === due) return;
  const reason = fullReader(producer.topics) as string;
  if (producer.planned.whenFull === 'drop' && core.writes.stalled === null) {
    dropItems(core, producer, due - made, reason);
    return;
  }
  // They stay due: those that have waited longest go first when there is room.
  if (producer.planned.operator.pacing.mode === 'rate') producer.tokens += due - made;
  if (producer.planned.whenFull === 'fail' && core.writes.stalled === null) failFull(core, producer, reason);
  else producer.blocked = reason;
}

/** The producer goes on without these. One record tells of all of them (TR3). */
function dropItems(core: Core, producer: ProducerRuntime, items: number, reason: string): void {
  producer.head += items;
  producer.producedCursor = (producer.buffer[producer.head - 1] as SourceItem).cursor;
  producer.dropping = reason;
  noteDropped(core, producer, items, reason);
  touchProducer(core, producer, 0);
}

export function noteDropped(core: Core, producer: ProducerRuntime, messages: number, reason: string): void {
  count(core, producer.counter).dropped += messages;
  const detail = `${messages} ${messages === 1 ? 'message was' : 'messages were'} left out: ${reason}`;
  const record = rangeRecord('dropped', core.nowMs, producer.planned.node, NOWHERE, detail);
  record.errorCode = 'BACKLOG_FULL';
  traceWhenDurable(core, record);
}

/** The producer is over, also after a restart; the others go on, and the run fails once it has drained. */
function failFull(core: Core, producer: ProducerRuntime, reason: string): void {
  producer.error = {
    code: 'BACKLOG_FULL',
    message: `${producer.planned.name} ends, as set, because a reader is full: ${reason}`,
  };
  touchProducer(core, producer, 0);
}

function dueItems(core: Core, producer: ProducerRuntime, most: number): number {
  const { pacing } = producer.planned.operator;
  if (pacing.mode === 'rate') return dueByRate(core, producer, pacing.perSecond, most);
  if (pacing.mode !== 'by-time') return most;
  const startMs = core.startedMs + (pacing.waitsWhilePaused ? producer.shiftMs : 0);
  let due = 0;
  while (due < most) {
    const { dueMs } = producer.buffer[producer.head + due] as SourceItem;
    if (dueMs !== null && startMs + dueMs > core.nowMs) {
      wakeProducer(core, producer, startMs + dueMs);
      break;
    }
    due++;
  }
  return due;
}

/** A share of a token below which rounding, not the clock, keeps a message back. */
const TOKEN_EPSILON = 1e-6;

/** A token bucket: tokens grow with time, every message takes one. */
function dueByRate(core: Core, producer: ProducerRuntime, perSecond: number, most: number): number {
  const grown = producer.tokens + ((core.nowMs - producer.pacedMs) * perSecond) / 1000;
  producer.tokens = Math.min(grown, Math.max(1, perSecond * PACE_BURST_SECONDS));
  producer.pacedMs = core.nowMs;
  if (core.nowMs < producer.wakeAtMs) return 0;
  const due = Math.min(most, Math.floor(producer.tokens + TOKEN_EPSILON));
  producer.tokens = Math.max(0, producer.tokens - due);
  const nextMs = ((1 - producer.tokens) / perSecond) * 1000;
  wakeProducer(core, producer, core.nowMs + Math.max(PACE_STEP_MS, nextMs));
  return due;
}

function wakeProducer(core: Core, producer: ProducerRuntime, atMs: number): void {
  if (producer.wakeAtMs === atMs) return;
  producer.wakeAtMs = atMs;
  addWake(core.wakes, atMs, { kind: 'producer' });
}

/**
 * Turns the next `items` items into messages of every topic the producer is connected to, with its position beside them.
 * Stops before the first for which there is no room; answers how many were taken.
 */
export function produce(
  core: Core,
  producer: ProducerRuntime,
  items: number,
  hasRoom: () => boolean = () => true,
): number {
  let messages = 0;
  let taken = 0;
  for (; taken < items && hasRoom(); taken++) {
    const item = producer.buffer[producer.head] as SourceItem;
    producer.head++;
    producer.producedCursor = item.cursor;
    if (publish(core, producer, messageOf(core, producer, item)) === null) messages++;
    if (isGroupFull(core)) {
      touchProducer(core, producer, messages);
      messages = 0;
      closeFullGroup(core);
    }
  }
  if (taken > 0) touchProducer(core, producer, messages);
  for (const topic of producer.topics) endBatch(topic);
  closeFullGroup(core);
  return taken;
}

function messageOf(core: Core, producer: ProducerRuntime, item: SourceItem): Message {
  // Rule MS2: the record's own id, or a UUIDv7 from a generator whose state is saved with the cursor.
  const id = item.id ?? uuidV7(core.nowMs, producer.random);
  return {
    id,
    source: producer.planned.source,
    type: item.type,
    timeMs: item.timeMs ?? core.nowMs,
    key: item.key === '' ? null : item.key,
    correlationId: id,
    causationId: null,
    data: item.data,
  };
}

/** Appends one message to every topic of the producer; answers why none of them gets it when one refuses it. */
export function publish(core: Core, producer: ProducerRuntime, message: Message): EngineError | null {
  const placed: Placed[] = [];
  const refusal = place(core, producer, message, placed);
  if (refusal !== null) {
    noteRejected(core, producer, message, refusal);
    return refusal;
  }
  keep(core, producer, message, placed);
  return null;
}

export function place(
  core: Core,
  producer: ProducerRuntime,
  message: Message,
  into: Placed[],
): EngineError | null {
  for (const topic of producer.topics) {
    const key = message.key ?? keyByPath(topic.planned.keyPath, message.data);
    const refusal = admit(core, topic, key === message.key ? message : { ...message, key }, into);
    if (refusal) return refusal;
  }
  return null;
}

/** Answers the append of each place; the message is the last of it. */
export function keep(
  core: Core,
  producer: ProducerRuntime,
  message: Message,
  placed: Placed[],
): OpenAppend[] {
  plainWhenDurable(core, 'produced', producer.planned.node, message, NOWHERE, 0);
  count(core, producer.counter).out++;
  noteSuccess(producer);
  return placed.map((place) => appendPlaced(core, place, producer.planned.node));
}

export function noteRejected(
  core: Core,
  producer: ProducerRuntime,
  message: Message,
  error: EngineError,
): void {
  count(core, producer.counter).rejected++;
  noteTrouble(producer, error, core.nowMs);
  const record = traceOf('rejected', core.nowMs, producer.planned.node, message, NOWHERE, 0);
  record.errorCode = error.code;
  record.errorMessage = error.message;
  traceWhenDurable(core, record);
}
