import { z } from 'zod';
import { redriveProgressSchema } from '../deadLetters/redrive.ts';
import { ERROR_CODES } from '../errors/codes.ts';
import { activeFaultSchema } from '../faults/fault.ts';

const count = z.int().min(0);

/** Exact counters of one node, rule TR2. They survive a crash because they are committed together with the work they count. */
export const nodeCountersSchema = z.strictObject({
  /** Producer: 0. Topic: messages appended. Consumer: messages finished (handled, skipped or dead-lettered). */
  in: count,
  /** Producer: messages acknowledged. Topic: messages finished by its readers. Consumer: messages emitted and acknowledged. */
  out: count,
  /** Attempts that did not end ok. */
  failed: count,
  /** Attempts scheduled again. */
  retried: count,
  deadLettered: count,
  skipped: count,
  /** Messages refused before anything was written (schema, size). */
  rejected: count,
  /** Consumer: messages passed over because their key was handled before (DL6). */
  deduplicated: count,
  /** Producer: messages left out because a reader was full (TP6). Consumer: messages lost by `at-most-once` (DL1). */
  dropped: count,
  /** Topic: messages deleted by retention or compaction. Consumer: messages deleted before it read them, and those left that it then passes over to the latest (TP4). */
  expired: count,
  /** Topic: messages appended though they do not fit its schema (TP5). */
  flagged: count,
  /** Topic of dead letters: those sent back (DL5). */
  redriven: count,
});
export type NodeCounters = z.infer<typeof nodeCountersSchema>;

export function zeroCounters(): NodeCounters {
  return {
    in: 0,
    out: 0,
    failed: 0,
    retried: 0,
    deadLettered: 0,
    skipped: 0,
    rejected: 0,
    deduplicated: 0,
    dropped: 0,
    expired: 0,
    flagged: 0,
    redriven: 0,
  };
}

/** First and next offset of each partition; `committed` per consumer is aligned with them. */
export const topicProgressSchema = z.strictObject({ start: z.array(count), end: z.array(count) });
/**
 * One subscription, keyed by edge id. Committed offset of each partition; lag is the sum of end − committed (CG4). Messages
 * and bytes that its reader is behind, those still being written included, and their limits (TP6).
 */
export const subscriptionProgressSchema = z.strictObject({
  committed: z.array(count),
  lag: count,
  backlog: count,
  backlogBytes: count,
  backlogMax: count,
  backlogBytesMax: count,
});

export type SubscriptionProgress = z.infer<typeof subscriptionProgressSchema>;

/** One consumer group, keyed by node id (CG2). */
export const groupProgressSchema = z.strictObject({
  generation: count,
  /** Paused by a person, so that it can be moved (CG3). */
  paused: z.boolean(),
  instances: z.array(z.strictObject({ state: z.enum(['up', 'paused', 'down']), inFlight: count })),
  /** Edge id → owner of each partition: index of the instance, -1 for none. */
  owners: z.record(z.string(), z.array(z.int().min(-1))),
});
export type GroupProgress = z.infer<typeof groupProgressSchema>;

export const RUN_STATUSES = [
  'created',
  'running',
  'paused',
  'stopping',
  'stopped',
  'completed',
  'failed',
] as const;
export const runStatusSchema = z.enum(RUN_STATUSES);
export type RunStatus = z.infer<typeof runStatusSchema>;

/** Where a run ends and never leaves again (RN2). */
export const FINAL_RUN_STATUSES = ['stopped', 'completed', 'failed'] as const satisfies readonly RunStatus[];
export type FinalRunStatus = (typeof FINAL_RUN_STATUSES)[number];

export function isFinalRunStatus(status: RunStatus): status is FinalRunStatus {
  return (FINAL_RUN_STATUSES as readonly RunStatus[]).includes(status);
}

/** What a node is doing beyond counting, so that the drawing can say why nothing moves. */
export const nodeConditionSchema = z.strictObject({
  /** `failing`: it goes on, but what it did last, or of late, ended in an error. `failed`: it does not go on. */
  state: z.enum(['idle', 'active', 'failing', 'waiting-retry', 'blocked', 'failed', 'finished']),
  /** Why it is blocked; else the last error, also when that is long over. */
  reason: z.string().optional(),
  /** Of the error. */
  code: z.enum(ERROR_CODES).optional(),
  inFlight: count.optional(),
});
export type NodeCondition = z.infer<typeof nodeConditionSchema>;

/** A topic of dead letters, keyed by its id (DL5). */
export const deadLetterFiguresSchema = z.strictObject({
  /** Dead letters in it that were not sent back. */
  waiting: count,
  /** Sent back since the run began, those that retention has deleted since included. */
  sentBack: count,
});
export type DeadLetterFigures = z.infer<typeof deadLetterFiguresSchema>;

/** How traces fare on their way to the store: nothing is left out that is not counted here (TR3). */
export const traceFiguresSchema = z.strictObject({
  lastSeq: count,
  kept: count,
  expired: count,
  lost: count,
  sampling: z.strictObject({
    /** Share of new traces kept at the moment; 1 keeps all. */
    share: z.number().min(0).max(1),
    tracesBegun: count,
    /** Traces of which nothing was kept, and records that were not. */
    tracesOut: count,
    recordsOut: count,
    /** Traces brought back because they failed or were slow. */
    promoted: count,
    /** Of these, those whose beginning was gone. */
    incomplete: count,
    /** Traces in trouble, or slow, that were more than could be brought back. */
    leftOut: count,
  }),
});
export type TraceFigures = z.infer<typeof traceFiguresSchema>;

export function zeroTraceFigures(): TraceFigures {
  return {
    lastSeq: 0,
    kept: 0,
    expired: 0,
    lost: 0,
    sampling: {
      share: 1,
      tracesBegun: 0,
      tracesOut: 0,
      recordsOut: 0,
      promoted: 0,
      incomplete: 0,
      leftOut: 0,
    },
  };
}

/** Everything the canvas shows of a run at one moment. Sent several times a second, whole, because it is small. */
export const metricsSnapshotSchema = z.strictObject({
  runId: z.string(),
  timeMs: z.number(),
  status: runStatusSchema,
  nodes: z.record(z.string(), nodeCountersSchema),
  conditions: z.record(z.string(), nodeConditionSchema),
  topics: z.record(z.string(), topicProgressSchema),
  subscriptions: z.record(z.string(), subscriptionProgressSchema),
  groups: z.record(z.string(), groupProgressSchema),
  /** Faults that were injected and are not healed. */
  faults: z.array(activeFaultSchema),
  redrives: z.array(redriveProgressSchema),
  deadLetters: z.record(z.string(), deadLetterFiguresSchema),
  trace: traceFiguresSchema,
  /** Running: true while storage refuses writes and the run waits for room. */
  stalled: z.string().nullable(),
});
export type MetricsSnapshot = z.infer<typeof metricsSnapshotSchema>;
