import type { AttemptOutcome, Delivery, HandlerLog, Invocation } from '../engine/io.ts';
import {
  type AttemptOutput,
  type CallOutput,
  type EmitOutput,
  type LogOutput,
  NO_EFFECT,
  type Setting,
} from './isolate/wire.ts';
import { userError } from './userError.ts';

/** State entries as the isolate is told of them: scope → name → JSON text. */
export type ScopedState = Map<string, Map<string, string>>;

export function stateOf({ state }: Invocation): ScopedState {
  const scopes: ScopedState = new Map();
  for (const scope of Object.keys(state)) {
    const entries = Object.entries(state[scope] as Record<string, string>);
    // Where every message has a key of its own there are many scopes, and most of them are empty.
    if (entries.length > 0) scopes.set(scope, new Map(entries));
  }
  return scopes;
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
  goesOn: boolean,
  topicNames: Readonly<Record<string, string>>,
): string {
  const heads: (string | number | null | Setting)[] = [];
  // Payloads are JSON already and go in as they are.
  const payloads: string[] = [];
  for (let i = 0; i < deliveries.length; i++) {
    const delivery = deliveries[i] as Delivery;
    const before = deliveries[i - 1];
    const { message, scope } = delivery;
    const { id, correlationId, causationId } = message;
    heads.push(
      id,
      message.timeMs,
      message.key,
      delivery.offset,
      correlationId === id ? 0 : correlationId,
      causationId === correlationId ? 0 : causationId,
      scope === (before?.scope ?? '') ? 0 : scope,
      before !== undefined && hasSameSetting(delivery, before) ? 0 : settingOf(delivery, topicNames),
    );
    payloads.push(message.data);
  }
  return `{"nowMs":${nowMs},"seed":${seed},"goesOn":${goesOn},"heads":${JSON.stringify(heads)},"state":${stateText(deliveries, state)},"data":[${payloads.join(',')}]}`;
}

function hasSameSetting(delivery: Delivery, before: Delivery): boolean {
  const { message } = delivery;
  const other = before.message;
  return (
    message.source === other.source &&
    message.type === other.type &&
    message.subject === other.subject &&
    delivery.topic === before.topic &&
    delivery.partition === before.partition &&
    delivery.attempt === before.attempt &&
    delivery.timer === before.timer
  );
}

function settingOf(
  { message, topic, partition, attempt, timer }: Delivery,
  topicNames: Readonly<Record<string, string>>,
): Setting {
  const { source, type, subject = null } = message;
  return [source, type, subject, topicNames[topic] ?? topic, partition, attempt, timer];
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
    at += length;
    return text.slice(at - length, at);
  };
  const durationsMs: number[] = [];
  const outcomes: AttemptOutcome[] = [];
  let lastTarget = '';
  for (const output of finished) {
    if (typeof output === 'number') {
      durationsMs.push(0);
      const emits = output === NO_EFFECT ? [] : [{ target: lastTarget, data: take(output) }];
      outcomes.push({ status: 'ok', durationUs: 0, emits, state: [], timers: [], logs: [] });
      continue;
    }
    durationsMs.push(output[0]);
    outcomes.push(outcomeOf(output, take));
    lastTarget = output[2].at(-1)?.[0] ?? lastTarget;
  }
  if (at !== text.length)
    throw new Error(`The isolate answered ${text.length} characters, ${at} were expected`);
  return { outcomes, durationsMs, unfinished: unfinished ? unfinished.map(handlerLog) : null };
}

function outcomeOf(
  [, failure, emits, state = [], timers = [], logs = []]: AttemptOutput,
  take: (length: number) => string,
): AttemptOutcome {
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
