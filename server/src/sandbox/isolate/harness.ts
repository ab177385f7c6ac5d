import { Attempt, late } from './attempt.ts';
import { prepareGlobals } from './globals.ts';
import {
  type CallInput,
  type CallOutput,
  type FailureOutput,
  type FinishedOutput,
  HEAD_CAUSATION,
  HEAD_CORRELATION,
  HEAD_FIELDS,
  HEAD_ID,
  HEAD_KEY,
  HEAD_OFFSET,
  HEAD_SCOPE,
  HEAD_SETTING,
  HEAD_TIME_MS,
  LIMITS,
  type Setting,
} from './wire.ts';

/**
 * The part of the sandbox that lives inside the isolate, beside the code it calls. It is loaded first, when the globals
 * are still whole, and shares nothing with the host but text: there is no reference here that code could escape through.
 */

type Handle = (event: unknown, ctx: unknown) => unknown;

/** Read before it is taken away; tells milliseconds, for the time limit of each delivery. */
const clockMs = Date.now;
const FAR_FUTURE_MS = 8.64e15;

let handle: Handle | null = null;
let call: Call | null = null;
/** Of the last call that ended; asked for again when a stray rejection got in the way of the answer. */
let lastOutput = '';

type Call = {
  input: CallInput;
  stored: Map<string, Map<string, string>>;
  next: number;
  /** Of the delivery under way, or of the one before. */
  scope: string;
  setting: Setting;
  startedMs: number;
  yieldAfterMs: number;
  timeoutMs: number;
  attempt: Attempt | null;
  attemptStartedMs: number;
  finished: FinishedOutput[];
  lastTarget: string | null;
  bodies: string[];
  chars: number;
};

const NO_SETTING: Setting = ['', '', null, '', 0, 1, false];

prepareGlobals(
  {
    nowMs: () => (call ? call.input.nowMs : noDelivery('The time')),
    random: () => (call?.attempt ? call.attempt.random() : noDelivery('A random number')),
  },
  (level, args) => call?.attempt?.log(level, args),
);

function noDelivery(what: string): never {
  throw new Error(`${what} can be had only while a message is handled: read it inside handle`);
}

/** Takes the module's exports; false when none of them can handle an event. */
export function adopt(exports: { handle?: unknown; default?: unknown }): boolean {
  const found = exports.handle ?? exports.default;
  handle = typeof found === 'function' ? (found as Handle) : null;
  return handle !== null;
}

/**
 * Handles deliveries until one fails that others wait for, the time for one call is over or the results are large enough.
 * Answers '' when an asynchronous handler is under way: the isolate runs its promises out, and then `collect` has the answer.
 */
export function run(input: string, timeoutMs: number, yieldAfterMs: number): string {
  lastOutput = '';
  const parsed = JSON.parse(input) as CallInput;
  call = {
    input: parsed,
    stored: new Map(),
    next: 0,
    scope: '',
    setting: NO_SETTING,
    startedMs: clockMs(),
    yieldAfterMs,
    timeoutMs,
    attempt: null,
    attemptStartedMs: 0,
    finished: [],
    lastTarget: null,
    bodies: [],
    chars: 0,
  };
  pump(call);
  return call.attempt === null ? collect() : '';
}

/** The outcome of the last call, also of one that was stopped. What is still unfinished now will never finish by itself. */
export function collect(): string {
  if (call === null) return lastOutput;
  const ended = call;
  call = null;
  const { attempt } = ended;
  if (attempt) attempt.closed = true;
  const output: CallOutput = { finished: ended.finished, unfinished: attempt ? attempt.allLogs() : null };
  const header = JSON.stringify(output);
  lastOutput = `${header.length}:${header}${ended.bodies.join('')}`;
  return lastOutput;
}

function pump(current: Call): void {
  const { data } = current.input;
  while (current.next < data.length) {
    const index = current.next++;
    const attempt = begin(current, index);
    let result: unknown;
    try {
      result = (handle as Handle)(eventOf(current, index), contextOf(attempt));
      if (isThenable(result)) {
        Promise.resolve(result).then(
          () => resume(current, attempt, null),
          (thrown: unknown) => resume(current, attempt, failureOf(thrown)),
        );
        return;
      }
    } catch (thrown) {
      if (!end(current, attempt, failureOf(thrown))) return;
      continue;
    }
    if (!end(current, attempt, null)) return;
  }
}

/** Goes on when an asynchronous handler has settled; too late when its call was given up meanwhile. */
function resume(current: Call, attempt: Attempt, failure: FailureOutput | null): void {
  if (call !== current || current.attempt !== attempt) return;
  if (end(current, attempt, failure)) pump(current);
}

function begin(current: Call, index: number): Attempt {
  const { heads, seed } = current.input;
  const at = index * HEAD_FIELDS;
  const scope = heads[at + HEAD_SCOPE] as string | 0;
  const setting = heads[at + HEAD_SETTING] as Setting | 0;
  if (scope !== 0) current.scope = scope;
  if (setting !== 0) current.setting = setting;
  const own = current.scope;
  const attempt = new Attempt(
    seed,
    heads[at + HEAD_ID] as string,
    heads[at + HEAD_TIME_MS] as number,
    current.setting[5],
    () => storedOf(current, own),
  );
  current.attempt = attempt;
  current.attemptStartedMs = clockMs();
  if (late.sentence !== null) {
    attempt.log('warn', [late.sentence]);
    late.sentence = null;
  }
  return attempt;
}

function storedOf({ stored, input }: Call, scope: string): Map<string, string> {
  const known = stored.get(scope);
  if (known) return known;
  const own = Object.hasOwn(input.state, scope) ? input.state[scope] : undefined;
  const entries = new Map(own ? Object.entries(own) : undefined);
  stored.set(scope, entries);
  return entries;
}

/** False when this call should go no further. */
function end(current: Call, attempt: Attempt, thrown: FailureOutput | null): boolean {
  const nowMs = clockMs();
  const durationMs = Math.max(0, nowMs - current.attemptStartedMs);
  const { bodies } = current;
  const bodiesBefore = bodies.length;
  const output = attempt.finish(durationMs, thrown, current.lastTarget, bodies);
  for (let i = bodiesBefore; i < bodies.length; i++) current.chars += (bodies[i] as string).length;
  current.finished.push(output);
  current.attempt = null;
  const failure = typeof output === 'number' ? null : output[1];
  if (failure === null) current.lastTarget = attempt.lastTarget ?? current.lastTarget;
  else current.chars += failure[1].length + failure[2].length;
  const elapsedMs = nowMs - current.startedMs;
  const inTime = elapsedMs >= 0 && elapsedMs < current.yieldAfterMs && durationMs <= current.timeoutMs;
  return (failure === null || current.input.goesOn) && inTime && current.chars < LIMITS.charsPerCallMax;
}

function isThenable(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}

/** Text only, whatever was thrown: reading it may run the person's code once more, and that may throw as well. */
function failureOf(thrown: unknown): FailureOutput {
  try {
    if (typeof thrown === 'object' && thrown !== null && 'message' in thrown) {
      const { name, message, stack } = thrown as { name?: unknown; message?: unknown; stack?: unknown };
      const title = typeof name === 'string' && name !== '' ? name : 'Error';
      return ['HANDLER_THREW', `${title}: ${String(message)}`, typeof stack === 'string' ? stack : ''];
    }
    return [
      'HANDLER_THREW',
      typeof thrown === 'string' ? thrown : `Thrown: ${JSON.stringify(thrown) ?? String(thrown)}`,
      '',
    ];
  } catch {
    return ['HANDLER_THREW', 'Something was thrown that cannot be shown', ''];
  }
}

let isoSecond = Number.NaN;
let isoPrefix = '';

/** The messages of a batch mostly share their second, and its text is most of the work. */
function isoTime(timeMs: number): string {
  if (!(Math.abs(timeMs) <= FAR_FUTURE_MS)) return String(timeMs);
  const second = Math.floor(timeMs / 1000);
  if (second !== isoSecond) {
    isoSecond = second;
    isoPrefix = new Date(second * 1000).toISOString().slice(0, -4);
  }
  return `${isoPrefix}${String(Math.trunc(timeMs - second * 1000)).padStart(3, '0')}Z`;
}

function eventOf({ input, setting }: Call, index: number): unknown {
  const { heads } = input;
  const at = index * HEAD_FIELDS;
  const id = heads[at + HEAD_ID];
  const timeMs = heads[at + HEAD_TIME_MS] as number;
  const correlation = heads[at + HEAD_CORRELATION];
  const correlationId = correlation === 0 ? id : correlation;
  const causation = heads[at + HEAD_CAUSATION];
  return {
    id,
    type: setting[1],
    source: setting[0],
    time: isoTime(timeMs),
    timeMs,
    subject: setting[2],
    key: heads[at + HEAD_KEY],
    topic: setting[3],
    partition: setting[4],
    offset: heads[at + HEAD_OFFSET],
    attempt: setting[5],
    correlationId,
    causationId: causation === 0 ? correlationId : causation,
    timer: setting[6],
    data: input.data[index],
  };
}

/** Everything else of `ctx` means the delivery under way, so one of each serves all. */
const log = Object.freeze(
  Object.assign((...args: unknown[]) => call?.attempt?.log('info', args), {
    debug: (...args: unknown[]) => call?.attempt?.log('debug', args),
    info: (...args: unknown[]) => call?.attempt?.log('info', args),
    warn: (...args: unknown[]) => call?.attempt?.log('warn', args),
    error: (...args: unknown[]) => call?.attempt?.log('error', args),
  }),
);
const now = Object.freeze(() => (call ? call.input.nowMs : noDelivery('The time')));

function contextOf(attempt: Attempt): unknown {
  return {
    emit: (target: unknown, data: unknown, options: unknown) => attempt.emit(target, data, options),
    state: {
      get: (name: unknown) => attempt.get(name),
      set: (name: unknown, value: unknown) => attempt.set(name, value),
      delete: (name: unknown) => attempt.delete(name),
    },
    now,
    random: () => attempt.random(),
    uuid: () => attempt.uuid(),
    log,
    fail: (code: unknown, message: unknown) => attempt.fail(code, message),
    schedule: (delayMs: unknown, data: unknown) => attempt.schedule(delayMs, data),
  };
}
