import type { RetryPolicy } from '@millrace/shared/flow/records/delivery.ts';
import type { Message } from '@millrace/shared/message/message.ts';
import type { Random } from '@millrace/shared/util/random.ts';
import type { AttemptOutcome, EngineError } from '../io.ts';
import type { PlannedConsumer } from '../plan/plan.ts';
import type { AttemptHistory, Entry, ErrorNote, HandlerTimer, Lane, Subject } from './consumer.ts';
import type { Core } from './core.ts';
import { count } from './counters.ts';
import { sendToDeadLetters } from './deadLetters.ts';
import { countFinished, finishMessage } from './finish.ts';
import { touchLane } from './groups.ts';
import { ERROR_STACK_LENGTH_MAX, ERROR_TEXT_LENGTH_MAX } from './limits.ts';
import { beginEnding } from './status.ts';
import { putFirst, putOffRetry } from './strands.ts';
import { armTimer, dropTimer, keepTimer } from './timers.ts';
import { traceOf, traceWhenDurable } from './traces.ts';
import { noteTrouble } from './trouble.ts';

export type Failure = {
  status: Exclude<AttemptOutcome['status'], 'ok'>;
  error: EngineError;
  durationUs: number;
};

/** Rule DL8: whether a failed attempt of this consumer is always over at once, or waits aside, whatever the error is. */
export function neverHoldsUp({
  afterLastAttempt,
  retry,
  guarantee,
  order,
  operator,
}: PlannedConsumer): boolean {
  if (afterLastAttempt === 'stop') return false;
  if (retry.attemptsMax === 1 || guarantee === 'at-most-once' || retry.order === 'out-of-order') return true;
  return order === 'none' && !operator.keepsState;
}

/** Whether what is ordered behind the message waits because of this failure: for the next attempt, or because the run ends. */
export function holdsUp(lane: Lane, subject: Subject, failure: Failure): boolean {
  const { goesOn, planned } = lane.consumer;
  if (goesOn) return false;
  if (planned.afterLastAttempt === 'stop') return true;
  return (subject.history?.attempts ?? 0) + 1 < planned.retry.attemptsMax && mayHelp(lane, subject, failure);
}

/** Rules DL2 to DL4: notes a failed attempt, then schedules the next one or does what the node does after the last. */
export function onAttemptFailed(core: Core, lane: Lane, subject: Subject, failure: Failure): void {
  const { consumer } = lane;
  const { retry } = consumer.planned;
  const history = noteFailure(subject.history, failure.error, core.nowMs);
  noteTrouble(consumer, failure.error, core.nowMs);
  const counters = count(core, consumer.counter);
  counters.failed++;
  if (failure.status === 'rejected') counters.rejected++;
  traceFailure(core, lane, subject, failure, history);
  touchLane(core, lane);
  if (history.attempts < retry.attemptsMax && mayHelp(lane, subject, failure)) {
    counters.retried++;
    scheduleRetry(core, lane, subject, history);
    return;
  }
  giveUp(core, lane, subject, history, failure.error);
}

/**
 * Rule DL3. A payload that does not fit its schema will not fit it next time either, nor is an error mended by another
 * attempt of which the node says so; what is handled at most once has had its attempt (DL1).
 */
function mayHelp({ consumer }: Lane, { timer }: Subject, { status, error }: Failure): boolean {
  if (status === 'rejected') return false;
  if (consumer.exceptFor.has(error.code) || consumer.exceptFor.has(reasonOf(error))) return false;
  return consumer.planned.guarantee !== 'at-most-once' || timer !== null;
}

/** What a person's code gave to `ctx.fail`: its message begins with it, and goes on with words of the code or with the line. */
function reasonOf({ code, message, reason }: EngineError): string {
  if (reason !== undefined) return reason;
  return code === 'HANDLER_FAILED' ? (message.split(/:| \(/, 1)[0] as string) : '';
}

function scheduleRetry(core: Core, lane: Lane, subject: Subject, history: AttemptHistory): void {
  const { consumer } = lane;
  const delayMs = retryDelayMs(consumer.planned.retry, history.attempts, core.random);
  const record = traceOf(
    'retry-scheduled',
    core.nowMs,
    consumer.planned.node,
    subject.message,
    subject.place,
    history.attempts,
  );
  record.detail = String(delayMs);
  traceWhenDurable(core, record);
  if (subject.timer) {
    const again: HandlerTimer = { ...subject.timer, history, dueMs: core.nowMs + delayMs };
    keepTimer(core, again);
    armTimer(core, consumer, again);
    return;
  }
  const entry = subject.entry as Entry;
  noteTries(lane, entry, history);
  // The next attempt does not begin before this one is on record, so that no crash can grant extra attempts.
  entry.gate = core.writes.open.number;
  putOffRetry(core, entry, core.nowMs + delayMs);
}

function noteTries(lane: Lane, entry: Entry, history: AttemptHistory): void {
  if (entry.attempts === null) lane.tried++;
  entry.attempts = history;
}

function giveUp(core: Core, lane: Lane, subject: Subject, history: AttemptHistory, error: EngineError): void {
  const { consumer } = lane;
  const { afterLastAttempt, node, name } = consumer.planned;
  if (afterLastAttempt === 'stop') {
    // The message stays where it is, uncommitted: a later run of this log meets it again.
    if (subject.timer) armTimer(core, consumer, { ...subject.timer, history });
    else if (subject.entry?.phase === 'flying') {
      noteTries(lane, subject.entry, history);
      putFirst(subject.entry);
    }
    beginEnding(core, 'failed', {
      ...error,
      message: `${name} gave up on message ${subject.message.id} after ${history.attempts} ${history.attempts === 1 ? 'attempt' : 'attempts'}, and stops the run as set: ${error.message}`,
    });
    return;
  }
  const counters = count(core, consumer.counter);
  if (afterLastAttempt === 'dead-letter') {
    const { letter, topic } = sendToDeadLetters(core, lane, subject.message, subject.place, history);
    counters.deadLettered++;
    const record = traceOf('dead-lettered', core.nowMs, node, letter, subject.place, history.attempts);
    // The record is about the message that was given up on; where it went is the detail.
    record.messageId = subject.message.id;
    record.causationId = subject.message.causationId;
    record.errorCode = history.last.code;
    record.errorMessage = history.last.message;
    record.detail = topic.planned.topic;
    traceWhenDurable(core, record);
    traceWhenDurable(core, emittedLetter(core, lane, letter, topic.planned.topic));
  } else {
    counters.skipped++;
    const record = traceOf('skipped', core.nowMs, node, subject.message, subject.place, history.attempts);
    record.errorCode = history.last.code;
    record.errorMessage = history.last.message;
    traceWhenDurable(core, record);
  }
  if (subject.timer) dropTimer(core, consumer, subject.timer);
  else finishSubject(core, lane, subject.entry as Entry);
}

/** What was committed before it was handled is finished already; only its end is to be counted. */
export function finishSubject(core: Core, lane: Lane, entry: Entry): void {
  if (entry.phase === 'done') countFinished(core, lane);
  else finishMessage(core, lane, entry);
}

function emittedLetter(core: Core, lane: Lane, letter: Message, topic: string) {
  return traceOf(
    'emitted',
    core.nowMs,
    lane.consumer.planned.node,
    letter,
    { topic, partition: -1, offset: -1 },
    0,
  );
}

/** Rule DL3. Jitter takes away up to its share of the delay, so that the cap holds. */
export function retryDelayMs(policy: RetryPolicy, failures: number, random: Random): number {
  const doubled =
    policy.backoff === 'fixed' ? policy.delayMs : policy.delayMs * 2 ** Math.min(failures - 1, 40);
  const capped = Math.min(
    doubled,
    Math.max(policy.delayMsMax, policy.backoff === 'fixed' ? policy.delayMs : 0),
  );
  return Math.round(capped * (1 - policy.jitter * random.next()));
}

export function noteFailure(
  history: AttemptHistory | null,
  error: EngineError,
  atMs: number,
): AttemptHistory {
  const note: ErrorNote = {
    code: error.code,
    message: error.message.slice(0, ERROR_TEXT_LENGTH_MAX),
    stack: (error.stack ?? '').slice(0, ERROR_STACK_LENGTH_MAX),
    atMs,
  };
  return history === null
    ? { attempts: 1, first: note, last: note }
    : { attempts: history.attempts + 1, first: history.first, last: note };
}

function traceFailure(
  core: Core,
  lane: Lane,
  subject: Subject,
  failure: Failure,
  history: AttemptHistory,
): void {
  const record = traceOf(
    failure.status,
    core.nowMs,
    lane.consumer.planned.node,
    subject.message,
    subject.place,
    history.attempts,
  );
  record.durationUs = failure.durationUs;
  record.errorCode = failure.error.code;
  record.errorMessage = history.last.message;
  traceWhenDurable(core, record);
}
