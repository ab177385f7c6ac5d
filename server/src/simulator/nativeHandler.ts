import { uuidV7 } from '@millrace/shared/message/ids.ts';
import { isoTime } from '@millrace/shared/time/isoTime.ts';
import { createRandom, type Random } from '@millrace/shared/util/random.ts';
import type {
  AttemptOutcome,
  Delivery,
  Emission,
  EngineError,
  HandlerLog,
  Invocation,
} from '../engine/io.ts';

/** The message being handled, as handler code sees it: `HandlerEvent` of `shared/flow/handlerTypes.ts`. */
export type NativeEvent = {
  id: string;
  type: string;
  source: string;
  time: string;
  timeMs: number;
  subject: string | null;
  key: string | null;
  topic: string;
  partition: number;
  offset: number;
  attempt: number;
  correlationId: string;
  causationId: string | null;
  timer: boolean;
  data: unknown;
};

/** `HandlerContext` of the same file, as far as a plain function needs it. */
export type NativeContext = {
  emit(
    target: string,
    data: unknown,
    options?: { type?: string; key?: string | null; subject?: string },
  ): void;
  state: { get(name: string): unknown; set(name: string, value: unknown): void; delete(name: string): void };
  now(): number;
  random(): number;
  uuid(): string;
  log(text: string): void;
  schedule(delayMs: number, data: unknown): void;
};

export type NativeHandler = (event: NativeEvent, context: NativeContext) => void;

/** Runs the deliveries of an invocation in order, up to the first that throws, as a sandbox does. */
export function invokeNative(
  handler: NativeHandler,
  invocation: Invocation,
  nowMs: number,
  durationUs: () => number,
): AttemptOutcome[] {
  const state = new Map<string, Map<string, string>>();
  for (const [scope, entries] of Object.entries(invocation.state))
    state.set(scope, new Map(Object.entries(entries)));
  const outcomes: AttemptOutcome[] = [];
  for (const delivery of invocation.deliveries) {
    const entries = state.get(delivery.scope) ?? new Map<string, string>();
    state.set(delivery.scope, entries);
    const outcome = attempt(handler, delivery, invocation.seed, nowMs, durationUs(), entries);
    outcomes.push(outcome);
    if (outcome.status !== 'ok') break;
    for (const { name, value } of outcome.state) {
      if (value === null) entries.delete(name);
      else entries.set(name, value);
    }
  }
  return outcomes;
}

function attempt(
  handler: NativeHandler,
  delivery: Delivery,
  seed: number,
  nowMs: number,
  durationUs: number,
  entries: ReadonlyMap<string, string>,
): AttemptOutcome {
  const emits: Emission[] = [];
  const changes = new Map<string, string | null>();
  const timers: { delayMs: number; data: string }[] = [];
  const logs: HandlerLog[] = [];
  const random = createRandom(`${seed}:${delivery.message.id}`);
  const read = (name: string): string | null | undefined =>
    changes.has(name) ? changes.get(name) : entries.get(name);
  const context: NativeContext = {
    emit: (target, data, options) => emits.push({ target, data: JSON.stringify(data), ...options }),
    state: {
      get(name) {
        const text = read(name);
        return text === null || text === undefined ? undefined : (JSON.parse(text) as unknown);
      },
      set: (name, value) => changes.set(name, JSON.stringify(value)),
      delete: (name) => changes.set(name, null),
    },
    now: () => nowMs,
    random: () => random.next(),
    uuid: () => uuidV7(nowMs, random),
    log: (text) => logs.push({ level: 'info', message: text }),
    schedule: (delayMs, data) => timers.push({ delayMs, data: JSON.stringify(data) }),
  };
  try {
    handler(eventOf(delivery), context);
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return { status: 'failed', durationUs, error: { code: 'HANDLER_THREW', message }, logs };
  }
  const state = [...changes].map(([name, value]) => ({ name, value }));
  return { status: 'ok', durationUs, emits, state, timers, logs };
}

function eventOf({ message, topic, partition, offset, attempt: count, timer }: Delivery): NativeEvent {
  return {
    id: message.id,
    type: message.type,
    source: message.source,
    time: isoTime(message.timeMs),
    timeMs: message.timeMs,
    subject: message.subject ?? null,
    key: message.key,
    topic,
    partition,
    offset,
    attempt: count,
    correlationId: message.correlationId,
    causationId: message.causationId,
    timer,
    data: JSON.parse(message.data) as unknown,
  };
}

/** Attempts end as failed though the code would not: the first that is drawn, and none after it. */
export function withFailures(outcomes: AttemptOutcome[], share: number, random: Random): AttemptOutcome[] {
  if (share === 0) return outcomes;
  for (const [index, { durationUs }] of outcomes.entries()) {
    if (random.next() >= share) continue;
    const error: EngineError = { code: 'HANDLER_THREW', message: 'A failure of the simulation.' };
    return [...outcomes.slice(0, index), { status: 'failed', durationUs, error, logs: [] }];
  }
  return outcomes;
}
