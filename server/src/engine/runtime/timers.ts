import { derivedId } from '@millrace/shared/message/ids.ts';
import { type JsonText, type Message, TIMER_TYPE } from '@millrace/shared/message/message.ts';
import type { EngineError } from '../io.ts';
import type { ConsumerRuntime, HandlerTimer, Lane } from './consumer.ts';
import type { Core } from './core.ts';
import { TIMER_DELAY_MS_MAX, TIMERS_PER_NODE_MAX } from './limits.ts';
import { putState } from './stateStore.ts';
import { addTimer } from './strands.ts';
import { addWake } from './wakes.ts';

export type TimerRequest = { delayMs: number; data: JsonText };

export function timerRefusal(consumer: ConsumerRuntime, requests: TimerRequest[]): EngineError | null {
  if (consumer.timers.size + requests.length <= TIMERS_PER_NODE_MAX) return null;
  return {
    code: 'STATE_LIMIT_REACHED',
    message: `${consumer.planned.name} has ${consumer.timers.size} timers waiting; at most ${TIMERS_PER_NODE_MAX} are allowed.`,
  };
}

/** Sets durable timers. They belong to the partition of the message that set them, and so keep its order and state. */
export function setTimers(
  core: Core,
  lane: Lane,
  scope: string,
  cause: Message,
  requests: TimerRequest[],
): void {
  const { consumer } = lane;
  for (let index = 0; index < requests.length; index++) {
    const { delayMs, data } = requests[index] as TimerRequest;
    const timer: HandlerTimer = {
      id: derivedId(cause.id, cause.timeMs, `${consumer.planned.node}#timer`, index),
      node: consumer.planned.node,
      topic: lane.topic.planned.topic,
      partition: lane.partition,
      scope,
      key: cause.key,
      dueMs: core.nowMs + Math.min(Math.max(0, delayMs), TIMER_DELAY_MS_MAX),
      causeId: cause.id,
      correlationId: cause.correlationId,
      data,
      history: null,
    };
    keepTimer(core, timer);
    armTimer(core, consumer, timer);
  }
}

export function keepTimer(core: Core, timer: HandlerTimer): void {
  putState(core, 'timer', timer.id, JSON.stringify(timer));
}

export function armTimer(core: Core, consumer: ConsumerRuntime, timer: HandlerTimer): void {
  consumer.timers.set(timer.id, timer);
  addWake(core.wakes, timer.dueMs, { kind: 'timer', timer });
}

export function dropTimer(core: Core, consumer: ConsumerRuntime, timer: HandlerTimer): void {
  consumer.timers.delete(timer.id);
  putState(core, 'timer', timer.id, null);
}

export function onTimerDue(core: Core, timer: HandlerTimer): void {
  const consumer = core.consumersById.get(timer.node);
  // Set again under the same id since this wake-up was asked for, or gone.
  if (!consumer || consumer.timers.get(timer.id) !== timer) return;
  addTimer(laneOf(consumer, timer), timer);
}

function laneOf(consumer: ConsumerRuntime, timer: HandlerTimer): Lane {
  const own = consumer.subscriptions.find(({ topic }) => topic.planned.topic === timer.topic);
  const lanes = (own ?? consumer.subscriptions[0])?.lanes ?? [];
  return (lanes[timer.partition] ?? lanes[0]) as Lane;
}

/** The event of a timer that fires: caused by the message that set it. */
export function timerMessage(consumer: ConsumerRuntime, timer: HandlerTimer): Message {
  return {
    id: timer.id,
    source: consumer.planned.source,
    type: TIMER_TYPE,
    timeMs: timer.dueMs,
    key: timer.key,
    correlationId: timer.correlationId,
    causationId: timer.causeId,
    data: timer.data,
    ...(timer.extensions === undefined ? {} : { extensions: timer.extensions }),
  };
}

/** A timer has no offset of its own; its topic and partition are those of the message that set it. */
export function timerPlace(lane: Lane): { topic: string; partition: number; offset: number } {
  return { topic: lane.topic.planned.topic, partition: lane.partition, offset: -1 };
}
