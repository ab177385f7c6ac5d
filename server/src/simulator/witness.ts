import type { Message, StoredMessage } from '@millrace/shared/message/message.ts';
import type { AttemptOutcome, Delivery, Invocation } from '../engine/io.ts';
import type { Witness } from './virtualOptions.ts';

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
export type SeenEvent =
  | { type: 'began' | 'ended' | 'died'; invocation: SeenInvocation }
  | { type: 'restart' };

/** What was seen of a run from outside of the engine, in its order. */
export type Testimony = {
  witness: Witness;
  events: SeenEvent[];
  /** Topic → partition → what was ever appended, whatever retention has taken since. */
  history: Map<string, StoredMessage[][]>;
};

export function createTestimony(): Testimony {
  const events: SeenEvent[] = [];
  const history = new Map<string, StoredMessage[][]>();
  const underWay = new Map<number, SeenInvocation>();

  const end = (id: number, invocation: SeenInvocation, outcomes: AttemptOutcome[] | null): void => {
    underWay.delete(id);
    invocation.outcomes = outcomes;
    invocation.died = outcomes === null;
    events.push({ type: outcomes === null ? 'died' : 'ended', invocation });
  };
  const witness: Witness = {
    began({ invocationId, node, instance, deliveries }: Invocation) {
      const invocation = { node, instance, deliveries, outcomes: null, died: false };
      underWay.set(invocationId, invocation);
      events.push({ type: 'began', invocation });
    },
    ended({ invocationId }, outcomes) {
      const invocation = underWay.get(invocationId);
      if (invocation) end(invocationId, invocation, outcomes);
    },
    instanceDied(node, instance) {
      for (const [id, invocation] of underWay)
        if (invocation.node === node && invocation.instance === instance) end(id, invocation, null);
    },
    processDied() {
      for (const [id, invocation] of underWay) end(id, invocation, null);
      events.push({ type: 'restart' });
    },
    landed({ appends }, bases, atMs) {
      for (const [index, { topic, partition, messages }] of appends.entries())
        keep(history, topic, partition, messages, bases[index] as number, atMs);
    },
  };
  return { witness, events, history };
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
