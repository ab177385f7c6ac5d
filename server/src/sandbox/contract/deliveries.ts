import type { JsonText } from '@millrace/shared/message/message.ts';
import type { AttemptOutcome, Delivery, Invocation } from '../../engine/io.ts';

export const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

/** One delivery of a message whose payload is `data`; `index` numbers id, offset and time. */
export function deliveryOf(data: unknown, index = 0, changes: Partial<Delivery> = {}): Delivery {
  return {
    message: {
      id: `message-${index}`,
      source: 'node:source',
      type: 'test.happened',
      timeMs: Date.UTC(2026, 0, 1) + index,
      key: `key-${index}`,
      correlationId: 'correlation',
      causationId: null,
      data: JSON.stringify(data),
    },
    topic: 'node:topic',
    partition: 2,
    offset: index,
    attempt: 1,
    scope: 'scope',
    timer: false,
    ...changes,
  };
}

export function invocationOf(
  node: string,
  deliveries: Delivery[],
  state: Record<string, Record<string, JsonText>> = {},
  goesOn = false,
): Invocation {
  return { invocationId: 1, node, instance: 0, seed: 7, deliveries, state, goesOn };
}

export type OkOutcome = Extract<AttemptOutcome, { status: 'ok' }>;
export type BadOutcome = Exclude<AttemptOutcome, { status: 'ok' }>;

export function okOf(outcome: AttemptOutcome | undefined): OkOutcome {
  if (outcome?.status === 'ok') return outcome;
  throw new Error(`Expected an outcome that is ok, got ${JSON.stringify(outcome)}`);
}

export function badOf(outcome: AttemptOutcome | undefined): BadOutcome {
  if (outcome !== undefined && outcome.status !== 'ok') return outcome;
  throw new Error(`Expected an outcome that is not ok, got ${JSON.stringify(outcome)}`);
}
