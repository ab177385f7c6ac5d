import type { PlannedConsumer, PlannedProducer } from '../../../engine/plan/plan.ts';
import { laneName } from '../../witness.ts';
import {
  type Checker,
  committedOf,
  copiesAppended,
  countersOf,
  type Evidence,
  hasCleanup,
  historyOf,
  seeksOf,
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
  const copies = copiesAppended(evidence, node, topic);
  for (const [id, times] of found)
    if (times > (made.get(id) ?? 0) * copies)
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
  let readOut = 0;
  for (const { topic } of evidence.run.plan.topics) {
    const appended = historyOf(evidence, topic).length;
    const counted = countersOf(evidence, topic);
    readOut += counted.out;
    if (counted.in !== appended)
      violations.push(`[TR2] ${topic} counts ${counted.in}, ${appended} were appended`);
  }
  let finished = 0;
  for (const consumer of evidence.run.plan.consumers) {
    finished += countersOf(evidence, consumer.node).in;
    violations.push(...checkLetters(evidence, consumer), ...checkFinished(evidence, consumer));
  }
  if (readOut !== finished)
    violations.push(`[TR2] topics count ${readOut} messages as read, their readers ${finished} as finished`);
  return violations;
};

function checkLetters(
  evidence: Evidence,
  { node, source, deadLetterTopics }: PlannedConsumer,
): Violation[] {
  const [topic] = deadLetterTopics;
  if (topic === undefined) return [];
  const letters = historyOf(evidence, topic).filter(
    ({ message }) => message.source === source && message.extensions?.dlgroup === node,
  ).length;
  const counted = countersOf(evidence, node).deadLettered;
  if (counted <= letters && letters <= counted * copiesAppended(evidence, null, topic)) return [];
  return [`[TR2] ${node} counts ${counted} dead letters, ${letters} are there`];
}

/**
 * What a consumer has finished is what stands below its commits, where nobody moved them and nothing was deleted. At least
 * once, a crash may have had it finished again what was not committed.
 */
function checkFinished(evidence: Evidence, { node, guarantee, subscriptions }: PlannedConsumer): Violation[] {
  const isPlain = subscriptions.every(({ topic }) => !hasCleanup(evidence, topic));
  if (!isPlain || seeksOf(evidence, node) > 0) return [];
  const committed = subscriptions
    .flatMap(({ topic }) =>
      evidence.run.log.offsets(topic).map((_, partition) => committedOf(evidence, node, topic, partition)),
    )
    .reduce((sum, offset) => sum + offset, 0);
  const most = committed + (guarantee === 'at-least-once' ? redoneAtMost(evidence, node, subscriptions) : 0);
  const counted = countersOf(evidence, node).in;
  if (committed <= counted && counted <= most) return [];
  return [`[TR2] ${node} counts ${counted} finished, ${committed} to ${most} are below its commits`];
}

function redoneAtMost(
  { testimony }: Evidence,
  node: string,
  subscriptions: PlannedConsumer['subscriptions'],
): number {
  let messages = 0;
  for (const event of testimony.events) {
    if (event.type !== 'restart') continue;
    const { commits, ends } = event.kept;
    for (const { topic } of subscriptions)
      for (const [partition, end] of (ends.get(topic) ?? []).entries())
        messages += end - (commits.get(laneName(node, topic, partition)) ?? 0);
  }
  return messages;
}

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
