import type { PlannedProducer } from '../../../engine/plan/plan.ts';
import { isMisfit } from '../generate/schema.ts';
import {
  type Checker,
  copiesAppended,
  countersOf,
  type Evidence,
  historyOf,
  parkedFrom,
  type Violation,
} from './evidence.ts';

/**
 * Rules TP3, TP5 and TP6: what producers made is in their topics, or among the dead letters of these, as often as they made
 * it, or is counted as left out or refused.
 */
export const checkProduction: Checker = (evidence) =>
  evidence.run.plan.producers
    .filter(({ kind }) => kind !== 'http')
    .flatMap((own) => checkProducer(evidence, own));

function checkProducer(evidence: Evidence, producer: PlannedProducer): Violation[] {
  const ids = evidence.scenario.produced[producer.node] ?? [];
  const taken = ids.filter((id) => !isRefused(evidence, producer, id));
  const { dropped, out, rejected } = countersOf(evidence, producer.node);
  const sum = out + dropped + rejected;
  const violations: Violation[] = [];
  // One that failed, or whose run did, may not have come to all of them.
  const isWhole = evidence.run.statuses.at(-1)?.status === 'completed';
  if (isWhole ? sum !== ids.length : sum > ids.length)
    violations.push(
      `[TR2] ${producer.node} counts ${out} made, ${dropped} dropped and ${rejected} rejected of ${ids.length}`,
    );
  const refused = ids.length - taken.length;
  if (rejected > refused || (isWhole && rejected < refused - dropped))
    violations.push(`[TP5] ${producer.node} counts ${rejected} rejected of ${refused} that do not fit`);
  if (dropped > 0 && producer.whenFull !== 'drop')
    violations.push(`[TP6] ${producer.node} counts ${dropped} dropped`);
  const most = isWhole ? dropped : ids.length - out - rejected;
  for (const topic of producer.topics)
    violations.push(...checkTopic(evidence, producer, topic, countIds(taken), most));
  return violations;
}

/** What one of its topics refuses reaches none of them. */
function isRefused({ run }: Evidence, { topics }: PlannedProducer, id: string): boolean {
  return (
    isMisfit({ number: Number(id.split('-')[1]) }) &&
    run.plan.topics.some(
      ({ topic, schemaId, schemaPolicy }) =>
        topics.includes(topic) && schemaId !== null && schemaPolicy === 'reject',
    )
  );
}

function checkTopic(
  evidence: Evidence,
  { node, source }: PlannedProducer,
  topic: string,
  made: Map<string, number>,
  leftOut: number,
): Violation[] {
  const kept = historyOf(evidence, topic)
    .filter(({ message }) => message.source === source && message.extensions?.redriveto === undefined)
    .map(({ message }) => message.id);
  const found = countIds([...kept, ...parkedFrom(evidence, source, topic).map(({ id }) => id)]);
  const violations: Violation[] = [];
  let missing = 0;
  for (const [id, times] of made) missing += Math.max(0, times - (found.get(id) ?? 0));
  if (missing > leftOut)
    violations.push(
      `[TP3] ${missing} messages of ${node} are missing from ${topic}, ${leftOut} were left out`,
    );
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
