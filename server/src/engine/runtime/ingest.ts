import { uuidV7 } from '@millrace/shared/message/ids.ts';
import type { Message } from '@millrace/shared/message/message.ts';
import type { EngineError } from '../io.ts';
import type { Core, PendingReply, Placed, ProducerRuntime } from './core.ts';
import { closeFullGroup, touchProducer } from './groups.ts';
import { INGEST_MESSAGES_MAX, INGEST_UNACKNOWLEDGED_MAX } from './limits.ts';
import { endBatch, keyByPath } from './placement.ts';
import { fullReader, keep, noteRejected, place } from './producers.ts';

/** Messages pushed from outside: all of a request are taken, or none. Answered when they are durable (TP3). */
export function onIngested(core: Core, requestId: number, producerId: string, messages: Message[]): void {
  const producer = core.producersById.get(producerId);
  const refusal = producer ? refusalOfRequest(core, producer, messages) : notAProducer(producerId);
  if (refusal !== null || !producer) {
    core.effects.push({ type: 'reply', requestId, ok: false, error: refusal ?? notAProducer(producerId) });
    return;
  }
  const completed: Message[] = [];
  const placed: Placed[][] = [];
  for (const message of messages) {
    const whole = complete(core, producer, message);
    const places: Placed[] = [];
    const error = place(core, producer, whole, places);
    if (error !== null) {
      noteRejected(core, producer, whole, error);
      core.effects.push({ type: 'reply', requestId, ok: false, error });
      return;
    }
    completed.push(whole);
    placed.push(places);
  }
  const reply: PendingReply = { requestId, producer, messages: messages.length, accepted: [] };
  for (let i = 0; i < completed.length; i++) {
    const whole = completed[i] as Message;
    for (const append of keep(core, producer, whole, placed[i] as Placed[])) {
      reply.accepted.push({ id: whole.id, append, index: append.append.messages.length - 1 });
    }
  }
  core.writes.open.replies.push(reply);
  touchProducer(core, producer, messages.length);
  for (const topic of producer.topics) endBatch(topic);
  closeFullGroup(core);
}

function refusalOfRequest(core: Core, producer: ProducerRuntime, messages: Message[]): EngineError | null {
  const { name } = producer.planned;
  if (producer.planned.operator.pacing.mode !== 'pushed') return notAProducer(producer.planned.node);
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
  if (messages.length > INGEST_MESSAGES_MAX) {
    return {
      code: 'REQUEST_INVALID',
      message: `One request brings ${messages.length} messages; send at most ${INGEST_MESSAGES_MAX} at once.`,
    };
  }
  const full = fullReader(core, producer);
  // A request larger than the room left still passes when there is some: it could never pass otherwise.
  if (full.room <= 0) return { code: 'BACKLOG_FULL', message: `${full.reason} Try again later.` };
  if (producer.unacknowledged >= INGEST_UNACKNOWLEDGED_MAX) {
    return {
      code: 'BACKLOG_FULL',
      message: `${producer.unacknowledged} messages of ${name} wait to be stored. Try again later.`,
    };
  }
  return null;
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
