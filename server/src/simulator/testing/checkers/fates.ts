import type { PlannedConsumer } from '../../../engine/plan/plan.ts';
import { ledgerName } from '../generate/ledger.ts';
import { dedupKeyOf } from './dedupKey.ts';
import {
  type Checker,
  type Copy,
  copiesOf,
  countersOf,
  crashesBefore,
  type Evidence,
  hasCleanup,
  isAddressedTo,
  isStillThere,
  ledgerOf,
  lettersOf,
  mostEndings,
  seeksOf,
  topicName,
  type Violation,
  wasStopped,
} from './evidence.ts';

/**
 * What became of the message at one place: how often its effects are there, and how many dead letters were made of it. The
 * effects of a sink are outside: what counts is that it answered that all went well.
 */
type Fate = { copy: Copy; effects: number; letters: number };

/**
 * Rules DL1, DL4 and DL6. Every message below a commit has effects, or is a dead letter, or is counted as skipped, dropped
 * or passed over; and none has more of that than the guarantee of its consumer allows.
 */
export const checkFates: Checker = (evidence) =>
  evidence.run.plan.consumers
    .filter(({ kind }) => kind === 'handler' || kind === 'log')
    .flatMap((consumer) => {
      const fates = fatesOf(evidence, consumer);
      return [
        ...unanswered(evidence, consumer, fates),
        ...repeated(evidence, consumer, fates),
        // What a sink has done outside may be repeated by a crash, which remembers nothing of it.
        ...(isSink(consumer) ? [] : handledAsDuplicates(consumer, fates)),
      ];
    });

function isSink({ kind }: PlannedConsumer): boolean {
  return kind === 'log';
}

/** How often the message at each place was answered well by a sink: `topic/partition/offset`. */
function answersOf({ testimony }: Evidence, node: string): Map<string, number> {
  const answers = new Map<string, number>();
  for (const event of testimony.events) {
    if (event.type !== 'ended' || event.invocation.node !== node) continue;
    const { deliveries, outcomes } = event.invocation;
    for (const [index, { topic, partition, offset }] of deliveries.entries()) {
      if (outcomes?.[index]?.status !== 'ok') continue;
      const place = `${topic}/${partition}/${offset}`;
      answers.set(place, (answers.get(place) ?? 0) + 1);
    }
  }
  return answers;
}

/** How often a message may have ended; a sink's answers of what a crash undid are there, whatever the guarantee. */
function mostTimes(evidence: Evidence, consumer: PlannedConsumer, copy: Copy): number {
  if (!isSink(consumer)) return mostEndings(evidence, consumer, copy);
  if (isDisturbed(evidence, consumer)) return Number.POSITIVE_INFINITY;
  const { topic, partition, offset } = copy;
  const seeks = seeksOf(evidence, consumer.node, topic, partition);
  if (consumer.guarantee === 'at-most-once') return 1 + seeks;
  return 1 + seeks + crashesBefore(evidence, consumer.node, topic, partition, offset);
}

/** Faults on the way of its answers: the engine did not take each that was given. */
function isDisturbed({ scenario }: Evidence, { node }: PlannedConsumer): boolean {
  return scenario.faultPlan.some(
    (fault) =>
      fault.kind === 'injected' &&
      fault.spec.target.nodeId === node &&
      (fault.spec.kind === 'crash' || fault.spec.kind === 'fail' || fault.spec.kind === 'slow'),
  );
}

function fatesOf(evidence: Evidence, consumer: PlannedConsumer): Fate[] {
  const ledger = ledgerOf(evidence, consumer.node);
  const answers = isSink(consumer) ? answersOf(evidence, consumer.node) : null;
  const letters = lettersOf(evidence, consumer);
  return copiesOf(evidence, consumer)
    .filter(({ message }) => isAddressedTo(message, consumer.node))
    .map((copy) => {
      const { topic, partition, offset } = copy;
      return {
        copy,
        effects: answers
          ? (answers.get(`${topic}/${partition}/${offset}`) ?? 0)
          : (ledger.get(ledgerName(topic, partition, offset))?.times ?? 0),
        letters: letters.get(`${topicName(evidence, topic)}/${partition}/${offset}`) ?? 0,
      };
    });
}

function unanswered(evidence: Evidence, consumer: PlannedConsumer, fates: Fate[]): Violation[] {
  const { node, kind, guarantee, afterLastAttempt } = consumer;
  const { skipped, dropped, deduplicated, expired } = countersOf(evidence, node);
  const silent = fates.filter(({ effects, letters }) => effects + letters === 0).map(({ copy }) => copy);
  const violations: Violation[] = [];
  // Of a run that was cut short, what they are duplicates of may stand past the commit.
  const forgotten = wasStopped(evidence) ? [] : neverHandled(consumer, fates, silent);
  // What storage has kept of the memory of keys says whose mistake it is.
  const remembered = new Set(
    evidence.run.log.state().flatMap(({ store, key }) => (store === `seen:${node}` ? [key] : [])),
  );
  for (const copy of forgotten) {
    if (remembered.has(dedupKeyOf(consumer, copy.message)) && guarantee !== 'at-most-once')
      violations.push(`[DL6] ${node} remembers the key of ${placeOf(copy)} and has no effect of it`);
  }
  const cleaned = consumer.subscriptions.some(({ topic }) => hasCleanup(evidence, topic));
  const isThere = cleaned ? isStillThere(evidence) : () => true;
  const open = silent.filter(isThere).length;
  const counted = skipped + dropped + deduplicated + expired;
  if (open > counted) {
    const told = silent.slice(0, 3).map(placeOf).join(', ');
    violations.push(
      `[DL1] ${node} (${kind}, ${guarantee}) has committed ${open} messages without an effect, but counts ${counted} as skipped, dropped or duplicates: ${told}`,
    );
  }
  // Timers that are skipped are counted, too, and have no place.
  const exact =
    !isSink(consumer) &&
    guarantee === 'exactly-once' &&
    afterLastAttempt !== 'skip' &&
    !cleaned &&
    seeksOf(evidence, node) === 0 &&
    !wasStopped(evidence);
  if (exact && open !== counted)
    violations.push(`[TR2] ${node} counts ${counted} skipped, dropped or duplicates; ${open} have no effect`);
  if (dropped > 0 && guarantee !== 'at-most-once')
    violations.push(`[DL1] ${node} (${guarantee}) counts ${dropped} dropped`);
  if (skipped > 0 && afterLastAttempt !== 'skip') violations.push(`[DL4] ${node} counts ${skipped} skipped`);
  return violations;
}

/** Of the silent ones, those whose key has no effect and no dead letter anywhere: no duplicate of anything. */
function neverHandled(consumer: PlannedConsumer, fates: Fate[], silent: Copy[]): Copy[] {
  if (consumer.idempotency.window === 'off' || consumer.afterLastAttempt === 'skip') return [];
  const handled = new Set(
    fates.flatMap(({ copy, effects, letters }) =>
      effects + letters > 0 ? [dedupKeyOf(consumer, copy.message)] : [],
    ),
  );
  return silent.filter((copy) => !handled.has(dedupKeyOf(consumer, copy.message)));
}

function repeated(evidence: Evidence, consumer: PlannedConsumer, fates: Fate[]): Violation[] {
  const { node, guarantee } = consumer;
  return fates
    .filter(({ copy, effects, letters }) => effects + letters > mostTimes(evidence, consumer, copy))
    .map(
      ({ copy, effects, letters }): Violation =>
        `[DL1] ${node} (${guarantee}) has ${effects} effects and ${letters} dead letters of ${placeOf(copy)}`,
    );
}

function handledAsDuplicates(consumer: PlannedConsumer, fates: Fate[]): Violation[] {
  if (consumer.idempotency.window === 'off') return [];
  const effects = new Map<string, number>();
  for (const fate of fates) {
    const key = dedupKeyOf(consumer, fate.copy.message);
    effects.set(key, (effects.get(key) ?? 0) + fate.effects);
  }
  return [...effects]
    .filter(([, times]) => times > 1)
    .map(([key, times]): Violation => `[DL6] ${consumer.node} has ${times} effects under the key ${key}`);
}

function placeOf({ topic, partition, offset, message }: Copy): string {
  return `${message.id} (${topic}/${partition}/${offset})`;
}
