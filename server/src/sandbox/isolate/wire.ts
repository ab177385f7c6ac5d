/**
 * What crosses the wall of the isolate: one text in, one text out, per call. Both sides import this file.
 *
 * In: JSON of `CallInput`, put together by concatenation because payloads are JSON already. Out: `<length>:<header><bodies>`;
 * the header is JSON of `CallOutput`, the bodies are the payloads one after the other, cut out by the lengths in the
 * header, so that no payload is parsed or escaped on its way out.
 */
export type CallInput = {
  nowMs: number;
  seed: number;
  deliveries: DeliveryInput[];
  /** scope → name → JSON text. */
  state: Record<string, Record<string, string>>;
};

/**
 * id, source, type, timeMs, subject, key, topic, partition, offset, attempt, correlation, causation, timer, scope, data.
 * A source, type or topic of 0 is that of the delivery before; a correlation of 0 is the message's own id. Parsing texts
 * is what handling many small messages costs most, and these are nearly always the same.
 */
export type DeliveryInput = [
  string,
  string | 0,
  string | 0,
  number,
  string | null,
  string | null,
  string | 0,
  number,
  number,
  number,
  string | 0,
  string | null,
  boolean,
  string,
  unknown,
];

/** Of `target`, the length of the data, and type, key and subject: `0` or missing where the code said nothing. */
export type EmitOutput = [string, number, (string | 0)?, (string | null | 0)?, (string | 0)?];

/** Name and length of the value; -1 deletes. */
export type StateOutput = [string, number];
/** Delay and length of the data. */
export type TimerOutput = [number, number];
/** Level and text. */
export type LogOutput = [LogLevel, string];
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
/** Code, message, stack. */
export type FailureOutput = [FailureCode, string, string];
export type FailureCode =
  | 'HANDLER_THREW'
  | 'HANDLER_FAILED'
  | 'HANDLER_TIMED_OUT'
  | 'EMIT_LIMIT_REACHED'
  | 'STATE_LIMIT_REACHED';

/**
 * Milliseconds by a coarse clock; a failure or null; and the effects, whose bodies come in this order. The last three are
 * missing together where all are empty.
 */
export type AttemptOutput = [
  number,
  FailureOutput | null,
  EmitOutput[],
  StateOutput[]?,
  TimerOutput[]?,
  LogOutput[]?,
];

export type CallOutput = {
  finished: AttemptOutput[];
  /** The attempt that was under way when the call was stopped, with its logs; null between attempts. */
  unfinished: LogOutput[] | null;
};

export const LIMITS = {
  emitsPerAttemptMax: 10_000,
  /** Characters of everything that one attempt emits, schedules and stores. */
  charsPerAttemptMax: 16_777_216,
  timersPerAttemptMax: 1000,
  timerDelayMsMax: 31_622_400_000,
  stateWritesPerAttemptMax: 1000,
  stateNameCharsMax: 256,
  stateValueCharsMax: 1_048_576,
  logsPerAttemptMax: 100,
  logCharsMax: 4000,
  /** A call hands back what it has once its results are this large. */
  charsPerCallMax: 4_194_304,
} as const;
