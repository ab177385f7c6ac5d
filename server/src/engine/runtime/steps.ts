import type { Message } from '@millrace/shared/message/message.ts';
import type { SourceItem } from '../io.ts';
import type { Entry, Flight, HandlerTimer, Lane } from './consumer.ts';
import type { Core, ProducerRuntime } from './core.ts';
import { hasWork, ownerOf, startStep } from './dispatch.ts';
import { nothingToWrite } from './groups.ts';
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
  if (core.flights.size + core.prepared.length + core.fetches.size + core.reads.size > 0) return;
  if (!nothingToWrite(core)) return;
  const lane = oldestLane(core);
  if (lane) {
    const flight = startStep(core, lane);
    // What was first turned out to be over without an attempt; the next one is chosen once that is written.
    if (flight === null) return;
    const { id: messageId, correlationId } = messageOf(flight);
    step.chosen = { nodeId: lane.consumer.planned.node, messageId, correlationId };
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
  for (const { subscriptions, group } of core.consumers) {
    if (group.paused) continue;
    for (const { lanes } of subscriptions) {
      for (const lane of lanes) {
        if (ownerOf(lane) === null || !hasWork(lane)) continue;
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
  for (const { timers } of lane.strands.values()) {
    const [timer] = timers;
    if (timer) return timer.dueMs;
  }
  return (
    lane.window.find(({ phase }) => phase === 'waiting')?.stored.appendedAtMs ?? Number.POSITIVE_INFINITY
  );
}

function messageOf({ lane, entries, timers }: Flight): Message {
  const [timer] = timers;
  return timer ? timerMessage(lane.consumer, timer as HandlerTimer) : (entries[0] as Entry).stored.message;
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
  const about = group.records.lastAbout();
  if (!step) return;
  step.chosen = {
    nodeId: node,
    messageId: about?.messageId ?? item.id ?? '',
    correlationId: about?.correlationId ?? '',
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
