import { derivedId } from '@millrace/shared/message/ids.ts';
import type { StoredMessage } from '@millrace/shared/message/message.ts';
import type { NodeCounters } from '@millrace/shared/trace/metrics.ts';
import type { MemoryLog } from '../brokers/memory/memoryLog.ts';
import type { Invocation } from '../engine/io.ts';
import type { ExecutionPlan, PlannedConsumer } from '../engine/plan/plan.ts';

/**
 * Checks of a finished run that read the log and what handlers saw, and never ask the engine. Each answers the faults it
 * found, in words; an empty list is a pass.
 */
export function readAll(log: MemoryLog, topic: string): StoredMessage[][] {
  return log.offsets(topic).map(({ start, end }, partition) => {
    if (start === end) return [];
    const everything = { messagesMax: end, bytesMax: Number.MAX_SAFE_INTEGER };
    return log.read({ topic, partition, fromOffset: start, ...everything }).messages;
  });
}

/** What a producer was given arrives in its topic once: nothing acknowledged is lost, nothing is made twice. */
export function checkProduced(log: MemoryLog, topic: string, expectedIds: string[]): string[] {
  const seen = new Map<string, number>();
  for (const { message } of readAll(log, topic).flat()) seen.set(message.id, (seen.get(message.id) ?? 0) + 1);
  const faults = expectedIds.filter((id) => !seen.has(id)).map((id) => `${id} is missing from ${topic}`);
  for (const [id, times] of seen) if (times > 1) faults.push(`${id} is ${times} times in ${topic}`);
  if (seen.size > expectedIds.length)
    faults.push(`${topic} holds ${seen.size} messages, ${expectedIds.length} were made`);
  return faults;
}

/** Every message of the consumer's topics is answered by what it emits or by a dead letter, exactly once. */
export function checkAnswered(log: MemoryLog, consumer: PlannedConsumer): string[] {
  const answers = new Map<string, number>();
  const outputs = new Set([...Object.values(consumer.outputs).flat(), ...consumer.deadLetterTopics]);
  for (const topic of outputs) {
    for (const { message } of readAll(log, topic).flat()) {
      if (message.source === consumer.source) answers.set(message.id, (answers.get(message.id) ?? 0) + 1);
    }
  }
  const faults: string[] = [];
  for (const { topic } of consumer.subscriptions) {
    for (const { message } of readAll(log, topic).flat()) {
      const times =
        (answers.get(derivedId(message.id, message.timeMs, consumer.node, 0)) ?? 0) +
        (answers.get(derivedId(message.id, message.timeMs, consumer.node, -1)) ?? 0);
      if (times !== 1) faults.push(`${message.id} was answered ${times} times by ${consumer.node}`);
    }
  }
  return faults;
}

/** Rule CG4: in a drained run every group has committed the end of every partition. */
export function checkCommitted(log: MemoryLog, plan: ExecutionPlan): string[] {
  const commits = new Map(
    log.commits().map(({ group, topic, partition, offset }) => [`${group} ${topic} ${partition}`, offset]),
  );
  const faults: string[] = [];
  for (const { node, subscriptions } of plan.consumers) {
    for (const { topic } of subscriptions) {
      for (const [partition, { end }] of log.offsets(topic).entries()) {
        const committed = commits.get(`${node} ${topic} ${partition}`) ?? 0;
        if (committed !== end)
          faults.push(`${node} committed ${committed} of ${end} in ${topic}/${partition}`);
      }
    }
  }
  return faults;
}

/** Rule DL7: of every partition, a message is first handled only after all before it were. Repeats may go back. */
export function checkOrder(deliveries: Invocation['deliveries']): string[] {
  const next = new Map<string, number>();
  const faults: string[] = [];
  for (const { topic, partition, offset, timer } of deliveries) {
    if (timer) continue;
    const place = `${topic}/${partition}`;
    const furthest = next.get(place) ?? 0;
    if (offset > furthest) faults.push(`${place}: offset ${offset} was handled before ${furthest}`);
    else if (offset === furthest) next.set(place, offset + 1);
  }
  return faults;
}

/** Rule TR2: the durable counters say what the log says. */
export function checkCounters(log: MemoryLog, plan: ExecutionPlan): string[] {
  const counters = new Map<string, NodeCounters>();
  for (const { store, key, value } of log.state()) {
    if (store === 'counters') counters.set(key, JSON.parse(value) as NodeCounters);
  }
  const faults: string[] = [];
  const expect = (node: string, field: keyof NodeCounters, value: number): void => {
    const counted = counters.get(node)?.[field] ?? 0;
    if (counted !== value) faults.push(`${node} counts ${field} ${counted}, the log says ${value}`);
  };
  for (const { topic } of plan.topics) expect(topic, 'in', sumOf(log.offsets(topic).map(({ end }) => end)));
  for (const { node, source, outputs, deadLetterTopics, subscriptions } of plan.consumers) {
    const committed = log.commits().filter(({ group }) => group === node);
    if (subscriptions.length > 0) expect(node, 'in', sumOf(committed.map(({ offset }) => offset)));
    expect(node, 'out', countFrom(log, source, Object.values(outputs).flat()));
    expect(node, 'deadLettered', countFrom(log, source, deadLetterTopics));
  }
  for (const { node, source, topics } of plan.producers) expect(node, 'out', countFrom(log, source, topics));
  return faults;
}

function countFrom(log: MemoryLog, source: string, topics: string[]): number {
  const ids = new Set<string>();
  for (const topic of topics) {
    for (const { message } of readAll(log, topic).flat()) if (message.source === source) ids.add(message.id);
  }
  return ids.size;
}

function sumOf(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
