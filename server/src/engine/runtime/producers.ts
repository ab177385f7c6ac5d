import { uuidV7 } from '@millrace/shared/message/ids.ts';
import type { Message } from '@millrace/shared/message/message.ts';
import type { EngineError, SourceItem } from '../io.ts';
import type { Core, OpenAppend, Placed, ProducerRuntime } from './core.ts';
import { count } from './counters.ts';
import { appendMessage, closeFullGroup, isGroupFull, touchProducer } from './groups.ts';
import {
  PACE_BURST_SECONDS,
  PACE_STEP_MS,
  PREFETCH_BYTES_TARGET,
  PREFETCH_ITEMS_MAX,
  PREFETCH_SECONDS,
  PRODUCER_UNACKNOWLEDGED_MAX,
} from './limits.ts';
import { endBatch, keyByPath, partitionOf, refusalOf } from './placement.ts';
import { NOWHERE, traceOf, traceWhenDurable } from './traces.ts';
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

/** Makes what is due now, as far as its topics take it. */
function producePaced(core: Core, producer: ProducerRuntime): void {
  const waiting = producer.buffer.length - producer.head;
  if (waiting === 0) {
    if (producer.failure !== null) producer.error = producer.failure;
    return;
  }
  const room = roomFor(core, producer);
  const due = dueItems(core, producer, Math.min(waiting, room));
  if (due > 0) produce(core, producer, due);
}

/** How many messages may be made before a reader, or storage, has to catch up (TP6). */
function roomFor(core: Core, producer: ProducerRuntime): number {
  let room = PRODUCER_UNACKNOWLEDGED_MAX - producer.unacknowledged;
  producer.blocked = core.writes.stalled;
  const full = fullReader(core, producer);
  if (full.room < room) room = full.room;
  if (full.room <= 0) producer.blocked = full.reason;
  return Math.max(0, room);
}

export function fullReader(core: Core, producer: ProducerRuntime): { room: number; reason: string } {
  const { backlogMessagesMax } = core.settings;
  let room = Number.POSITIVE_INFINITY;
  let reason = '';
  for (const topic of producer.topics) {
    for (const { backlog, consumer } of topic.readers) {
      if (backlogMessagesMax - backlog >= room) continue;
      room = backlogMessagesMax - backlog;
      reason = `${consumer.planned.name} is ${backlog} messages behind on ${topic.planned.name}; the limit is ${backlogMessagesMax}.`;
    }
  }
  return { room, reason };
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

/** Turns the next `items` items into messages of every topic the producer is connected to, with its position beside them. */
export function produce(core: Core, producer: ProducerRuntime, items: number): void {
  let messages = 0;
  for (let i = 0; i < items; i++) {
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
  touchProducer(core, producer, messages);
  for (const topic of producer.topics) endBatch(topic);
  closeFullGroup(core);
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
    const own = key === message.key ? message : { ...message, key };
    const refusal = refusalOf(core, topic, own);
    if (refusal) return refusal;
    into.push({ topic, partition: partitionOf(topic, key), message: own });
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
  traceWhenDurable(core, traceOf('produced', core.nowMs, producer.planned.node, message, NOWHERE, 0));
  count(core, producer.counter).out++;
  const appends: OpenAppend[] = [];
  for (let i = 0; i < placed.length; i++) {
    const { topic, partition, message: own } = placed[i] as Placed;
    appends.push(appendMessage(core, topic, partition, own));
    count(core, topic.counter).in++;
  }
  return appends;
}

export function noteRejected(
  core: Core,
  producer: ProducerRuntime,
  message: Message,
  error: EngineError,
): void {
  count(core, producer.counter).rejected++;
  producer.lastRejection = error;
  const record = traceOf('rejected', core.nowMs, producer.planned.node, message, NOWHERE, 0);
  record.errorCode = error.code;
  record.errorMessage = error.message;
  traceWhenDurable(core, record);
}
