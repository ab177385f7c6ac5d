import { derivedId } from '@millrace/shared/message/ids.ts';
import type { StoredMessage } from '@millrace/shared/message/message.ts';
import type { PlannedConsumer } from '../../../engine/plan/plan.ts';
import {
  type Checker,
  copiesAppended,
  countersOf,
  type Evidence,
  historyOf,
  ledgerOf,
  parkedFrom,
  type Violation,
} from './evidence.ts';

/** More than any generated handler emits for one message. */
const EMITS_MAX = 4;

/** Rules HD2, MS2 and TR2: what was emitted is what the ledgers say, under derived ids, and is counted. */
export const checkOutputs: Checker = (evidence) =>
  evidence.run.plan.consumers.flatMap((consumer) => {
    const emitted = emittedBy(evidence, consumer);
    const topics = new Set(Object.values(consumer.outputs).flat());
    const parked = [...topics].flatMap((topic) => parkedFrom(evidence, consumer.source, topic)).length;
    return [...wrongIds(consumer, emitted), ...wrongNumbers(evidence, consumer, emitted.length + parked)];
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

/** Faults that append more than anybody emitted set a bound to it; without them the numbers are the same. */
function wrongNumbers(evidence: Evidence, consumer: PlannedConsumer, appended: number): Violation[] {
  const { node, kind, guarantee, outputs } = consumer;
  const topics = Object.values(outputs).flat();
  const copies = Math.max(1, ...topics.map((topic) => copiesAppended(evidence, node, topic)));
  const agrees = (emitted: number): boolean => emitted <= appended && appended <= emitted * copies;
  const violations: Violation[] = [];
  const { out } = countersOf(evidence, node);
  if (!agrees(out)) violations.push(`[TR2] ${node} counts ${out} emitted, the log holds ${appended}`);
  if (kind !== 'handler') return violations;
  let said = 0;
  for (const { emits } of ledgerOf(evidence, node).values()) said += emits;
  if (!agrees(said))
    violations.push(
      `[HD2] ${node} (${guarantee}) has ${appended} messages in the log, its state says ${said}`,
    );
  return violations;
}
