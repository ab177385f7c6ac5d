import { redrivesOf, withoutTarget } from '@millrace/shared/deadLetters/redrive.ts';
import { derivedId } from '@millrace/shared/message/ids.ts';
import type { Message } from '@millrace/shared/message/message.ts';
import { isoTime } from '@millrace/shared/time/isoTime.ts';
import type { EngineError } from '../io.ts';
import type { ErrorNote, TopicRuntime } from './consumer.ts';
import { ERROR_TEXT_LENGTH_MAX } from './limits.ts';

/**
 * Index of a dead letter among what one handling emits; no emission of code has it. A message that was sent back and
 * fails again becomes another dead letter, with the next index.
 */
const DEAD_LETTER_INDEX = -1;

type LetterFacts = {
  /** Who gave up: a consumer, or the topic whose schema the message does not fit. */
  group: string;
  source: string;
  topicName: string;
  partition: number;
  offset: number;
  attempts: number;
  first: ErrorNote;
  last: ErrorNote;
};

/** Rule TP5: what does not fit the schema of a topic, and was never in it. */
export function misfitLetter(
  home: TopicRuntime,
  source: string,
  message: Message,
  error: EngineError,
  atMs: number,
): Message {
  const note: ErrorNote = {
    code: error.code,
    message: error.message.slice(0, ERROR_TEXT_LENGTH_MAX),
    stack: '',
    atMs,
  };
  return letterOf(message, {
    group: home.planned.topic,
    source,
    topicName: home.planned.name,
    partition: -1,
    offset: -1,
    attempts: 0,
    first: note,
    last: note,
  });
}

/** Rule DL4: the copy that carries everything that is known of how its message failed. */
export function letterOf(message: Message, facts: LetterFacts): Message {
  const { group, source } = facts;
  return {
    ...message,
    id: derivedId(message.id, message.timeMs, group, DEAD_LETTER_INDEX - redrivesOf(message)),
    source,
    causationId: message.id,
    extensions: { ...withoutTarget(message.extensions), ...attributesOf(message, facts) },
  };
}

function attributesOf(message: Message, facts: LetterFacts): Record<string, string | number> {
  const { group, topicName, partition, offset, attempts, last } = facts;
  return {
    dltopic: topicName,
    dlpartition: partition,
    dloffset: offset,
    ...(message.key === null ? {} : { dlkey: message.key }),
    dlid: message.id,
    dlsource: message.source,
    ...(message.causationId === null ? {} : { dlcausation: message.causationId }),
    dlgroup: group,
    dlattempts: attempts,
    redrives: redrivesOf(message),
    ...historyOf(message, facts),
    dllasterrorcode: last.code,
    dllasterror: last.message,
    ...(last.stack === '' ? {} : { dlstack: last.stack }),
    dllasttime: isoTime(last.atMs),
  };
}

/** The first error and all attempts; those of earlier rounds count when the message was sent back to this group (DL5). */
function historyOf(
  { extensions }: Message,
  { group, attempts, first }: LetterFacts,
): Record<string, string | number> {
  const earlier = extensions !== undefined && extensions.dlgroup === group ? extensions : {};
  return {
    dltotalattempts: Number(earlier.dltotalattempts ?? 0) + attempts,
    dlfirsterrorcode: String(earlier.dlfirsterrorcode ?? first.code),
    dlfirsterror: String(earlier.dlfirsterror ?? first.message),
    dlfirsttime: String(earlier.dlfirsttime ?? isoTime(first.atMs)),
  };
}
