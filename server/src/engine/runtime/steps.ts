import type { StoredMessage } from '@millrace/shared/message/message.ts';
import type { SourceItem } from '../io.ts';
import { giveUpCare } from './careful.ts';
import type { Core, HandlerTimer, Lane, ProducerRuntime } from './core.ts';
import { hasWork, startLane } from './dispatch.ts';
import { nothingToWrite } from './groups.ts';
import { bufferedMessages } from './lanes.ts';
import { produce } from './producers.ts';
import { isOver } from './status.ts';
import { timerMessage } from './timers.ts';

/** Rule RN2: a step handles exactly one message; where none waits, one producer makes one. */
export function onStepOne(core: Core, requestId: number): void {
  if (core.status === 'paused') core.steps.waiting.push(requestId);
  else answer(core, requestId, null);
}

/** Goes on with the step under way, as far as it can go now. */
export function pumpSteps(core: Core): void {
  const { steps } = core;
  for (;;) {
    if (steps.current === null) {
      const requestId = steps.waiting.shift();
      if (requestId === undefined) return;
      steps.current = { requestId, chosen: null, gate: null };
    }
    if (steps.current.chosen === null) choose(core);
    const { current } = steps;
    if (current === null) continue;
    const durable = current.gate !== null && current.gate <= core.writes.acknowledged;
    if (!durable && !isOver(core)) return;
    answer(core, current.requestId, current.chosen);
    steps.current = null;
  }
}

function choose(core: Core): void {
  const step = core.steps.current;
  if (!step) return;
  if (core.status !== 'paused') return finishWithNothing(core);
  // What was under way when the run was paused is over first: its retries and emits are part of the choice.
  if (core.flights.size > 0 || !nothingToWrite(core) || core.fetches.size > 0 || core.reads.size > 0) return;
  const lane = oldestLane(core);
  if (lane) {
    giveUpCare(core, lane);
    const { node } = lane.consumer.planned;
    const message = lane.dueTimers[0]
      ? timerMessage(lane.consumer, lane.dueTimers[0] as HandlerTimer)
      : (lane.buffer[lane.head] as StoredMessage).message;
    // A lane that must first note something durably, after a crash, is asked again when that is done.
    if (!startLane(core, lane, 1)) return;
    step.chosen = { nodeId: node, messageId: message.id, correlationId: message.correlationId, lane };
    return;
  }
  const producer = nextProducer(core);
  if (!producer) return finishWithNothing(core);
  stepProducer(core, producer);
}

/** The message that was appended first, among the first of each lane; one that waits for its retry does not wait longer. */
function oldestLane(core: Core): Lane | null {
  let oldest: Lane | null = null;
  let oldestMs = Number.POSITIVE_INFINITY;
  for (const { subscriptions } of core.consumers) {
    for (const { lanes } of subscriptions) {
      for (const lane of lanes) {
        if (!hasWork(lane)) continue;
        const atMs = waitingSince(lane);
        if (atMs < oldestMs) {
          oldest = lane;
          oldestMs = atMs;
        }
      }
    }
  }
  return oldest;
}

function waitingSince(lane: Lane): number {
  const timer = lane.dueTimers[0];
  if (timer) return timer.dueMs;
  return bufferedMessages(lane) > 0
    ? (lane.buffer[lane.head] as StoredMessage).appendedAtMs
    : Number.POSITIVE_INFINITY;
}

/** Of the producers that have something, the one whose item is due first. */
function nextProducer(core: Core): ProducerRuntime | null {
  let next: ProducerRuntime | null = null;
  let nextMs = Number.POSITIVE_INFINITY;
  for (const producer of core.producers) {
    const item = producer.buffer[producer.head];
    if (item === undefined || producer.error !== null || (item.dueMs ?? 0) >= nextMs) continue;
    next = producer;
    nextMs = item.dueMs ?? 0;
  }
  return next;
}

function stepProducer(core: Core, producer: ProducerRuntime): void {
  const step = core.steps.current;
  const item = producer.buffer[producer.head] as SourceItem;
  const { node } = producer.planned;
  const group = core.writes.open;
  produce(core, producer, 1);
  // The last record is about the message, whether it was produced or refused.
  const record = group.records.at(-1);
  if (!step) return;
  step.chosen = {
    nodeId: node,
    messageId: record?.messageId ?? item.id ?? '',
    correlationId: record?.correlationId ?? '',
    lane: null,
  };
  step.gate = group.number;
}

function finishWithNothing(core: Core): void {
  const { current } = core.steps;
  core.steps.current = null;
  if (current) answer(core, current.requestId, null);
}

function answer(
  core: Core,
  requestId: number,
  chosen: { nodeId: string; messageId: string; correlationId: string } | null,
): void {
  core.effects.push({
    type: 'stepped',
    requestId,
    nodeId: chosen?.nodeId ?? null,
    messageId: chosen?.messageId ?? null,
    correlationId: chosen?.correlationId ?? null,
  });
}
