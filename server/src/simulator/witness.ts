import type { ActiveFault, FaultSpec } from '@millrace/shared/faults/fault.ts';
import type { Message, StoredMessage } from '@millrace/shared/message/message.ts';
import type { AttemptOutcome, Delivery, Invocation } from '../engine/io.ts';
import type { WriteEffect } from './storage.ts';
import type { Answer, VirtualCommand, Witness } from './virtualOptions.ts';

/** One invocation as it looked from outside. */
export type SeenInvocation = {
  node: string;
  instance: number;
  deliveries: Delivery[];
  /** Null while it is under way, or when it ended without an answer. */
  outcomes: AttemptOutcome[] | null;
  /** Its process or its instance died before it answered. */
  died: boolean;
};

/** What storage held at one moment: `group topic partition` → commit, and topic → where each partition ended. */
export type Positions = { commits: Map<string, number>; ends: Map<string, number[]> };

export type SeenEvent = { atMs: number } & (
  | { type: 'began' | 'ended' | 'died'; invocation: SeenInvocation }
  /** An instance that had crashed answered after all. */
  | { type: 'late'; invocation: SeenInvocation; outcomes: AttemptOutcome[] }
  | { type: 'restart' }
  | { type: 'asked'; requestId: number; command: VirtualCommand }
  | { type: 'answered'; requestId: number; answer: Answer }
);

/** From when a fault may have been on to when it was durably over; for ever, where nobody saw it end. */
export type FaultSpan = { spec: FaultSpec; fromMs: number; toMs: number };

/** What was seen of a run from outside of the engine, in its order. */
export type Testimony = {
  witness: Witness;
  events: SeenEvent[];
  /** Topic → partition → what was ever appended, whatever retention has taken since. */
  history: Map<string, StoredMessage[][]>;
  faults: FaultSpan[];
  /** What storage held at each death of the process. */
  restarts: Positions[];
  /** Lane → the commit that storage was given last. */
  commits: Map<string, number>;
};

export function createTestimony(): Testimony {
  const events: SeenEvent[] = [];
  const history = new Map<string, StoredMessage[][]>();
  const commits = new Map<string, number>();
  const restarts: Positions[] = [];
  const underWay = new Map<number, SeenInvocation>();
  const fenced = new Map<number, SeenInvocation>();
  const faults = createFaultWatch();

  const end = (id: number, outcomes: AttemptOutcome[] | null, atMs: number): void => {
    const invocation = underWay.get(id) as SeenInvocation;
    underWay.delete(id);
    invocation.outcomes = outcomes;
    invocation.died = outcomes === null;
    events.push({ type: outcomes === null ? 'died' : 'ended', invocation, atMs });
  };
  const witness: Witness = {
    began({ invocationId, node, instance, deliveries }: Invocation, atMs) {
      const invocation = { node, instance, deliveries, outcomes: null, died: false };
      underWay.set(invocationId, invocation);
      events.push({ type: 'began', invocation, atMs });
    },
    ended({ invocationId }, outcomes, atMs) {
      const lost = fenced.get(invocationId);
      if (underWay.has(invocationId)) end(invocationId, outcomes, atMs);
      else if (lost) events.push({ type: 'late', invocation: lost, outcomes, atMs });
    },
    instanceDied(node, instance, atMs) {
      for (const [id, invocation] of underWay) {
        if (invocation.node !== node || invocation.instance !== instance) continue;
        end(id, null, atMs);
        fenced.set(id, invocation);
      }
    },
    processDied(atMs) {
      for (const id of underWay.keys()) end(id, null, atMs);
      // Numbers of invocations begin anew.
      fenced.clear();
      const ends = [...history].map(([topic, kept]) => [topic, kept.map(({ length }) => length)] as const);
      restarts.push({ commits: new Map(commits), ends: new Map(ends) });
      events.push({ type: 'restart', atMs });
    },
    asked(requestId, command, atMs) {
      events.push({ type: 'asked', requestId, command, atMs });
      if (command.type === 'command' && command.command.type === 'inject-fault')
        faults.asked(command.command.fault, atMs);
    },
    answered(requestId, answer, atMs) {
      events.push({ type: 'answered', requestId, answer, atMs });
    },
    landed(write, bases, atMs) {
      for (const [index, { topic, partition, messages }] of write.appends.entries())
        keep(history, topic, partition, messages, bases[index] as number, atMs);
      for (const { group, topic, partition, offset } of write.commits)
        commits.set(laneName(group, topic, partition), offset);
      faults.landed(write, atMs);
    },
  };
  return { witness, events, history, faults: faults.spans, commits, restarts };
}

export function laneName(group: string, topic: string, partition: number): string {
  return `${group} ${topic} ${partition}`;
}

/** When faults are on, told by what was asked and by what storage was given of them. */
function createFaultWatch() {
  const spans: (FaultSpan & { known: boolean })[] = [];
  const byId = new Map<string, FaultSpan>();
  const landedEntry = (id: string, value: string | null, atMs: number): void => {
    const span = byId.get(id);
    if (value === null) {
      if (span) span.toMs = Math.min(span.toMs, atMs);
      return;
    }
    if (span && span.toMs === Number.POSITIVE_INFINITY) return;
    const spec = JSON.stringify((JSON.parse(value) as ActiveFault).spec);
    const begun = spans.find((own) => !own.known && JSON.stringify(own.spec) === spec);
    if (!begun) return;
    begun.known = true;
    byId.set(id, begun);
  };
  return {
    spans,
    asked: (spec: FaultSpec, fromMs: number): void =>
      void spans.push({ spec, fromMs, toMs: Number.POSITIVE_INFINITY, known: false }),
    landed({ state }: WriteEffect, atMs: number): void {
      for (const { store, key, value } of state) if (store === 'fault') landedEntry(key, value, atMs);
    },
  };
}

function keep(
  history: Testimony['history'],
  topic: string,
  partition: number,
  messages: Message[],
  base: number,
  appendedAtMs: number,
): void {
  const partitions = history.get(topic) ?? [];
  history.set(topic, partitions);
  while (partitions.length <= partition) partitions.push([]);
  const kept = partitions[partition] as StoredMessage[];
  for (const [index, message] of messages.entries())
    kept[base + index] = { message, offset: base + index, appendedAtMs };
}
