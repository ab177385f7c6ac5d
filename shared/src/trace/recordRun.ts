import type { Message } from '../message/message.ts';
import type { TraceKind, TraceRecord } from './record.ts';

/**
 * Records of one moment that differ only in which message they are about. A busy run says most of what it says in such runs:
 * an append, a batch handed over, a batch handled. As one object with a list they cost a fraction of an object each.
 */
export type RecordRun = {
  kind: TraceKind;
  timeMs: number;
  nodeId: string;
  topic: string | null;
  partition: number;
  attempt: number;
  durationUs: number;
  messages: Message[];
  /** Offset of each message; -1 where there is none. */
  offsets: number[];
};

/** What the engine gives out: single records and runs of them, in order. */
export type TraceEntry = TraceRecord | RecordRun;

export function isRecordRun(entry: TraceEntry): entry is RecordRun {
  return (entry as RecordRun).messages !== undefined;
}

/** The record about the message at `index` of the run. */
export function recordOfRun(run: RecordRun, index: number): TraceRecord {
  const message = run.messages[index] as Message;
  return {
    kind: run.kind,
    timeMs: run.timeMs,
    nodeId: run.nodeId,
    messageId: message.id,
    correlationId: message.correlationId,
    causationId: message.causationId,
    messageType: message.type,
    key: message.key,
    topic: run.topic,
    partition: run.partition,
    offset: run.offsets[index] as number,
    attempt: run.attempt,
    durationUs: run.durationUs,
    errorCode: null,
    errorMessage: null,
    detail: null,
  };
}

/** All records, one by one. */
export function expandEntries(entries: readonly TraceEntry[]): TraceRecord[] {
  const records: TraceRecord[] = [];
  for (const entry of entries) {
    if (!isRecordRun(entry)) records.push(entry);
    else for (let i = 0; i < entry.messages.length; i++) records.push(recordOfRun(entry, i));
  }
  return records;
}
