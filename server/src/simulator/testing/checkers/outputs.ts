import { derivedId } from '@millrace/shared/message/ids.ts';
import { type StoredMessage, TIMER_TYPE } from '@millrace/shared/message/message.ts';
import type { PlannedConsumer } from '../../../engine/plan/plan.ts';
import {
  type Checker,
  countersOf,
  type Evidence,
  hadFault,
  historyOf,
  ledgerOf,
  type Violation,
} from './evidence.ts';

/** More than any generated handler emits for one message. */
const EMITS_MAX = 4;

/** Rules HD2, MS2 and TR2: what was emitted is what the ledgers say, under derived ids, and is counted. */
export const checkOutputs: Checker = (evidence) =>
  evidence.run.plan.consumers.flatMap((consumer) => {
    const emitted = emittedBy(evidence, consumer);
    return [...wrongIds(consumer, emitted), ...wrongNumbers(evidence, consumer, emitted.length)];
  });

/** What the consumer has appended to its topics, dead letters and what was sent back from them apart. */
function emittedBy(evidence: Evidence, { source, outputs }: PlannedConsumer): StoredMessage[] {
  const topics = new Set(Object.values(outputs).flat());
  return [...topics]
    .flatMap((topic) => historyOf(evidence, topic))
    .filter(({ message }) => message.source === source && message.extensions?.redriveto === undefined);
}

function wrongIds({ node, source }: PlannedConsumer, emitted: StoredMessage[]): Violation[] {
  const violations: Violation[] = [];
  for (const { message } of emitted) {
    const { id, causationId, timeMs } = message;
    if (causationId === null) {
      violations.push(`[MS3] ${id} from ${source} has no cause`);
      continue;
    }
    // The time bits are those of the cause, which only a foreign id does not hold.
    const isDerived = Array.from({ length: EMITS_MAX }, (_, index) =>
      derivedId(causationId, timeMs, node, index),
    ).some((derived) => derived.slice(14) === id.slice(14));
    if (!isDerived) violations.push(`[MS2] ${id} is not derived from ${causationId} by ${node}`);
  }
  return violations;
}

function wrongNumbers(
  evidence: Evidence,
  { node, kind, guarantee }: PlannedConsumer,
  appended: number,
): Violation[] {
  // Under these, more is appended than anybody emitted, and counted where it happens.
  if (hadFault(evidence, 'duplicate', 'lost-acks')) return [];
  const violations: Violation[] = [];
  const { out } = countersOf(evidence, node);
  if (kind !== 'batch' && out !== appended)
    violations.push(`[TR2] ${node} counts ${out} emitted, the log holds ${appended}`);
  if (kind !== 'handler') return violations;
  let said = 0;
  for (const { emits } of ledgerOf(evidence, node).values()) said += emits;
  if (said !== appended)
    violations.push(
      `[HD2] ${node} (${guarantee}) has ${appended} messages in the log, its state says ${said}`,
    );
  return violations;
}

/** Rule DL5: what was sent back is in its topic once for each mark that says so. */
export const checkRedriven: Checker = (evidence) => {
  if (hadFault(evidence, 'lost-acks', 'duplicate')) return [];
  const marks = evidence.run.log.state().filter(({ store }) => store.startsWith('redriven:'));
  const expected = marks.filter(({ store, key }) => {
    const [partition, offset] = key.split('/').map(Number) as [number, number];
    const letter = evidence.testimony.history.get(store.slice('redriven:'.length))?.[partition]?.[offset];
    // A timer is set again and appended nowhere; what a timer emits has its type, and a place.
    const isTimer = letter?.message.type === TIMER_TYPE && Number(letter.message.extensions?.dloffset) < 0;
    return letter !== undefined && !isTimer;
  }).length;
  let found = 0;
  for (const { topic } of evidence.run.plan.topics)
    for (const { message } of historyOf(evidence, topic))
      if (message.extensions?.redriveto !== undefined) found++;
  return found === expected ? [] : [`[DL5] ${expected} dead letters are marked as sent back, ${found} were`];
};
