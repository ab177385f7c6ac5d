import type { Message } from '@millrace/shared/message/message.ts';
import type { PlannedConsumer } from '../../../engine/plan/plan.ts';
import type { NativeContext, NativeEvent } from '../../nativeHandler.ts';
import { dedupKeyOf } from './dedupKey.ts';
import {
  type Checker,
  type Copy,
  copiesAppended,
  copiesEver,
  countersOf,
  type Evidence,
  hasCleanup,
  historyOf,
  isAddressedTo,
  isBelowCommit,
  isStillThere,
  lettersOf,
  mostEndings,
  parkedFrom,
  topicName,
  type Violation,
} from './evidence.ts';

const KINDS: readonly string[] = ['filter', 'transform', 'route', 'throttle'];

/** The messages of one id, what they should have made, at least and at most, and what was made of them. */
type Account = { id: string; least: number; most: number; made: number; letters: number; key: string };

/**
 * Rules DL1 and DL6 for nodes without a state that could tell: what they make of a message names it as its cause. Every
 * message below a commit has made what its node makes of it, or is a dead letter, or is counted; and none has made more
 * than the guarantee allows.
 */
export const checkPassing: Checker = (evidence) =>
  evidence.run.plan.consumers
    .filter(({ kind }) => KINDS.includes(kind))
    .flatMap((own) => checkConsumer(evidence, own));

function checkConsumer(evidence: Evidence, consumer: PlannedConsumer): Violation[] {
  const { node, guarantee, kind } = consumer;
  const topics = [...new Set(Object.values(consumer.outputs).flat())];
  const copies = Math.max(1, ...topics.map((topic) => copiesAppended(evidence, node, topic)));
  const accounts = accountsOf(evidence, consumer, topics);
  const violations: Violation[] = [];
  let missing = 0;
  const made = new Map<string, number>();
  for (const account of accounts.values()) {
    const { id, least, most, letters, key } = account;
    missing += Math.max(0, least - account.made - letters);
    made.set(key, (made.get(key) ?? 0) + account.made);
    if (account.made > most * copies)
      violations.push(
        `[DL1] ${node} (${kind}, ${guarantee}) has made ${account.made} of ${id}, ${most} at most`,
      );
  }
  const { skipped, dropped, deduplicated, expired } = countersOf(evidence, node);
  const counted = skipped + dropped + deduplicated + expired;
  if (missing > counted)
    violations.push(
      `[DL1] ${node} (${kind}, ${guarantee}) has committed ${missing} messages that made nothing, but counts ${counted} as skipped, dropped or duplicates`,
    );
  // A payload that was mangled on its way has another key than the message it is a copy of.
  if (consumer.idempotency.window === 'off' || isMangled(evidence)) return violations;
  for (const [key, times] of made)
    if (times > copies) violations.push(`[DL6] ${node} (${kind}) has ${times} effects under the key ${key}`);
  return violations;
}

function accountsOf(evidence: Evidence, consumer: PlannedConsumer, topics: string[]): Map<string, Account> {
  const accounts = new Map<string, Account>();
  const letters = lettersOf(evidence, consumer);
  const isThere = consumer.subscriptions.some(({ topic }) => hasCleanup(evidence, topic))
    ? isStillThere(evidence)
    : () => true;
  for (const copy of copiesEver(evidence, consumer)) {
    const { message, topic, partition, offset } = copy;
    if (!isAddressedTo(message, consumer.node)) continue;
    const account = accounts.get(message.id) ?? emptyAccount(consumer, message);
    accounts.set(message.id, account);
    const makes = makesOf(evidence, consumer, copy);
    account.most += makes * mostEndings(evidence, consumer, copy);
    if (!isBelowCommit(evidence, consumer, copy)) continue;
    if (isThere(copy)) account.least += makes;
    account.letters += letters.get(`${topicName(evidence, topic)}/${partition}/${offset}`) ?? 0;
  }
  const count = (cause: string | null): void => {
    const account = accounts.get(cause ?? '');
    if (account) account.made++;
  };
  for (const topic of topics) {
    for (const { message } of historyOf(evidence, topic))
      if (message.source === consumer.source && message.extensions?.redriveto === undefined)
        count(message.causationId);
    for (const { causationId } of parkedFrom(evidence, consumer.source, topic)) count(causationId);
  }
  return accounts;
}

function emptyAccount(consumer: PlannedConsumer, message: Message): Account {
  return { id: message.id, least: 0, most: 0, made: 0, letters: 0, key: dedupKeyOf(consumer, message) };
}

/** How many messages the node makes of this one: its code is asked, as if the message were handled. */
function makesOf({ scenario }: Evidence, { node, outputs }: PlannedConsumer, { message }: Copy): number {
  const handler = scenario.handlers[node];
  if (!handler) return 1;
  let made = 0;
  const emit: NativeContext['emit'] = (target) => {
    made += outputs[target]?.length ?? 0;
  };
  // Code of these kinds sees the message and makes others of it; nothing else is there for it.
  handler(
    { ...message, data: JSON.parse(message.data) } as unknown as NativeEvent,
    { emit } as NativeContext,
  );
  return made;
}

function isMangled({ scenario }: Evidence): boolean {
  return scenario.faultPlan.some((fault) => fault.kind === 'injected' && fault.spec.kind === 'corrupt');
}
