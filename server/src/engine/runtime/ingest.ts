import { uuidV7 } from '@millrace/shared/message/ids.ts';
import type { Message } from '@millrace/shared/message/message.ts';
import type { EngineError } from '../io.ts';
import { answer, refuse as refuseCommand } from './answers.ts';
import { fullReader } from './backlog.ts';
import type { Core, PendingReply, Placed, ProducerRuntime, WaitingIngest } from './core.ts';
import { count } from './counters.ts';
import { appendRefusal } from './faults/appending.ts';
import { closeFullGroup, touchProducer } from './groups.ts';
import { storedBytes } from './laneQueue.ts';
import {
  INGEST_MESSAGES_MAX,
  INGEST_UNACKNOWLEDGED_MAX,
  INGEST_WAIT_MS_MAX,
  INGEST_WAITING_BYTES_MAX,
  INGEST_WAITING_REQUESTS_MAX,
} from './limits.ts';
import { endBatch, keyByPath } from './placement.ts';
import { keep, noteDropped, noteRejected, place, strandedRecord } from './producers.ts';
import { traceWhenDurable } from './traces.ts';
import { noteTrouble } from './trouble.ts';
import { addWake } from './wakes.ts';

/** Messages pushed from outside: all of a request are taken, or none. Answered when they are durable (TP3). */
export function onIngested(core: Core, requestId: number, producerId: string, messages: Message[]): void {
  const producer = core.producersById.get(producerId);
  if (producer?.planned.operator.pacing.mode !== 'pushed') {
    refuse(core, requestId, notAProducer(producerId));
    return;
  }
  const refusal = refusalOfRequest(core, producer, messages);
  if (refusal !== null) {
    refuse(core, requestId, refusal);
    return;
  }
  // A request larger than the room left still passes when there is some: it could never pass otherwise.
  const full = roomRefusal(producer);
  if (full === null && !isWaitedFor(core, producer)) take(core, requestId, producer, messages);
  else onFull(core, requestId, producer, messages, full ?? 'Others wait for room already.');
}

/** A request that holds no message is counted and traced like one whose message is refused. */
export function onRefusal(core: Core, requestId: number, producerId: string, error: EngineError): void {
  const producer = core.producersById.get(producerId);
  if (producer === undefined) return refuseCommand(core, requestId, notAProducer(producerId));
  count(core, producer.counter).rejected++;
  noteTrouble(producer, error, core.nowMs);
  const detail = 'A request that holds no message.';
  traceWhenDurable(core, strandedRecord(core, producer, 'rejected', error, detail));
  answer(core, requestId, null);
}

/** Rule TP6: what a pushed request meets when a reader is full. */
function onFull(
  core: Core,
  requestId: number,
  producer: ProducerRuntime,
  messages: Message[],
  reason: string,
): void {
  const { whenFull } = producer.planned;
  if (whenFull === 'block') wait(core, requestId, producer, messages, reason);
  else if (whenFull === 'drop' && fullReader(producer.topics) !== null)
    leaveOut(core, requestId, producer, messages, reason);
  else refuse(core, requestId, { code: 'BACKLOG_FULL', message: `${reason} Try again later.` });
}

function wait(
  core: Core,
  requestId: number,
  producer: ProducerRuntime,
  messages: Message[],
  reason: string,
): void {
  const { ingest } = core;
  const bytes = messages.reduce((sum, message) => sum + storedBytes({ message }), 0);
  if (
    ingest.requests.length >= INGEST_WAITING_REQUESTS_MAX ||
    ingest.bytes + bytes > INGEST_WAITING_BYTES_MAX
  ) {
    const message = `${reason} ${ingest.requests.length} requests wait for room already. Try again later.`;
    refuse(core, requestId, { code: 'BACKLOG_FULL', message });
    return;
  }
  const untilMs = core.nowMs + INGEST_WAIT_MS_MAX;
  ingest.requests.push({ requestId, producer, messages, bytes, untilMs });
  ingest.bytes += bytes;
  producer.blocked = reason;
  addWake(core.wakes, untilMs, { kind: 'producer' });
}

/** Takes the requests that wait, in their order, as far as there is room; those that cannot wait longer are refused. */
export function pumpIngests(core: Core): void {
  const { ingest } = core;
  if (ingest.requests.length === 0) return;
  const waiting = ingest.requests;
  const held = new Map<ProducerRuntime, string>();
  ingest.requests = [];
  ingest.bytes = 0;
  for (const request of waiting) {
    const { requestId, producer, messages, untilMs } = request;
    const refusal = refusalOfRequest(core, producer, messages);
    const full = held.get(producer) ?? roomRefusal(producer);
    if (refusal !== null) refuse(core, requestId, refusal);
    else if (full === null) take(core, requestId, producer, messages);
    else if (untilMs <= core.nowMs) refuse(core, requestId, { code: 'BACKLOG_FULL', message: tooLong(full) });
    else keepWaiting(core, request, full, held);
  }
  for (const { producer } of waiting) producer.blocked = held.get(producer) ?? null;
}

function keepWaiting(
  core: Core,
  request: WaitingIngest,
  reason: string,
  held: Map<ProducerRuntime, string>,
): void {
  core.ingest.requests.push(request);
  core.ingest.bytes += request.bytes;
  // Nobody overtakes it, also when a request ahead has just made the last room.
  held.set(request.producer, reason);
}

function tooLong(reason: string): string {
  return `${reason} There was no room within ${INGEST_WAIT_MS_MAX / 1000} seconds. Try again later.`;
}

function isWaitedFor(core: Core, producer: ProducerRuntime): boolean {
  return core.ingest.requests.some((request) => request.producer === producer);
}

/** Nothing can be stored any more. */
export function refuseWaiting(core: Core, error: EngineError): void {
  for (const { requestId } of core.ingest.requests) refuse(core, requestId, error);
  core.ingest.requests = [];
  core.ingest.bytes = 0;
}

/** The sender hears that its messages were left out, once that is on record. */
function leaveOut(
  core: Core,
  requestId: number,
  producer: ProducerRuntime,
  messages: Message[],
  reason: string,
): void {
  noteDropped(core, producer, messages.length, reason);
  producer.dropping = reason;
  core.writes.open.replies.push({ requestId, producer, messages: 0, accepted: [], dropped: messages.length });
  touchProducer(core, producer, 0);
}

function take(core: Core, requestId: number, producer: ProducerRuntime, messages: Message[]): void {
  const completed: Message[] = [];
  const placed: Placed[][] = [];
  for (const message of messages) {
    const whole = complete(core, producer, message);
    const places: Placed[] = [];
    const error = place(core, producer, whole, places);
    if (error !== null) {
      noteRejected(core, producer, whole, error);
      refuse(core, requestId, error);
      return;
    }
    completed.push(whole);
    placed.push(places);
  }
  producer.dropping = null;
  const reply: PendingReply = { requestId, producer, messages: messages.length, accepted: [], dropped: 0 };
  for (let i = 0; i < completed.length; i++) {
    const whole = completed[i] as Message;
    for (const append of keep(core, producer, whole, placed[i] as Placed[])) {
      const index = append.append.messages.length - 1;
      // What was parked stands there under the id of its dead letter.
      reply.accepted.push({ id: (append.append.messages[index] as Message).id, append, index });
    }
  }
  core.writes.open.replies.push(reply);
  touchProducer(core, producer, messages.length);
  for (const topic of producer.topics) endBatch(topic);
  closeFullGroup(core);
}

function refuse(core: Core, requestId: number, error: EngineError): void {
  core.effects.push({ type: 'reply', requestId, ok: false, error });
}

/** Why the request cannot be taken, whether there is room or not. */
function refusalOfRequest(core: Core, producer: ProducerRuntime, messages: Message[]): EngineError | null {
  const { name } = producer.planned;
  if (core.status === 'paused')
    return {
      code: 'RUN_NOT_ACTIVE',
      message: `The run is paused; ${name} takes messages again when it is resumed.`,
    };
  if (core.status !== 'running')
    return {
      code: 'RUN_NOT_ACTIVE',
      message: `The run is ${core.status}; start it to send messages to ${name}.`,
    };
  if (core.writes.stalled !== null)
    return { code: 'STORAGE_FULL', message: `Storage refuses writes: ${core.writes.stalled}` };
  const refused = core.faults.size === 0 ? null : firstRefusal(core, producer);
  if (refused !== null) return refused;
  if (messages.length > INGEST_MESSAGES_MAX) {
    return {
      code: 'REQUEST_INVALID',
      message: `One request brings ${messages.length} messages; send at most ${INGEST_MESSAGES_MAX} at once.`,
    };
  }
  return null;
}

function firstRefusal(core: Core, { topics }: ProducerRuntime): EngineError | null {
  for (const topic of topics) {
    const refusal = appendRefusal(core, topic, null);
    if (refusal !== null) return refusal;
  }
  return null;
}

/** Why there is no room for another request at the moment, or null. */
function roomRefusal(producer: ProducerRuntime): string | null {
  const reader = fullReader(producer.topics);
  if (reader !== null) return reader;
  if (producer.unacknowledged < INGEST_UNACKNOWLEDGED_MAX) return null;
  return `${producer.unacknowledged} messages of ${producer.planned.name} wait to be stored.`;
}

function notAProducer(id: string): EngineError {
  return {
    code: 'NOT_FOUND',
    message: `${id} is not a producer of this run that takes messages from outside.`,
  };
}

/** Rule MS2: what came with an id keeps it. What the sender left open is filled in. */
function complete(core: Core, producer: ProducerRuntime, message: Message): Message {
  const { operator, source } = producer.planned;
  const id = message.id === '' ? uuidV7(core.nowMs, producer.random) : message.id;
  return {
    ...message,
    id,
    source: message.source === '' ? source : message.source,
    type: message.type === '' ? operator.eventType : message.type,
    key: message.key === null || message.key === '' ? keyByPath(operator.keyPath, message.data) : message.key,
    correlationId: message.correlationId === '' ? id : message.correlationId,
  };
}
