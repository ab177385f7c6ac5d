import type { PlannedTopic } from '../../../engine/plan/plan.ts';
import { isMisfit } from '../generate/schema.ts';
import {
  type Checker,
  copiesAppended,
  countersOf,
  type Evidence,
  historyOf,
  type Violation,
} from './evidence.ts';

/** Rule TP5: what does not fit is in no topic that refuses or parks it, and is counted where it is flagged or parked. */
export const checkSchemas: Checker = (evidence) =>
  evidence.run.plan.topics
    .filter(({ schemaId }) => schemaId !== null)
    .flatMap((topic) => checkTopic(evidence, topic));

function checkTopic(
  evidence: Evidence,
  { topic, schemaPolicy, deadLetterTopics }: PlannedTopic,
): Violation[] {
  const misfits = historyOf(evidence, topic).filter(({ message }) => isMisfit(JSON.parse(message.data)));
  const { flagged, deadLettered } = countersOf(evidence, topic);
  if (schemaPolicy === 'flag') {
    // What a consumer gave up on comes back without a second look, and a fault may have changed or doubled it on its way.
    const appended = misfits.filter(({ message }) => message.extensions?.redriveto === undefined).length;
    if (isUnharmed(evidence, topic) && flagged !== appended)
      return [`[TR2] ${topic} counts ${flagged} flagged, ${appended} do not fit`];
    return [];
  }
  const [first] = misfits;
  const violations: Violation[] = [];
  if (first)
    violations.push(`[TP5] ${first.message.id} does not fit ${topic} (${schemaPolicy}) and is in it`);
  const [home] = deadLetterTopics;
  const parked =
    home === undefined
      ? 0
      : historyOf(evidence, home).filter(({ message }) => message.extensions?.dlgroup === topic).length;
  const copies = home === undefined ? 1 : copiesAppended(evidence, null, home);
  if (parked < deadLettered || parked > deadLettered * copies)
    violations.push(`[TR2] ${topic} counts ${deadLettered} dead letters, ${parked} are there`);
  return violations;
}

function isUnharmed({ scenario, run }: Evidence, topic: string): boolean {
  return !scenario.faultPlan.some((fault) => {
    if (fault.kind !== 'injected') return false;
    const { kind, target } = fault.spec;
    if (kind === 'lost-acks') return target.nodeId === topic;
    const edge = run.plan.publishEdges.find(({ edgeId }) => edgeId === target.edgeId);
    return (kind === 'duplicate' || kind === 'corrupt') && edge?.topic === topic;
  });
}
