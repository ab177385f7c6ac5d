import type { AttemptOutcome, EngineError, HandlerLog } from '../io.ts';
import { releaseCare } from './careful.ts';
import type { Entry, Flight, HandlerTimer, Lane, Subject } from './consumer.ts';
import type { Core, Placed } from './core.ts';
import { count } from './counters.ts';
import { type EffectFailure, type OkOutcome, type Staged, stageEmissions } from './emissions.ts';
import { type Failure, finishSubject, holdsUp, onAttemptFailed } from './failures.ts';
import { lateness, withFailures } from './faults/handling.ts';
import { launch, newFlight, releaseFlight, returnToStrands } from './flights.ts';
import { closeFullGroup, touchLane } from './groups.ts';
import { remember } from './idempotency.ts';
import { fetchMore } from './lanes.ts';
import { applyState, stateRefusal } from './nodeState.ts';
import { appendPlaced, endBatch } from './placement.ts';
import { handOverIfFree, refuseFenced } from './rebalance.ts';
import { scopeOf } from './scopes.ts';
import { putBack, takeOut } from './strands.ts';
import { dropTimer, setTimers, timerMessage, timerPlace, timerRefusal } from './timers.ts';
import { plainWhenDurable, traceOf, traceWhenDurable } from './traces.ts';
import { noteSuccess } from './trouble.ts';
import { addWake } from './wakes.ts';

const PROCESS_DIED: EngineError = {
  code: 'HANDLER_CRASHED',
  message: 'The process of the run died while this message was being handled.',
};

const UNANSWERED: AttemptOutcome = {
  status: 'crashed',
  durationUs: 0,
  error: {
    code: 'HANDLER_CRASHED',
    message: 'The code ended without an outcome, as if its process had been stopped.',
  },
  logs: [],
};

/**
 * Takes the outcomes of an invocation, in order, up to the first attempt that holds up what is behind it. Rule CG2: an instance that has
 * crashed since is not listened to; its work is done again by who owns the partition now.
 */
export function onInvoked(core: Core, invocationId: number, answered: AttemptOutcome[]): void {
  const flight = core.flights.get(invocationId);
  if (!flight) return refuseFenced(core, invocationId);
  let outcomes = answered.length > 0 ? answered : [UNANSWERED];
  if (core.faults.size > 0) {
    const lateMs = flight.late ? 0 : lateness(core, flight);
    if (lateMs > 0) {
      flight.late = true;
      addWake(core.wakes, core.nowMs + lateMs, { kind: 'late', invocationId, outcomes });
      return;
    }
    outcomes = withFailures(core, flight, outcomes);
  }
  core.flights.delete(invocationId);
  const { lane } = flight;
  takeTimerOutcomes(core, flight, outcomes);
  const left = takeMessageOutcomes(core, flight, outcomes.slice(flight.timers.length));
  settleFlight(core, flight, left);
  if (left.length > 0) handleLeft(core, flight, left);
  for (const topic of lane.consumer.outputTopics) endBatch(topic);
  closeFullGroup(core);
  fetchMore(core, lane);
}

/** The invocation is over: what it was not come to waits again, and its places are free. */
function settleFlight(core: Core, flight: Flight, left: Entry[]): void {
  const { lane } = flight;
  returnToStrands({ ...flight, timers: [] });
  releaseFlight(flight);
  if (flight.careful) {
    releaseCare(core, flight);
    touchLane(core, lane);
  }
  if (flight.committedFirst) {
    const over = new Set(flight.entries.slice(0, flight.entries.length - left.length).map(offsetOf));
    lane.taken = lane.taken.filter((offset) => !over.has(offset));
    touchLane(core, lane);
  }
  markStepHandled(core, flight);
  handOverIfFree(lane);
}

/**
 * Takes outcomes as long as they mean something: up to a failure that holds up what is behind it. Answers what was
 * committed before it was handled and was not come to: it has no other turn.
 */
function takeMessageOutcomes(core: Core, flight: Flight, outcomes: AttemptOutcome[]): Entry[] {
  const { lane, entries, committedFirst } = flight;
  for (let i = 0; i < entries.length && i < outcomes.length; i++) {
    const entry = entries[i] as Entry;
    const outcome = outcomes[i] as AttemptOutcome;
    const subject = subjectOf(lane, entry);
    const failure = takeOutcome(core, lane, subject, outcome);
    if (failure === null) {
      finishSubject(core, lane, entry);
      continue;
    }
    const ends = !committedFirst && (holdsUp(lane, subject, failure) || undoesState(outcome));
    // Those behind it wait again before it does, so that it stays in front of them.
    if (ends) putBack(entries.slice(i + 1));
    onAttemptFailed(core, lane, subject, failure);
    if (ends) return [];
  }
  return committedFirst ? entries.slice(outcomes.length) : [];
}

/** What was handled behind a refused attempt may have seen state that is not kept. */
function undoesState(outcome: AttemptOutcome): boolean {
  return outcome.status === 'ok' && outcome.state.length > 0;
}

function handleLeft(core: Core, { lane, instance }: Flight, entries: Entry[]): void {
  const again = newFlight(core, lane, instance, { entries, timers: [] });
  again.committedFirst = true;
  launch(core, again);
}

const offsetOf = ({ stored }: Entry): number => stored.offset;

function subjectOf(lane: Lane, entry: Entry): Subject {
  const { message, offset } = entry.stored;
  const place = { topic: lane.topic.planned.topic, partition: lane.partition, offset };
  return { message, place, entry, timer: null, history: entry.attempts };
}

/** After a restart: counts the crash as an attempt of each message that was the only one under way when it happened. */
export function settleCrashed(core: Core): void {
  if (core.crashedLanes.length === 0) return;
  for (const lane of [...core.crashedLanes]) {
    const [offset] = lane.suspects;
    const entry = lane.window.find(({ stored, phase }) => stored.offset === offset && phase === 'waiting');
    if (entry === undefined && lane.fetchFrom <= (offset ?? -1)) continue;
    core.crashedLanes.splice(core.crashedLanes.indexOf(lane), 1);
    if (entry === undefined) continue;
    // Without order, or when others of its strand were over, it need not be the first that waits.
    takeOut(entry);
    entry.phase = 'flying';
    onAttemptFailed(core, lane, subjectOf(lane, entry), {
      status: 'crashed',
      durationUs: 0,
      error: PROCESS_DIED,
    });
  }
}

function takeTimerOutcomes(core: Core, flight: Flight, outcomes: AttemptOutcome[]): void {
  const { lane, timers, strands } = flight;
  if (timers.length === 0) return;
  let over = 0;
  for (const outcome of outcomes.slice(0, timers.length)) {
    const timer = timers[over] as HandlerTimer;
    over++;
    const subject: Subject = {
      message: timerMessage(lane.consumer, timer),
      place: timerPlace(lane),
      entry: null,
      timer,
      history: timer.history,
    };
    const failure = takeOutcome(core, lane, subject, outcome);
    if (failure !== null) {
      onAttemptFailed(core, lane, subject, failure);
      break;
    }
    dropTimer(core, lane.consumer, timer);
  }
  touchLane(core, lane);
  strands[0]?.timers.unshift(...timers.slice(over));
}

/** Rule HD2: keeps the effects of an attempt, all or none. Answers why it failed, be it that one of them is refused. */
function takeOutcome(core: Core, lane: Lane, subject: Subject, outcome: AttemptOutcome): Failure | null {
  passLogs(core, lane, subject, outcome.logs);
  if (outcome.status === 'ok' || outcome.status === 'failed') learnSpeed(lane, outcome.durationUs);
  return outcome.status === 'ok' ? keepEffects(core, lane, subject, outcome) : outcome;
}

function keepEffects(core: Core, lane: Lane, subject: Subject, outcome: OkOutcome): Failure | null {
  const { consumer } = lane;
  const scope = subject.timer?.scope ?? scopeOf(lane, subject.message);
  const staged = stageEmissions(core, consumer, subject.message, outcome.emits);
  const refusal = 'status' in staged ? staged : limitFailure(lane, scope, outcome);
  if (refusal !== null) return { ...refusal, durationUs: outcome.durationUs };
  const attempt = (subject.history?.attempts ?? 0) + 1;
  const { node } = consumer.planned;
  plainWhenDurable(core, 'handled', node, subject.message, subject.place, attempt, outcome.durationUs);
  noteSuccess(consumer);
  keepEmissions(core, lane, subject, staged as Staged);
  if (outcome.state.length > 0) {
    applyState(core, consumer, scope, outcome.state);
    const record = traceOf('state-changed', core.nowMs, node, subject.message, subject.place, attempt);
    record.detail = outcome.state
      .map(({ name }) => name)
      .join(', ')
      .slice(0, 256);
    traceWhenDurable(core, record);
  }
  if (outcome.timers.length > 0) setTimers(core, lane, scope, subject.message, outcome.timers);
  if (subject.entry?.dedupKey !== undefined) remember(core, consumer, subject.entry.dedupKey);
  return null;
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
    const place = placed[i] as Placed;
    const { topic, message } = place;
    appendPlaced(core, place, node);
    plainWhenDurable(core, 'emitted', node, message, topic.unplaced, 0);
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
function markStepHandled(core: Core, flight: Flight): void {
  const step = core.steps.current;
  if (flight.forStep && step !== null && step.gate === null) step.gate = core.writes.open.number;
}
