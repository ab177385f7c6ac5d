import type { ErrorCode } from '../errors/codes.ts';

/** The facts the engine observes, rule TR1. The order is the wire's: a kind's index is its code, so only append. */
export const TRACE_KINDS = [
  'produced',
  'appended',
  'delivered',
  'handled',
  'emitted',
  'failed',
  'timed-out',
  'retry-scheduled',
  'dead-lettered',
  'deduplicated',
  'rejected',
  'skipped',
  'dropped',
  'expired',
  'redelivered',
  'rebalanced',
  'state-changed',
  'timer-fired',
  'fault-injected',
  'redriven',
  'crashed',
  'flagged',
] as const;
export type TraceKind = (typeof TRACE_KINDS)[number];

/**
 * One fact about one message at one node. Payloads are not in it: `topic`, `partition` and `offset` say where to read them.
 * - produced: `nodeId` the producer. - appended: `nodeId` the topic, position set. - delivered / redelivered: `nodeId` the
 * consumer, position of the message, `attempt` from 1. - handled: the attempt ended ok, `durationUs` its time. - emitted:
 * `nodeId` the consumer, `messageId` the new message, `causationId` the handled one, `topic` where it goes.
 * - failed / timed-out / crashed / rejected: the attempt ended so; `errorCode`, `errorMessage`. - retry-scheduled: `detail` the delay in ms.
 * With `attempt` 0 they are about what a producer was given and is no message: a request, a source that cannot be read on.
 * - deduplicated: passed over by `nodeId`, `detail` the key. - dropped / expired: left out by `nodeId`, `detail` why; a whole
 * range of one partition is one record. - flagged: appended though it does not fit the schema. - rebalanced: `nodeId` the
 * group, `detail` what changed. - fault-injected: `nodeId` where, `detail` the fault. - redriven: sent back from the dead letters.
 */
export type TraceRecord = {
  kind: TraceKind;
  timeMs: number;
  nodeId: string;
  messageId: string;
  correlationId: string;
  causationId: string | null;
  /** CloudEvents type of the message, '' where it does not apply. */
  messageType: string;
  key: string | null;
  topic: string | null;
  partition: number;
  offset: number;
  attempt: number;
  durationUs: number;
  errorCode: ErrorCode | null;
  errorMessage: string | null;
  detail: string | null;
};

/** A run of consecutive records. `firstSeq` is the sequence number of the first; they count up by one within a run. */
export type TraceBatch = { firstSeq: number; records: TraceRecord[] };

export type TraceStatus = 'ok' | 'running' | 'retried' | 'failed' | 'dead-lettered';

/** One line of the trace list: everything that shares a correlation id. */
export type TraceSummary = {
  correlationId: string;
  rootType: string;
  rootNodeId: string;
  key: string | null;
  startedMs: number;
  lastMs: number;
  records: number;
  messages: number;
  /** Attempts that did not end ok. */
  failures: number;
  /** How often an injected fault had a part in it. */
  faults: number;
  /** Attempts and scheduled retries under way; 0 when nothing is known to be unfinished. */
  open: number;
  /** Failures that were neither tried again nor dead-lettered: skipped, or the run was stopped by them. */
  unresolved: number;
  status: TraceStatus;
};
