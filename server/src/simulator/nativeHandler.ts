import { toCloudEvent } from '@millrace/shared/message/cloudEvent.ts';
import { uuidV7 } from '@millrace/shared/message/ids.ts';
import { createRandom } from '@millrace/shared/util/random.ts';
import type { AttemptOutcome, Delivery, Emission, HandlerLog, Invocation } from '../engine/io.ts';

/** What a handler written as a plain function sees; the same as `ctx` in the sandbox (HD1). */
export type NativeContext = {
  attempt: number;
  isTimer: boolean;
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

export type NativeEvent = ReturnType<typeof toCloudEvent> & { data: unknown };
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
    attempt: delivery.attempt,
    isTimer: delivery.timer,
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
    handler(toCloudEvent(delivery.message, Math.max(0, delivery.offset)) as NativeEvent, context);
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return { status: 'failed', durationUs, error: { code: 'HANDLER_THREW', message }, logs };
  }
  const state = [...changes].map(([name, value]) => ({ name, value }));
  return { status: 'ok', durationUs, emits, state, timers, logs };
}
