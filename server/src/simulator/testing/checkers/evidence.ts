import type { Message, StoredMessage } from '@millrace/shared/message/message.ts';
import { type NodeCounters, zeroCounters } from '@millrace/shared/trace/metrics.ts';
import type { PlannedConsumer } from '../../../engine/plan/plan.ts';
import { readAll } from '../../checkers.ts';
import type { VirtualRunResult } from '../../virtualOptions.ts';
import { laneName, type Testimony } from '../../witness.ts';
import { isLedgerName, type LedgerEntry } from '../generate/ledger.ts';
import type { Scenario } from '../generate/scenario.ts';

/**
 * What checkers go by: the log with its durable state, what was ever appended to it, what handlers saw, and what was done
 * to the run. The engine itself is never asked.
 */
export type Evidence = {
  scenario: Scenario;
  run: Pick<VirtualRunResult, 'log' | 'plan' | 'statuses' | 'endedMs' | 'crashes' | 'fired'>;
  testimony: Testimony;
};

/** A broken rule: its number, and what was found. */
export type Violation = `[${string}] ${string}`;
export type Checker = (evidence: Evidence) => Violation[];

/** A message of a topic a consumer reads, below its commit. */
export type Copy = { topic: string; partition: number; offset: number; message: Message };

export function historyOf({ testimony }: Evidence, topic: string): StoredMessage[] {
  return (testimony.history.get(topic) ?? []).flat();
}

export function committedOf({ run }: Evidence, node: string, topic: string, partition: number): number {
  const found = run.log
    .commits()
    .find((commit) => commit.group === node && commit.topic === topic && commit.partition === partition);
  return found?.offset ?? 0;
}

/** What the consumer has finished with, by its commits, in the order of partitions and offsets. */
export function copiesOf(evidence: Evidence, consumer: PlannedConsumer): Copy[] {
  return copiesEver(evidence, consumer).filter((copy) => isBelowCommit(evidence, consumer, copy));
}

/** Every message that ever was in a topic the consumer reads. */
export function copiesEver({ testimony }: Evidence, { subscriptions }: PlannedConsumer): Copy[] {
  return subscriptions.flatMap(({ topic }) =>
    (testimony.history.get(topic) ?? []).flatMap((stored, partition) =>
      stored.map(({ offset, message }) => ({ topic, partition, offset, message })),
    ),
  );
}

export function isBelowCommit(
  { testimony }: Evidence,
  { node }: PlannedConsumer,
  { topic, partition, offset }: Copy,
): boolean {
  return offset < (testimony.commits.get(laneName(node, topic, partition)) ?? 0);
}

/**
 * How often a message may have ended: once, and again for each seek that went back before it, and, where the commit
 * comes after the effects, for each crash at which it was there and not committed.
 */
export function mostEndings(
  evidence: Evidence,
  { node, guarantee }: PlannedConsumer,
  { topic, partition, offset }: Copy,
): number {
  const again = seeksOf(evidence, node, topic, partition);
  return (
    1 + again + (guarantee === 'at-least-once' ? crashesBefore(evidence, node, topic, partition, offset) : 0)
  );
}

/** Crashes at which the message was there and not committed. */
export function crashesBefore(
  { testimony }: Evidence,
  node: string,
  topic: string,
  partition: number,
  offset: number,
): number {
  const lane = laneName(node, topic, partition);
  return testimony.restarts.filter(
    ({ commits, ends }) => offset >= (commits.get(lane) ?? 0) && offset < (ends.get(topic)?.[partition] ?? 0),
  ).length;
}

/** Everything a handler's ledger says, by the names of its entries. */
export function ledgerOf({ run }: Evidence, node: string): Map<string, LedgerEntry> {
  const ledger = new Map<string, LedgerEntry>();
  for (const { store, key, value } of run.log.state()) {
    if (store !== `state:${node}`) continue;
    const [, name] = JSON.parse(key) as [string, string];
    if (!isLedgerName(name)) continue;
    const entry = JSON.parse(value) as LedgerEntry;
    const known = ledger.get(name);
    // One place is only ever met under one key; two entries would say that it was handled under both.
    ledger.set(name, known ? addedUp(known, entry) : entry);
  }
  return ledger;
}

function addedUp(a: LedgerEntry, b: LedgerEntry): LedgerEntry {
  return { times: a.times + b.times, emits: a.emits + b.emits, turn: Math.max(a.turn, b.turn) };
}

/** How many dead letters a consumer has made of the message at each place (`topic name/partition/offset`). */
export function lettersOf(
  evidence: Evidence,
  { node, source, deadLetterTopics }: PlannedConsumer,
): Map<string, number> {
  const letters = new Map<string, number>();
  const [topic] = deadLetterTopics;
  if (topic === undefined) return letters;
  const repeats = copiesAppended(evidence, null, topic) > 1;
  for (const { message } of historyOf(evidence, topic)) {
    const { extensions = {} } = message;

    if (message.source !== source || extensions.dlgroup !== node) continue;
    const place = `${extensions.dltopic}/${extensions.dlpartition}/${extensions.dloffset}`;
    letters.set(place, repeats ? 1 : (letters.get(place) ?? 0) + 1);
  }
  return letters;
}

export function countersOf({ run }: Evidence, node: string): NodeCounters {
  const entry = run.log.state().find(({ store, key }) => store === 'counters' && key === node);
  return entry ? { ...zeroCounters(), ...(JSON.parse(entry.value) as NodeCounters) } : zeroCounters();
}

/** Places that retention or compaction has emptied. */
export function isStillThere({ run }: Evidence): (copy: Copy) => boolean {
  const there = new Set<string>();
  for (const { topic } of run.plan.topics) {
    for (const [partition, stored] of readAll(run.log, topic).entries())
      for (const { offset } of stored) there.add(`${topic}/${partition}/${offset}`);
  }
  return ({ topic, partition, offset }) => there.has(`${topic}/${partition}/${offset}`);
}

export function hasCleanup({ run }: Evidence, topic: string): boolean {
  const planned = run.plan.topics.find((own) => own.topic === topic);
  if (!planned) return false;
  const { ageMs, bytes, messages } = planned.retention;
  return planned.cleanup === 'compact' || ageMs + bytes + messages > 0;
}

/** Whether a consumer that is to stop the run after a last attempt has done so: then it has not handled everything. */
export function wasStopped({ run }: Evidence): boolean {
  const { status, error } = run.statuses.at(-1) ?? {};
  return status === 'failed' && error?.code !== 'BACKLOG_FULL';
}

/**
 * Messages that a topic did not take because of its schema and has put among its dead letters, as they were sent (TP5);
 * what was sent back from there apart.
 */
export function parkedFrom(
  evidence: Evidence,
  source: string,
  topic: string,
): { id: string; causationId: string | null }[] {
  const [home] = evidence.run.plan.topics.find((own) => own.topic === topic)?.deadLetterTopics ?? [];
  if (home === undefined) return [];
  return historyOf(evidence, home).flatMap(({ message: { extensions = {} } }) =>
    extensions.dlgroup === topic && extensions.dlsource === source && Number(extensions.redrives) === 0
      ? [{ id: String(extensions.dlid), causationId: (extensions.dlcausation as string | undefined) ?? null }]
      : [],
  );
}

/**
 * How often a message that `node` sends to a topic once may be there at most, or among its dead letters. Each fault
 * `duplicate` on the edge adds one; `lost-acks` makes whoever appends do so once more, under the same id.
 */
export function copiesAppended(evidence: Evidence, node: string | null, topic: string): number {
  const { scenario, run } = evidence;
  let most = 1;
  let isRepeated = false;
  for (const fault of scenario.faultPlan) {
    if (fault.kind !== 'injected') continue;
    const { kind, target } = fault.spec;
    const edge = run.plan.publishEdges.find(({ edgeId }) => edgeId === target.edgeId);
    if (kind === 'duplicate' && edge?.node === node && edge.topic === topic) most++;
    isRepeated ||= kind === 'lost-acks' && target.nodeId === topic;
  }
  if (isRepeated) most++;
  const [home] = run.plan.topics.find((own) => own.topic === topic)?.deadLetterTopics ?? [];
  return node === null || home === undefined ? most : Math.max(most, copiesAppended(evidence, null, home));
}

/** How often a person has asked for the group to be moved, there if a place is given. */
export function seeksOf({ scenario }: Evidence, node: string, topic?: string, partition?: number): number {
  return scenario.commands.filter(
    ({ type, ...rest }) =>
      type === 'command' &&
      'command' in rest &&
      rest.command.type === 'seek' &&
      rest.command.node === node &&
      (topic === undefined ||
        rest.command.positions.some((at) => at.topic === topic && at.partition === partition)),
  ).length;
}

export function isAddressedTo({ extensions }: Message, node: string): boolean {
  return extensions?.redriveto === undefined || extensions.redriveto === node;
}

export function topicName({ run }: Evidence, topic: string): string {
  return run.plan.topics.find((planned) => planned.topic === topic)?.name ?? topic;
}
