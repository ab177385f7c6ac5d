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

type Entries = Map<string, string>;
const NO_ENTRIES: ReadonlyMap<string, string> = new Map();

/** Runs the deliveries of an invocation in order, up to the first that throws unless it goes on, as a sandbox does. */
export function invokeNative(
  handler: NativeHandler,
  invocation: Invocation,
  nowMs: number,
  durationUs: () => number,
): AttemptOutcome[] {
  const scopes = new Map<string, Entries>();
  const outcomes: AttemptOutcome[] = [];
  for (const delivery of invocation.deliveries) {
    const { scope } = delivery;
    const stored = invocation.state[scope];
    if (stored !== undefined && !scopes.has(scope)) scopes.set(scope, new Map(Object.entries(stored)));
    const context = new Attempt(delivery, invocation.seed, nowMs, scopes.get(scope) ?? NO_ENTRIES);
    const outcome = context.run(handler, durationUs());
    outcomes.push(outcome);
    if (outcome.status !== 'ok') {
      if (invocation.goesOn) continue;
      break;
    }
    if (outcome.state.length > 0) keepState(scopes, scope, outcome.state);
  }
  return outcomes;
}

/** The next delivery of the scope sees what this one has left. */
function keepState(
  scopes: Map<string, Entries>,
  scope: string,
  state: { name: string; value: string | null }[],
): void {
  const entries = scopes.get(scope) ?? new Map<string, string>();
  scopes.set(scope, entries);
  for (const { name, value } of state) {
    if (value === null) entries.delete(name);
    else entries.set(name, value);
  }
}

/** One attempt, which is its own context. What handlers seldom ask for is made when they do: there are millions of attempts. */
class Attempt implements NativeContext {
  readonly #delivery: Delivery;
  readonly #seed: number;
  readonly #nowMs: number;
  readonly #entries: ReadonlyMap<string, string>;
  readonly #emits: Emission[] = [];
  readonly #timers: { delayMs: number; data: string }[] = [];
  readonly #logs: HandlerLog[] = [];
  #changes: Map<string, string | null> | null = null;
  #random: Random | null = null;

  constructor(delivery: Delivery, seed: number, nowMs: number, entries: ReadonlyMap<string, string>) {
    this.#delivery = delivery;
    this.#seed = seed;
    this.#nowMs = nowMs;
    this.#entries = entries;
  }

  run(handler: NativeHandler, durationUs: number): AttemptOutcome {
    const logs = this.#logs;
    try {
      handler(new DeliveredEvent(this.#delivery), this);
    } catch (thrown) {
      const message = thrown instanceof Error ? thrown.message : String(thrown);
      return { status: 'failed', durationUs, error: { code: 'HANDLER_THREW', message }, logs };
    }
    const changes = this.#changes;
    const state = changes === null ? [] : [...changes].map(([name, value]) => ({ name, value }));
    return { status: 'ok', durationUs, emits: this.#emits, state, timers: this.#timers, logs };
  }

  // Getters of functions, so that a handler may take its context apart, and pays for what it takes.
  get emit(): NativeContext['emit'] {
    return (target, data, options) => {
      const emission: Emission = { target, data: JSON.stringify(data) };
      this.#emits.push(options === undefined ? emission : { ...emission, ...options });
    };
  }

  get state(): NativeContext['state'] {
    return {
      get: (name) => {
        const changed = this.#changes?.get(name);
        const text = changed === undefined ? this.#entries.get(name) : changed;
        return text === null || text === undefined ? undefined : (JSON.parse(text) as unknown);
      },
      set: (name, value) => this.#change(name, JSON.stringify(value)),
      delete: (name) => this.#change(name, null),
    };
  }

  #change(name: string, value: string | null): void {
    this.#changes ??= new Map();
    this.#changes.set(name, value);
  }

  get now(): NativeContext['now'] {
    return () => this.#nowMs;
  }

  get random(): NativeContext['random'] {
    return () => this.#generator().next();
  }

  get uuid(): NativeContext['uuid'] {
    return () => uuidV7(this.#nowMs, this.#generator());
  }

  get log(): NativeContext['log'] {
    return (text) => void this.#logs.push({ level: 'info', message: text });
  }

  get schedule(): NativeContext['schedule'] {
    return (delayMs, data) => void this.#timers.push({ delayMs, data: JSON.stringify(data) });
  }

  #generator(): Random {
    this.#random ??= createRandom(`${this.#seed}:${this.#delivery.message.id}`);
    return this.#random;
  }
}

class DeliveredEvent implements NativeEvent {
  readonly id: string;
  readonly type: string;
  readonly source: string;
  readonly timeMs: number;
  readonly subject: string | null;
  readonly key: string | null;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly attempt: number;
  readonly correlationId: string;
  readonly causationId: string | null;
  readonly timer: boolean;
  readonly #text: string;
  #data: unknown;
  #isParsed = false;

  constructor({ message, topic, partition, offset, attempt, timer }: Delivery) {
    this.id = message.id;
    this.type = message.type;
    this.source = message.source;
    this.timeMs = message.timeMs;
    this.subject = message.subject ?? null;
    this.key = message.key;
    this.topic = topic;
    this.partition = partition;
    this.offset = offset;
    this.attempt = attempt;
    this.correlationId = message.correlationId;
    this.causationId = message.causationId;
    this.timer = timer;
    this.#text = message.data;
  }

  get time(): string {
    return isoTime(this.timeMs);
  }

  get data(): unknown {
    if (!this.#isParsed) this.#data = JSON.parse(this.#text) as unknown;
    this.#isParsed = true;
    return this.#data;
  }
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
