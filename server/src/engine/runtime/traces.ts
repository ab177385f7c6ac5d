import type { Message } from '@millrace/shared/message/message.ts';
import type { TraceKind, TraceRecord } from '@millrace/shared/trace/record.ts';
import type { Core } from './core.ts';

export type Place = { topic: string | null; partition: number; offset: number };
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
