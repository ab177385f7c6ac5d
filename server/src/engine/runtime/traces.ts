import type { Message } from '@millrace/shared/message/message.ts';
import type { TraceKind, TraceRecord } from '@millrace/shared/trace/record.ts';
import type { Core } from './core.ts';
import type { Place } from './recordList.ts';

export type { Place };
export const NOWHERE: Place = { topic: null, partition: -1, offset: -1 };

/** A record about one message at one node; the caller fills in what its kind adds. Every record has the same shape. */
export function traceOf(
  kind: TraceKind,
  timeMs: number,
  nodeId: string,
  message: Message,
  place: Place,
  attempt: number,
): TraceRecord {
  return {
    kind,
    timeMs,
    nodeId,
    messageId: message.id,
    correlationId: message.correlationId,
    causationId: message.causationId,
    messageType: message.type,
    key: message.key,
    topic: place.topic,
    partition: place.partition,
    offset: place.offset,
    attempt,
    durationUs: 0,
    errorCode: null,
    errorMessage: null,
    detail: null,
  };
}

/** A record about a node or a range of a partition; no single message is meant, and it belongs to no trace. */
export function rangeRecord(
  kind: TraceKind,
  timeMs: number,
  nodeId: string,
  { topic, partition, offset }: Place,
  detail: string,
): TraceRecord {
  return {
    kind,
    timeMs,
    nodeId,
    messageId: '',
    correlationId: '',
    causationId: null,
    messageType: '',
    key: null,
    topic,
    partition,
    offset,
    attempt: 0,
    durationUs: 0,
    errorCode: null,
    errorMessage: null,
    detail,
  };
}

/** Gives a record out at once: what it says is not part of a write. */
export function emitTrace(core: Core, record: TraceRecord): void {
  core.records.push(record);
}

/** Gives a record out when the open write group is durable. */
export function traceWhenDurable(core: Core, record: TraceRecord): void {
  core.writes.open.records.push(record);
}

/** The same two for records that say no more than what happened, in the cheap form that many of them together take. */
export function emitPlain(
  core: Core,
  kind: TraceKind,
  nodeId: string,
  message: Message,
  place: Place,
  attempt: number,
): void {
  core.records.add(kind, core.nowMs, nodeId, message, place, attempt, 0);
}

export function plainWhenDurable(
  core: Core,
  kind: TraceKind,
  nodeId: string,
  message: Message,
  place: Place,
  attempt: number,
  durationUs = 0,
): void {
  core.writes.open.records.add(kind, core.nowMs, nodeId, message, place, attempt, durationUs);
}
