import type { StoredMessage } from '@millrace/shared/message/message.ts';
import type { Delivery, EngineEffect } from '../io.ts';
import { mustCare, takeCare } from './careful.ts';
import type { ConsumerRuntime, Core, Flight, HandlerTimer, Lane } from './core.ts';
import { bufferedMessages, storedBytes } from './lanes.ts';
import {
  INVOCATION_BYTES_MAX,
  INVOCATION_DELIVERIES_FIRST,
  INVOCATION_DELIVERIES_MAX,
  INVOCATION_TARGET_US,
  LANE_UNACKNOWLEDGED_MAX,
} from './limits.ts';
import { scopeEntries } from './nodeState.ts';
import { scopeOf } from './scopes.ts';
import { timerMessage, timerPlace } from './timers.ts';
import { emitTrace, traceOf } from './traces.ts';

/** Gives every node that has room the next lanes in its queue. */
export function pumpLanes(core: Core): void {
  const { consumers, careful } = core;
  // While only one invocation may be under way in the whole run, nodes take turns.
  const first = careful.active ? careful.turn++ : 0;
  for (let i = 0; i < consumers.length; i++)
    pumpConsumer(core, consumers[(first + i) % consumers.length] as ConsumerRuntime);
}

function pumpConsumer(core: Core, consumer: ConsumerRuntime): void {
  const { ready } = consumer;
  // Lanes that are turned away and queued again wait for the next pump.
  let looks = ready.length;
  while (looks-- > 0 && consumer.invocations < consumer.invocationsMax) {
    const lane = ready.shift() as Lane;
    lane.queued = false;
    if (lane.retryAtMs <= core.nowMs || lane.dueTimers.length > 0) startLane(core, lane, null);
  }
}

/** Whether the lane could invoke something, apart from its turn and from how long a retry has to wait. */
export function hasWork(lane: Lane): boolean {
  return lane.flight === null && (lane.dueTimers.length > 0 || bufferedMessages(lane) > 0);
}

/** Invokes the lane's next messages, at most `countMax`, or its due timers. False when it must wait for something. */
export function startLane(core: Core, lane: Lane, countMax: number | null): boolean {
  if (!hasWork(lane) || lane.gate > core.writes.acknowledged) return false;
  if (lane.finished - lane.committed >= LANE_UNACKNOWLEDGED_MAX) return false;
  const timers = lane.dueTimers.length > 0;
  let count = Math.min(
    countMax ?? batchMax(lane.consumer),
    timers ? lane.dueTimers.length : deliverable(lane),
  );
  const careful = mustCare(core, lane);
  if (careful) {
    if (!takeCare(core, lane, timers ? 0 : count)) return false;
    if (!timers) count = Math.min(count, core.careful.count);
  }
  invoke(core, lane, count, timers ? lane.dueTimers.splice(0, count) : null, careful);
  // The rest of a lane's work waits for this invocation; other lanes of the node may go meanwhile.
  return true;
}

/** A message that has failed is tried alone, so that its retry is not held up by those behind it. */
function deliverable(lane: Lane): number {
  if (lane.attempts !== null) return 1;
  const room = LANE_UNACKNOWLEDGED_MAX - (lane.finished - lane.committed);
  const most = Math.min(bufferedMessages(lane), INVOCATION_DELIVERIES_MAX, room);
  let bytes = 0;
  for (let i = 0; i < most; i++) {
    bytes += storedBytes(lane.buffer[lane.head + i] as StoredMessage);
    if (bytes > INVOCATION_BYTES_MAX && i > 0) return i;
  }
  return most;
}

/** As many as take about INVOCATION_TARGET_US, going by how long attempts of this node have taken. */
function batchMax({ meanUs }: ConsumerRuntime): number {
  if (meanUs === null) return INVOCATION_DELIVERIES_FIRST;
  return Math.min(
    INVOCATION_DELIVERIES_MAX,
    Math.max(1, Math.floor(INVOCATION_TARGET_US / Math.max(meanUs, 1))),
  );
}

function invoke(
  core: Core,
  lane: Lane,
  count: number,
  timers: HandlerTimer[] | null,
  careful: boolean,
): void {
  const { consumer } = lane;
  const flight: Flight = { id: core.nextId++, lane, count, timers, careful };
  core.flights.set(flight.id, flight);
  lane.flight = flight;
  consumer.invocations++;
  const deliveries: Delivery[] = timers
    ? timers.map((timer) => timerDelivery(core, lane, timer))
    : messageDeliveries(core, lane, count);
  const state: Record<string, Record<string, string>> = {};
  if (consumer.planned.operator.keepsState) {
    for (const { scope } of deliveries)
      if (state[scope] === undefined) state[scope] = scopeEntries(consumer, scope);
  }
  const effect: EngineEffect = {
    type: 'invoke',
    invocationId: flight.id,
    node: consumer.planned.node,
    instance: 0,
    seed: consumer.seed,
    deliveries,
    state,
  };
  core.effects.push(effect);
}

function messageDeliveries(core: Core, lane: Lane, count: number): Delivery[] {
  const topic = lane.topic.planned.topic;
  const { partition } = lane;
  const firstAttempt = (lane.attempts?.attempts ?? 0) + 1;
  const deliveries: Delivery[] = [];
  for (let i = 0; i < count; i++) {
    const { message, offset } = lane.buffer[lane.head + i] as StoredMessage;
    const attempt = i === 0 ? firstAttempt : 1;
    deliveries.push({
      message,
      topic,
      partition,
      offset,
      attempt,
      scope: scopeOf(lane, message),
      timer: false,
    });
    // What an earlier invocation held but did not come to has been traced already.
    if (attempt === 1 && offset < lane.tracedUntil) continue;
    const again = offset < lane.redeliveredUntil;
    const place = { topic, partition, offset };
    emitTrace(
      core,
      traceOf(
        again ? 'redelivered' : 'delivered',
        core.nowMs,
        lane.consumer.planned.node,
        message,
        place,
        attempt,
      ),
    );
    if (offset >= lane.tracedUntil) lane.tracedUntil = offset + 1;
  }
  return deliveries;
}

function timerDelivery(core: Core, lane: Lane, timer: HandlerTimer): Delivery {
  const message = timerMessage(lane.consumer, timer);
  const attempt = (timer.history?.attempts ?? 0) + 1;
  const place = timerPlace(lane);
  emitTrace(core, traceOf('timer-fired', core.nowMs, lane.consumer.planned.node, message, place, attempt));
  return { message, ...place, attempt, scope: timer.scope, timer: true };
}
