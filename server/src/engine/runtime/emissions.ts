import { withoutRedrive } from '@millrace/shared/deadLetters/redrive.ts';
import { derivedId } from '@millrace/shared/message/ids.ts';
import type { Message } from '@millrace/shared/message/message.ts';
import type { AttemptOutcome, Emission, EngineError } from '../io.ts';
import type { ConsumerRuntime, TopicRuntime } from './consumer.ts';
import type { Core, Placed } from './core.ts';
import { appendRefusal } from './faults/appending.ts';
import { EMITS_PER_ATTEMPT_MAX } from './limits.ts';
import { admit, keyByPath } from './placement.ts';

export type OkOutcome = Extract<AttemptOutcome, { status: 'ok' }>;

/** Why an attempt whose code went well fails after all. `rejected` ones would fail again and are not retried (TP5, MS4). */
export type EffectFailure = { status: 'failed' | 'rejected'; error: EngineError };

/** What an attempt emits, ready to be appended. `dropped` names ports that nothing is connected to. */
export type Staged = { placed: Placed[]; emitted: number; dropped: string[] };

/**
 * Turns emissions into messages of topics. Rules MS2 (derived ids: the same handling gives the same ids) and MS3.
 * All or nothing: the first emission that cannot be written fails the attempt before anything of it is kept (HD2).
 */
export function stageEmissions(
  core: Core,
  consumer: ConsumerRuntime,
  cause: Message,
  emits: Emission[],
): Staged | EffectFailure {
  const staged: Staged = { placed: [], emitted: 0, dropped: [] };
  if (emits.length > EMITS_PER_ATTEMPT_MAX) {
    const message = `One attempt emitted ${emits.length} messages; at most ${EMITS_PER_ATTEMPT_MAX} are allowed.`;
    return { status: 'failed', error: { code: 'EMIT_LIMIT_REACHED', message } };
  }
  for (let index = 0; index < emits.length; index++) {
    const emission = emits[index] as Emission;
    const topics = targetsOf(core, consumer, emission.target);
    if (topics === null) return { status: 'failed', error: unknownTarget(consumer, emission.target) };
    if (topics.length === 0) {
      staged.dropped.push(emission.target);
      continue;
    }
    staged.emitted++;
    const base = messageOf(core, consumer, cause, emission, index);
    for (const topic of topics) {
      const key = keyFor(topic, emission, base, cause);
      const message = key === base.key ? base : { ...base, key };
      const refusal = admit(core, topic, message, staged.placed);
      if (refusal) return { status: 'rejected', error: refusal };
    }
  }
  return core.faults.size === 0 ? staged : (refusedAppend(core, staged) ?? staged);
}

/** A topic that refuses appends for now fails the attempt; the next one may find it willing. */
function refusedAppend(core: Core, { placed }: Staged): EffectFailure | null {
  for (const { topic, partition } of placed) {
    const error = appendRefusal(core, topic, partition);
    if (error !== null) return { status: 'failed', error };
  }
  return null;
}

function messageOf(
  core: Core,
  consumer: ConsumerRuntime,
  cause: Message,
  emission: Emission,
  index: number,
): Message {
  const { planned } = consumer;
  const through = planned.operator.passesThrough;
  const message: Message = {
    id: derivedId(cause.id, cause.timeMs, planned.node, index),
    source: planned.source,
    type: emission.type ?? cause.type,
    timeMs: through ? cause.timeMs : core.nowMs,
    key: cause.key,
    correlationId: cause.correlationId,
    causationId: cause.id,
    data: through ? cause.data : emission.data,
  };
  const subject = emission.subject ?? (through ? cause.subject : undefined);
  if (subject !== undefined) message.subject = subject;
  if (through && cause.dataschema !== undefined) message.dataschema = cause.dataschema;
  const extensions = through ? withoutRedrive(cause) : undefined;
  if (extensions !== undefined) message.extensions = extensions;
  return message;
}

/** The key the code gave; else what the topic's path finds in the payload; else the key of the handled message. */
function keyFor(topic: TopicRuntime, emission: Emission, message: Message, cause: Message): string | null {
  if (emission.key !== undefined) return emission.key;
  return keyByPath(topic.planned.keyPath, message.data) ?? cause.key;
}

/** Topics of an output port or the topic of that name; null when there is neither, empty when the port may stay open. */
function targetsOf(core: Core, consumer: ConsumerRuntime, target: string): TopicRuntime[] | null {
  const { outputs, topicsByName, operator } = consumer.planned;
  const ids = Object.hasOwn(outputs, target) ? (outputs[target] as string[]) : null;
  if (ids !== null && (ids.length > 0 || operator.outputsMayBeOpen)) {
    return ids.map((id) => core.topics.get(id) as TopicRuntime);
  }
  const byName = Object.hasOwn(topicsByName, target)
    ? core.topics.get(topicsByName[target] as string)
    : undefined;
  return byName ? [byName] : null;
}

function unknownTarget(consumer: ConsumerRuntime, target: string): EngineError {
  const { outputs, topicsByName, name } = consumer.planned;
  const ports = Object.keys(outputs).filter((port) => (outputs[port] as string[]).length > 0);
  const known = [...ports, ...Object.keys(topicsByName)];
  const connected = known.length === 0 ? 'nothing is connected to it' : `connected are: ${known.join(', ')}`;
  return {
    code: 'EMIT_TARGET_UNKNOWN',
    message: `${name} emitted to "${target}", but ${connected}. Connect an output to a topic, or emit to one that is connected.`,
  };
}
