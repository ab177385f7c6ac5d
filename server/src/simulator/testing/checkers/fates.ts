import type { PlannedConsumer } from '../../../engine/plan/plan.ts';
import { laneName } from '../../witness.ts';
import { ledgerName } from '../generate/ledger.ts';
import { dedupKeyOf } from './dedupKey.ts';
import {
  type Checker,
  type Copy,
  copiesOf,
  countersOf,
  type Evidence,
  hasCleanup,
  isAddressedTo,
  isStillThere,
  ledgerOf,
  lettersOf,
  seeksOf,
  topicName,
  type Violation,
  wasStopped,
} from './evidence.ts';

/** What became of the message at one place: how often its effects are there, and how many dead letters were made of it. */
type Fate = { copy: Copy; effects: number; letters: number };

/**
 * Rules DL1, DL4 and DL6. Every message below a commit has effects, or is a dead letter, or is counted as skipped, dropped
 * or passed over; and none has more of that than the guarantee of its consumer allows.
 */
export const checkFates: Checker = (evidence) =>
  evidence.run.plan.consumers
    .filter(({ kind }) => kind === 'handler')
    .flatMap((consumer) => {
      const fates = fatesOf(evidence, consumer);
      return [
        ...unanswered(evidence, consumer, fates),
        ...repeated(evidence, consumer, fates),
        ...handledAsDuplicates(consumer, fates),
      ];
    });

function fatesOf(evidence: Evidence, consumer: PlannedConsumer): Fate[] {
  const ledger = ledgerOf(evidence, consumer.node);
  const letters = lettersOf(evidence, consumer);
  return copiesOf(evidence, consumer)
    .filter(({ message }) => isAddressedTo(message, consumer.node))
    .map((copy) => {
      const { topic, partition, offset } = copy;
      return {
        copy,
        effects: ledger.get(ledgerName(topic, partition, offset))?.times ?? 0,
        letters: letters.get(`${topicName(evidence, topic)}/${partition}/${offset}`) ?? 0,
      };
    });
}

function unanswered(evidence: Evidence, consumer: PlannedConsumer, fates: Fate[]): Violation[] {
  const { node, guarantee, afterLastAttempt } = consumer;
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
      `[DL1] ${node} (${guarantee}) has committed ${open} messages without an effect, but counts ${counted} as skipped, dropped or duplicates: ${told}`,
    );
  }
  // Timers that are skipped are counted, too, and have no place.
  const exact =
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
    .filter(({ copy, effects, letters }) => effects + letters > mostOf(evidence, consumer, copy))
    .map(
      ({ copy, effects, letters }): Violation =>
        `[DL1] ${node} (${guarantee}) has ${effects} effects and ${letters} dead letters of ${placeOf(copy)}`,
    );
}

/**
 * How often a message may have ended: once, and again for each seek that went back before it, and, where the commit
 * comes after the effects, for each crash at which it was there and not committed.
 */
function mostOf(
  evidence: Evidence,
  { node, guarantee }: PlannedConsumer,
  { topic, partition, offset }: Copy,
): number {
  let most = 1 + seeksOf(evidence, node, topic, partition);
  if (guarantee !== 'at-least-once') return most;
  const lane = laneName(node, topic, partition);
  for (const event of evidence.testimony.events) {
    if (event.type !== 'restart') continue;
    const { commits, ends } = event.kept;
    if (offset >= (commits.get(lane) ?? 0) && offset < (ends.get(topic)?.[partition] ?? 0)) most++;
  }
  return most;
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
