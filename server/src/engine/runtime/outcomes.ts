import type { StoredMessage } from '@millrace/shared/message/message.ts';
import type { AttemptOutcome, EngineError, HandlerLog } from '../io.ts';
import { releaseCare } from './careful.ts';
import type { Core, Flight, HandlerTimer, Lane, Placed } from './core.ts';
import { count } from './counters.ts';
import { type EffectFailure, type OkOutcome, type Staged, stageEmissions } from './emissions.ts';
import { finishHead, onAttemptFailed, type Subject } from './failures.ts';
import { appendMessage, closeFullGroup, touchLane } from './groups.ts';
import { bufferedMessages, enqueueLane, fetchMore } from './lanes.ts';
import { applyState, stateRefusal } from './nodeState.ts';
import { endBatch } from './placement.ts';
import { scopeOf } from './scopes.ts';
import { dropTimer, setTimers, timerMessage, timerPlace, timerRefusal } from './timers.ts';
import { NOWHERE, traceOf, traceWhenDurable } from './traces.ts';

const PROCESS_DIED: EngineError = {
  code: 'HANDLER_CRASHED',
  message: 'The process of the run died while this message was being handled.',
};

const UNANSWERED: EngineError = {
  code: 'HANDLER_CRASHED',
  message: 'The code ended without an outcome, as if its process had been stopped.',
};

/** Takes the outcomes of an invocation, in order, up to the first attempt that is not ok. */
export function onInvoked(core: Core, invocationId: number, outcomes: AttemptOutcome[]): void {
  const flight = core.flights.get(invocationId);
  if (!flight) return;
  core.flights.delete(invocationId);
  const { lane } = flight;
  lane.flight = null;
  lane.consumer.invocations--;
  if (flight.timers) takeTimerOutcomes(core, lane, flight.timers, outcomes);
  else takeMessageOutcomes(core, flight, outcomes);
  for (const topic of lane.consumer.outputTopics) endBatch(topic);
  if (flight.careful) releaseCare(core, lane);
  markStepHandled(core, lane);
  closeFullGroup(core);
  enqueueLane(lane);
  fetchMore(core, lane);
}

function takeMessageOutcomes(
  core: Core,
  { lane, count: delivered }: Flight,
  outcomes: AttemptOutcome[],
): void {
  if (outcomes.length === 0) {
    failHead(core, lane, { status: 'crashed', durationUs: 0, error: UNANSWERED, logs: [] });
    return;
  }
  for (let i = 0; i < outcomes.length && i < delivered; i++) {
    const outcome = outcomes[i] as AttemptOutcome;
    if (outcome.status !== 'ok') {
      failHead(core, lane, outcome);
      return;
    }
    if (!succeedHead(core, lane, outcome)) return;
  }
}

function headSubject(lane: Lane): Subject {
  const { message, offset } = lane.buffer[lane.head] as StoredMessage;
  const place = { topic: lane.topic.planned.topic, partition: lane.partition, offset };
  return { message, place, timer: null, history: lane.attempts };
}

/** The attempt of the message at the head ended badly. */
function failHead(core: Core, lane: Lane, outcome: Exclude<AttemptOutcome, { status: 'ok' }>): void {
  const subject = headSubject(lane);
  passLogs(core, lane, subject, outcome.logs);
  onAttemptFailed(core, lane, subject, outcome);
}

/** After a restart: counts the crash as an attempt of each message that was the only one under way when it happened. */
export function settleCrashed(core: Core): void {
  if (core.crashedLanes.length === 0) return;
  for (const lane of core.crashedLanes.filter((candidate) => bufferedMessages(candidate) > 0)) {
    core.crashedLanes.splice(core.crashedLanes.indexOf(lane), 1);
    failHead(core, lane, { status: 'crashed', durationUs: 0, error: PROCESS_DIED, logs: [] });
  }
}

function succeedHead(core: Core, lane: Lane, outcome: OkOutcome): boolean {
  const subject = headSubject(lane);
  if (!succeed(core, lane, subject, outcome)) return false;
  finishHead(core, lane);
  return true;
}

function takeTimerOutcomes(core: Core, lane: Lane, timers: HandlerTimer[], outcomes: AttemptOutcome[]): void {
  let over = 0;
  const answers: AttemptOutcome[] =
    outcomes.length > 0 ? outcomes : [{ status: 'crashed', durationUs: 0, error: UNANSWERED, logs: [] }];
  for (const outcome of answers.slice(0, timers.length)) {
    const timer = timers[over] as HandlerTimer;
    over++;
    const subject: Subject = {
      message: timerMessage(lane.consumer, timer),
      place: timerPlace(lane),
      timer,
      history: timer.history,
    };
    if (outcome.status === 'ok') {
      if (!succeed(core, lane, subject, outcome)) break;
      dropTimer(core, lane.consumer, timer);
    } else {
      passLogs(core, lane, subject, outcome.logs);
      onAttemptFailed(core, lane, subject, outcome);
      break;
    }
  }
  touchLane(core, lane);
  lane.dueTimers.unshift(...timers.slice(over));
}

/** Rule HD2: keeps the effects of an attempt, all or none. False when one of them is refused and the attempt fails. */
function succeed(core: Core, lane: Lane, subject: Subject, outcome: OkOutcome): boolean {
  const { consumer } = lane;
  learnSpeed(lane, outcome.durationUs);
  passLogs(core, lane, subject, outcome.logs);
  const scope = subject.timer?.scope ?? scopeOf(lane, subject.message);
  const staged = stageEmissions(core, consumer, subject.message, outcome.emits);
  const refusal = 'status' in staged ? staged : limitFailure(lane, scope, outcome);
  if (refusal !== null) {
    onAttemptFailed(core, lane, subject, { ...refusal, durationUs: outcome.durationUs });
    return false;
  }
  const attempt = (subject.history?.attempts ?? 0) + 1;
  const handled = traceOf(
    'handled',
    core.nowMs,
    consumer.planned.node,
    subject.message,
    subject.place,
    attempt,
  );
  handled.durationUs = outcome.durationUs;
  traceWhenDurable(core, handled);
  keepEmissions(core, lane, subject, staged as Staged);
  if (outcome.state.length > 0) {
    applyState(core, consumer, scope, outcome.state);
    const record = traceOf(
      'state-changed',
      core.nowMs,
      consumer.planned.node,
      subject.message,
      subject.place,
      attempt,
    );
    record.detail = outcome.state
      .map(({ name }) => name)
      .join(', ')
      .slice(0, 256);
    traceWhenDurable(core, record);
  }
  if (outcome.timers.length > 0) setTimers(core, lane, scope, subject.message, outcome.timers);
  return true;
}

function limitFailure(lane: Lane, scope: string, outcome: OkOutcome): EffectFailure | null {
  const error =
    stateRefusal(lane.consumer, scope, outcome.state) ?? timerRefusal(lane.consumer, outcome.timers);
  return error === null ? null : { status: 'failed', error };
}

function keepEmissions(core: Core, lane: Lane, subject: Subject, { placed, emitted, dropped }: Staged): void {
  const { node, operator } = lane.consumer.planned;
  if (operator.droppedWhenSilent !== null && emitted + dropped.length === 0) {
    const record = traceOf('dropped', core.nowMs, node, subject.message, subject.place, 0);
    record.detail = operator.droppedWhenSilent;
    traceWhenDurable(core, record);
  }
  if (emitted > 0) count(core, lane.consumer.counter).out += emitted;
  for (let i = 0; i < placed.length; i++) {
    const { topic, partition, message } = placed[i] as Placed;
    appendMessage(core, topic, partition, message);
    count(core, topic.counter).in++;
    const record = traceOf('emitted', core.nowMs, node, message, NOWHERE, 0);
    record.topic = topic.planned.topic;
    traceWhenDurable(core, record);
  }
  for (const port of dropped) {
    const record = traceOf('dropped', core.nowMs, node, subject.message, subject.place, 0);
    record.detail = `Nothing is connected to output ${port}.`;
    traceWhenDurable(core, record);
  }
}

/** Newer attempts count for more, so that batches follow code whose speed changes. */
function learnSpeed(lane: Lane, durationUs: number): void {
  const { consumer } = lane;
  consumer.meanUs =
    consumer.meanUs === null ? durationUs : consumer.meanUs + (durationUs - consumer.meanUs) / 16;
}

function passLogs(core: Core, lane: Lane, { message }: Subject, logs: HandlerLog[]): void {
  for (const line of logs) {
    core.lines.push({
      level: line.level,
      nodeId: lane.consumer.planned.node,
      message: line.message,
      messageId: message.id,
      correlationId: message.correlationId,
    });
  }
}

/** A step (RN2) is answered when the write that holds its outcome is durable. */
function markStepHandled(core: Core, lane: Lane): void {
  const step = core.steps.current;
  if (step?.chosen?.lane === lane && step.gate === null) step.gate = core.writes.open.number;
}
