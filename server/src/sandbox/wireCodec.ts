import type { AttemptOutcome, Delivery, HandlerLog, Invocation } from '../engine/io.ts';
import type { CallOutput, EmitOutput, LogOutput } from './isolate/wire.ts';
import { userError } from './userError.ts';

/** State entries as the isolate is told of them: scope → name → JSON text. */
export type ScopedState = Map<string, Map<string, string>>;

export function stateOf(invocation: Invocation): ScopedState {
  return new Map(
    Object.entries(invocation.state).map(([scope, entries]) => [scope, new Map(Object.entries(entries))]),
  );
}

/** The next call of an invocation sees what the deliveries before have written. */
export function applyWrites(state: ScopedState, scope: string, outcome: AttemptOutcome): void {
  if (outcome.status !== 'ok' || outcome.state.length === 0) return;
  let entries = state.get(scope);
  if (!entries) {
    entries = new Map();
    state.set(scope, entries);
  }
  for (const { name, value } of outcome.state) {
    if (value === null) entries.delete(name);
    else entries.set(name, value);
  }
}

export function encodeCall(
  deliveries: readonly Delivery[],
  state: ScopedState,
  seed: number,
  nowMs: number,
  topicNames: Readonly<Record<string, string>>,
): string {
  let text = `{"nowMs":${nowMs},"seed":${seed},"deliveries":[`;
  for (let i = 0; i < deliveries.length; i++) {
    if (i > 0) text += ',';
    text += deliveryText(deliveries[i] as Delivery, deliveries[i - 1], topicNames);
  }
  return `${text}],"state":${stateText(deliveries, state)}}`;
}

/** Payloads are JSON already and go in as they are. */
function deliveryText(
  delivery: Delivery,
  before: Delivery | undefined,
  topicNames: Readonly<Record<string, string>>,
): string {
  const { message } = delivery;
  const head = JSON.stringify([
    message.id,
    message.source === before?.message.source ? 0 : message.source,
    message.type === before?.message.type ? 0 : message.type,
    message.timeMs,
    message.subject ?? null,
    message.key,
    delivery.topic === before?.topic ? 0 : (topicNames[delivery.topic] ?? delivery.topic),
    delivery.partition,
    delivery.offset,
    delivery.attempt,
    message.correlationId === message.id ? 0 : message.correlationId,
    message.causationId,
    delivery.timer,
    delivery.scope,
  ]);
  return `${head.slice(0, -1)},${message.data}]`;
}

function stateText(deliveries: readonly Delivery[], state: ScopedState): string {
  if (state.size === 0) return '{}';
  const wanted: Record<string, Record<string, string>> = Object.create(null);
  for (const { scope } of deliveries) {
    const entries = state.get(scope);
    if (entries && !(scope in wanted)) wanted[scope] = Object.fromEntries(entries);
  }
  return JSON.stringify(wanted);
}

export type DecodedCall = {
  outcomes: AttemptOutcome[];
  /** By the isolate's coarse clock, one for each outcome. */
  durationsMs: number[];
  unfinished: HandlerLog[] | null;
};

/** Throws when the text is not what the harness writes. */
export function decodeCall(text: string): DecodedCall {
  const colon = text.indexOf(':');
  let at = colon + 1 + Number(text.slice(0, colon));
  const { finished, unfinished } = JSON.parse(text.slice(colon + 1, at)) as CallOutput;
  const take = (length: number): string => {
    const body = text.slice(at, at + length);
    at += length;
    return body;
  };
  const durationsMs: number[] = [];
  const outcomes = finished.map(
    ([durationMs, failure, emits, state = [], timers = [], logs = []]): AttemptOutcome => {
      durationsMs.push(durationMs);
      if (failure !== null) {
        return { status: 'failed', durationUs: 0, error: userError(...failure), logs: logs.map(handlerLog) };
      }
      return {
        status: 'ok',
        durationUs: 0,
        emits: emits.map((emit) => emission(emit, take(emit[1]))),
        state: state.map(([name, length]) => ({ name, value: length < 0 ? null : take(length) })),
        timers: timers.map(([delayMs, length]) => ({ delayMs, data: take(length) })),
        logs: logs.map(handlerLog),
      };
    },
  );
  if (at !== text.length)
    throw new Error(`The isolate answered ${text.length} characters, ${at} were expected`);
  return { outcomes, durationsMs, unfinished: unfinished ? unfinished.map(handlerLog) : null };
}

function emission([target, , type = 0, key = 0, subject = 0]: EmitOutput, data: string) {
  return {
    target,
    data,
    ...(type !== 0 ? { type } : {}),
    ...(key !== 0 ? { key } : {}),
    ...(subject !== 0 ? { subject } : {}),
  };
}

export function handlerLog([level, message]: LogOutput): HandlerLog {
  return { level, message };
}
