import type { PlannedConsumer } from '../../../engine/plan/plan.ts';
import { START_MS } from '../../virtualRun.ts';
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
  wasStopped,
} from './evidence.ts';

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

function checkLetters(evidence: Evidence, { node, source, deadLetterTopics }: PlannedConsumer): Violation[] {
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
  // A run that is cut short may have finished messages past the commit.
  const ahead = wasStopped(evidence) ? Number.POSITIVE_INFINITY : 0;
  const redone = guarantee === 'at-least-once' ? redoneAtMost(evidence, node, subscriptions) : 0;
  const most = committed + redone + ahead;
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
  for (const { commits, ends } of testimony.restarts) {
    for (const { topic } of subscriptions)
      for (const [partition, end] of (ends.get(topic) ?? []).entries())
        messages += end - (commits.get(laneName(node, topic, partition)) ?? 0);
  }
  return messages;
}

/** Virtual time a run may take to finish once everything is healed: more than all retries of all its messages take. */
const PROGRESS_MS_MAX = 600_000;

/**
 * Rule SM3: once faults are healed, the run ends in bounded time with everything committed (CG4): by itself, or by being
 * stopped where pushed messages may always come. It fails only where the drawing says so.
 */
export const checkProgress: Checker = (evidence) => {
  const { run, scenario } = evidence;
  const last = run.statuses.at(-1);
  if (wasStopped(evidence)) return checkGivenUp(evidence, last?.error?.message ?? '');
  const wanted = failsFull(evidence) ? 'failed' : scenario.pushes.length > 0 ? 'stopped' : 'completed';
  if (last?.status !== wanted)
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

/** Rule TP6: a producer that is to fail when a reader is full did so, and the run ended for it once all was handled. */
function failsFull({ run, scenario }: Evidence): boolean {
  const { status, error } = run.statuses.at(-1) ?? {};
  const mayFail = run.plan.producers.some(({ whenFull, kind }) => whenFull === 'fail' && kind !== 'http');
  return scenario.pushes.length === 0 && status === 'failed' && error?.code === 'BACKLOG_FULL' && mayFail;
}

/** Rule DL4, stop: the message that stopped the run is not committed. */
function checkGivenUp(evidence: Evidence, error: string): Violation[] {
  const [, name, id] = /^(\S+) gave up on message (\S+) after/.exec(error) ?? [];
  const consumer = evidence.run.plan.consumers.find((own) => own.name === name);
  if (consumer?.afterLastAttempt !== 'stop') return [`[SM3] the run has failed: ${error}`];
  // What is handled at most once was committed before; a timer has no place.
  if (consumer.guarantee === 'at-most-once') return [];
  const copies = consumer.subscriptions.flatMap(({ topic }) =>
    (evidence.testimony.history.get(topic) ?? []).flatMap((stored, partition) =>
      stored
        .filter(({ message }) => message.id === id)
        .map(({ offset }) => offset < committedOf(evidence, consumer.node, topic, partition)),
    ),
  );
  if (copies.length === 0 || copies.includes(false)) return [];
  return [`[DL4] ${consumer.node} has committed ${id}, for which it stopped the run`];
}
