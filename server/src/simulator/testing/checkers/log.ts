import type { PlannedProducer } from '../../../engine/plan/plan.ts';
import {
  type Checker,
  committedOf,
  countersOf,
  type Evidence,
  hadFault,
  historyOf,
  type Violation,
} from './evidence.ts';

/** Rules TP3 and TP6: what producers made is in their topics, as often as they made it, or is counted as left out. */
export const checkProduction: Checker = (evidence) =>
  evidence.run.plan.producers.flatMap((producer) => {
    const made = countIds(evidence.scenario.produced[producer.node] ?? []);
    const { dropped, out } = countersOf(evidence, producer.node);
    const total = [...made.values()].reduce((sum, times) => sum + times, 0);
    const violations: Violation[] = [];
    if (out + dropped !== total)
      violations.push(`[TR2] ${producer.node} counts ${out} made and ${dropped} dropped of ${total}`);
    for (const topic of producer.topics)
      violations.push(...checkTopic(evidence, producer, topic, made, dropped));
    return violations;
  });

function checkTopic(
  evidence: Evidence,
  { node, source, whenFull }: PlannedProducer,
  topic: string,
  made: Map<string, number>,
  dropped: number,
): Violation[] {
  const found = countIds(
    historyOf(evidence, topic)
      .filter(({ message }) => message.source === source && message.extensions?.redriveto === undefined)
      .map(({ message }) => message.id),
  );
  const violations: Violation[] = [];
  let missing = 0;
  for (const [id, times] of made) missing += Math.max(0, times - (found.get(id) ?? 0));
  if (missing > dropped)
    violations.push(
      `[TP3] ${missing} messages of ${node} are missing from ${topic}, ${dropped} were dropped`,
    );
  if (dropped > 0 && whenFull !== 'drop') violations.push(`[TP6] ${node} counts ${dropped} dropped`);
  if (hadFault(evidence, 'duplicate', 'lost-acks')) return violations;
  for (const [id, times] of found)
    if (times > (made.get(id) ?? 0))
      violations.push(
        `[RN3] ${id} of ${node} is ${times} times in ${topic}, it was made ${made.get(id) ?? 0} times`,
      );
  return violations;
}

function countIds(ids: string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

/** Rule TR2 for topics and what was finished: durable counters say what the log says. */
export const checkCounts: Checker = (evidence) => {
  const violations: Violation[] = [];
  for (const { topic } of evidence.run.plan.topics) {
    const appended = historyOf(evidence, topic).length;
    const counted = countersOf(evidence, topic).in;
    if (counted !== appended) violations.push(`[TR2] ${topic} counts ${counted}, ${appended} were appended`);
  }
  for (const { node, source, deadLetterTopics } of evidence.run.plan.consumers) {
    const [topic] = deadLetterTopics;
    if (topic === undefined || hadFault(evidence, 'lost-acks')) continue;
    const letters = historyOf(evidence, topic).filter(
      ({ message }) => message.source === source && message.extensions?.dlgroup === node,
    ).length;
    const counted = countersOf(evidence, node).deadLettered;
    if (counted !== letters)
      violations.push(`[TR2] ${node} counts ${counted} dead letters, ${letters} are there`);
  }
  return violations;
};

/** Virtual time a run may take to finish once everything is healed: more than all retries of all its messages take. */
const PROGRESS_MS_MAX = 600_000;

/** Rule SM3: once faults are healed, the run ends by itself in bounded time, with everything committed (CG4). */
export const checkProgress: Checker = (evidence) => {
  const { run, scenario } = evidence;
  const last = run.statuses.at(-1);
  if (last?.status !== 'completed')
    return [`[SM3] the run is ${last?.status}${last?.error ? `: ${last.error.message}` : ''}`];
  const violations: Violation[] = [];
  const tookMs = run.endedMs - START_MS - scenario.healedMs;
  if (tookMs > PROGRESS_MS_MAX)
    violations.push(`[SM3] the run took ${tookMs} ms after everything was healed`);
  for (const { node, subscriptions } of run.plan.consumers) {
    for (const { topic } of subscriptions) {
      for (const [partition, { end }] of run.log.offsets(topic).entries()) {
        const committed = committedOf(evidence, node, topic, partition);
        if (committed !== end)
          violations.push(`[CG4] ${node} has committed ${committed} of ${end} in ${topic}/${partition}`);
      }
    }
  }
  return violations;
};

const START_MS = 1_767_225_600_000;
