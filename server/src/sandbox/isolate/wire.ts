/**
 * What crosses the wall of the isolate: one text in, one text out, per call. Both sides import this file.
 *
 * In: JSON of `CallInput`, put together by concatenation because payloads are JSON already. Out: `<length>:<header><bodies>`;
 * the header is JSON of `CallOutput`, the bodies are the payloads one after the other, cut out by the lengths in the
 * header, so that no payload is parsed or escaped on its way out. Parsing and making texts and lists is what handling
 * many small messages costs most, so both forms leave out what repeats.
 */
export type CallInput = {
  nowMs: number;
  seed: number;
  /** Whether the call goes on after a delivery that failed. */
  goesOn: boolean;
  /** `HEAD_FIELDS` entries for each delivery, one after the other. */
  heads: HeadField[];
  /** scope → name → JSON text. */
  state: Record<string, Record<string, string>>;
  /** The payload of each delivery. */
  data: unknown[];
};

type HeadField = string | number | null | Setting;

/** Entries of `heads` for one delivery: */
export const HEAD_FIELDS = 8;
export const HEAD_ID = 0;
export const HEAD_TIME_MS = 1;
export const HEAD_KEY = 2;
export const HEAD_OFFSET = 3;
/** 0: the message's own id. */
export const HEAD_CORRELATION = 4;
/** 0: the correlation id. */
export const HEAD_CAUSATION = 5;
/** 0: that of the delivery before. */
export const HEAD_SCOPE = 6;
/** 0: that of the delivery before. */
export const HEAD_SETTING = 7;

/** What the deliveries of a call mostly have in common: source, type, subject, topic, partition, attempt, timer. */
export type Setting = [string, string, string | null, string, number, number, boolean];

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

/**
 * A number stands for the plainest of attempts, which took less than a millisecond and did nothing but emit one message
 * without options, to where the last emit of the call went: it is the length of the data. `NO_EFFECT`: it did not even that.
 */
export type FinishedOutput = AttemptOutput | number;
export const NO_EFFECT = -1;

export type CallOutput = {
  finished: FinishedOutput[];
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
