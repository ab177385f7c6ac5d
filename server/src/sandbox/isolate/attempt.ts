import { uuidV7 } from '@millrace/shared/message/ids.ts';
import { createRandom, type Random } from '@millrace/shared/util/random.ts';
import { jsonTextOf, logTextOf } from './jsonText.ts';
import {
  type EmitOutput,
  type FailureCode,
  type FailureOutput,
  type FinishedOutput,
  LIMITS,
  type LogLevel,
  type LogOutput,
  NO_EFFECT,
  type StateOutput,
  type TimerOutput,
} from './wire.ts';

const NO_TEXTS: readonly string[] = [];
const NO_EMITS: EmitOutput[] = [];
const NO_TIMERS: TimerOutput[] = [];
const NO_LOGS: LogOutput[] = [];

/** The state of one scope, asked for only by code that uses it. */
export type Stored = () => Map<string, string>;

/** The last use of `ctx` by something that outlived its delivery; nobody waits for it, so the next delivery tells. */
export const late: { sentence: string | null } = { sentence: null };

/** What handling one delivery has done so far. Nothing of it leaves unless the attempt succeeds, but for its logs (HD2). */
export class Attempt {
  /** The first failure that the code caused by name or by reaching a limit. Catching the exception does not undo it. */
  failure: FailureOutput | null = null;
  // Most attempts do little, so each of these lists is made when it is needed.
  #emits: EmitOutput[] | null = null;
  #emitBodies: string[] | null = null;
  #timers: TimerOutput[] | null = null;
  #timerBodies: string[] | null = null;
  #logs: LogOutput[] | null = null;
  /** Written by this attempt: name → JSON text, or null for deleted. */
  #written: Map<string, string | null> | null = null;
  closed = false;
  readonly #seed: number;
  readonly #messageId: string;
  /** Counts from 1; each attempt draws random numbers of its own, else a retry could never end differently. */
  readonly #number: number;
  readonly #messageTimeMs: number;
  readonly #stored: Stored;
  #random: Random | null = null;
  #ids: Random | null = null;
  #chars = 0;
  #logsLeftOut = 0;

  constructor(seed: number, messageId: string, messageTimeMs: number, number: number, stored: Stored) {
    this.#seed = seed;
    this.#messageId = messageId;
    this.#messageTimeMs = messageTimeMs;
    this.#number = number;
    this.#stored = stored;
  }

  emit(target: unknown, data: unknown, options: unknown): void {
    this.#mustBeOpen('ctx.emit');
    if (typeof target !== 'string' || target === '') {
      throw new TypeError('ctx.emit needs the name of a topic or an output as its first argument');
    }
    const { key, type, subject } = emitOptionsOf(options);
    const body = jsonTextOf(data, 'data');
    this.#emits ??= [];
    this.#emitBodies ??= [];
    if (this.#emits.length >= LIMITS.emitsPerAttemptMax) {
      this.#limit('EMIT_LIMIT_REACHED', `one attempt may emit ${LIMITS.emitsPerAttemptMax} messages`);
    }
    this.#spend(body.length, 'EMIT_LIMIT_REACHED');
    this.#emits.push(
      key === 0 && type === 0 && subject === 0
        ? [target, body.length]
        : [target, body.length, type, key, subject],
    );
    this.#emitBodies.push(body);
  }

  schedule(delayMs: unknown, data: unknown): void {
    this.#mustBeOpen('ctx.schedule');
    if (typeof delayMs !== 'number' || !(delayMs >= 0 && delayMs <= LIMITS.timerDelayMsMax)) {
      throw new RangeError(
        `ctx.schedule needs a delay from 0 to ${LIMITS.timerDelayMsMax} milliseconds as its first argument`,
      );
    }
    const body = jsonTextOf(data === undefined ? null : data, 'data');
    this.#timers ??= [];
    this.#timerBodies ??= [];
    if (this.#timers.length >= LIMITS.timersPerAttemptMax) {
      this.#limit('EMIT_LIMIT_REACHED', `one attempt may schedule ${LIMITS.timersPerAttemptMax} timers`);
    }
    this.#spend(body.length, 'EMIT_LIMIT_REACHED');
    this.#timers.push([Math.round(delayMs), body.length]);
    this.#timerBodies.push(body);
  }

  /** A copy each time: what the code does to it is kept only by `ctx.state.set`. */
  get(name: unknown): unknown {
    const key = stateName(name);
    const text = this.#written?.has(key) ? this.#written.get(key) : this.#stored().get(key);
    return text === undefined || text === null ? undefined : JSON.parse(text);
  }

  set(name: unknown, value: unknown): void {
    this.#mustBeOpen('ctx.state.set');
    const text = jsonTextOf(value, stateName(name));
    if (text.length > LIMITS.stateValueCharsMax) {
      this.#limit(
        'STATE_LIMIT_REACHED',
        `a state entry may hold ${LIMITS.stateValueCharsMax} characters of JSON`,
      );
    }
    this.#write(name as string, text);
  }

  delete(name: unknown): void {
    this.#mustBeOpen('ctx.state.delete');
    this.#write(stateName(name), null);
  }

  fail(code: unknown, message: unknown): never {
    const name = String(code);
    const failed = new Error(message === undefined ? name : `${name}: ${String(message)}`);
    failed.name = 'HandlerFailed';
    this.failure ??= ['HANDLER_FAILED', failed.message, typeof failed.stack === 'string' ? failed.stack : ''];
    throw failed;
  }

  log(level: LogLevel, args: unknown[]): void {
    this.#logs ??= [];
    if (this.#logs.length >= LIMITS.logsPerAttemptMax) {
      this.#logsLeftOut++;
      return;
    }
    const text = args.map(logTextOf).join(' ');
    this.#logs.push([
      level,
      text.length > LIMITS.logCharsMax ? `${text.slice(0, LIMITS.logCharsMax)}…` : text,
    ]);
  }

  random(): number {
    this.#random ??= createRandom(`${this.#seed}:${this.#messageId}:${this.#number}`);
    return this.#random.next();
  }

  /**
   * A UUIDv7 in the message's own time, and the same for every attempt, so that what a retry names is named alike.
   */
  uuid(): string {
    this.#ids ??= createRandom(`${this.#seed}:${this.#messageId}`);
    return uuidV7(this.#messageTimeMs, this.#ids);
  }

  /**
   * What leaves for the host; its bodies are added to `bodies`, and the state takes the writes, so that the next delivery
   * of the scope sees them. `lastTarget` is where the last emit of the call went, see `FinishedOutput`.
   */
  finish(
    durationMs: number,
    thrown: FailureOutput | null,
    lastTarget: string | null,
    bodies: string[],
  ): FinishedOutput {
    this.closed = true;
    const failure = this.failure ?? thrown;
    if (failure !== null) return [durationMs, failure, [], [], [], this.allLogs()];
    if (this.#emitBodies !== null) for (const body of this.#emitBodies) bodies.push(body);
    const emits = this.#emits ?? NO_EMITS;
    if (this.#written === null && this.#timers === null && this.#logs === null) {
      if (durationMs === 0) {
        if (emits.length === 0) return NO_EFFECT;
        const only = emits[0] as EmitOutput;
        if (emits.length === 1 && only.length === 2 && only[0] === lastTarget) return only[1];
      }
      return [durationMs, null, emits];
    }
    const state = this.#written === null ? [] : this.#keepWritten(this.#written, bodies);
    for (const body of this.#timerBodies ?? NO_TEXTS) bodies.push(body);
    return [durationMs, null, emits, state, this.#timers ?? NO_TIMERS, this.allLogs()];
  }

  /** Where its last emit went; null when it emitted nothing. */
  get lastTarget(): string | null {
    return this.#emits?.at(-1)?.[0] ?? null;
  }

  allLogs(): LogOutput[] {
    const logs = this.#logs ?? NO_LOGS;
    if (this.#logsLeftOut === 0) return logs;
    return [...logs, ['warn', `${this.#logsLeftOut} more log lines of this attempt were left out.`]];
  }

  #keepWritten(written: Map<string, string | null>, bodies: string[]): StateOutput[] {
    const stored = this.#stored();
    const state: StateOutput[] = [];
    for (const [name, text] of written) {
      state.push([name, text === null ? -1 : text.length]);
      if (text === null) stored.delete(name);
      else {
        bodies.push(text);
        stored.set(name, text);
      }
    }
    return state;
  }

  #write(name: string, text: string | null): void {
    this.#spend(text?.length ?? 0, 'STATE_LIMIT_REACHED');
    this.#written ??= new Map();
    this.#written.set(name, text);
    if (this.#written.size > LIMITS.stateWritesPerAttemptMax) {
      this.#limit(
        'STATE_LIMIT_REACHED',
        `one attempt may write ${LIMITS.stateWritesPerAttemptMax} state entries`,
      );
    }
  }

  #spend(chars: number, code: FailureCode): void {
    this.#chars += chars;
    if (this.#chars > LIMITS.charsPerAttemptMax) {
      this.#limit(
        code,
        `what one attempt emits, schedules and stores may take ${LIMITS.charsPerAttemptMax} characters`,
      );
    }
  }

  #limit(code: FailureCode, rule: string): never {
    const reached = new RangeError(`Limit reached: ${rule}`);
    this.failure ??= [code, `${reached.message}.`, typeof reached.stack === 'string' ? reached.stack : ''];
    throw reached;
  }

  #mustBeOpen(what: string): void {
    if (!this.closed) return;
    late.sentence = `${what} was called after handle had returned and did nothing: await what the handler starts.`;
    throw new Error(late.sentence);
  }
}

function stateName(name: unknown): string {
  if (typeof name === 'string' && name !== '' && name.length <= LIMITS.stateNameCharsMax) return name;
  throw new TypeError(`The name of a state entry is a text of 1 to ${LIMITS.stateNameCharsMax} characters`);
}

type EmitOptions = { key: string | null | 0; type: string | 0; subject: string | 0 };
const NO_OPTIONS: EmitOptions = { key: 0, type: 0, subject: 0 };

function emitOptionsOf(options: unknown): EmitOptions {
  if (options === undefined || options === null) return NO_OPTIONS;
  if (typeof options !== 'object')
    throw new TypeError('The third argument of ctx.emit is an object such as { key }');
  const { key, type, subject } = options as { key?: unknown; type?: unknown; subject?: unknown };
  return {
    key: key === null ? null : typeof key === 'number' ? String(key) : textOption('key', key),
    type: textOption('type', type),
    subject: textOption('subject', subject),
  };
}

function textOption(name: string, value: unknown): string | 0 {
  if (value === undefined) return 0;
  if (typeof value === 'string') return value;
  throw new TypeError(
    `The option ${name} of ctx.emit is a text, not ${value === null ? 'null' : `a ${typeof value}`}`,
  );
}
