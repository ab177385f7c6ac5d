import type { TraceRecord } from '@millrace/shared/trace/record.ts';
import { hash128 } from '@millrace/shared/util/murmur.ts';

/** Rule SM1: one short text that two runs share only when every observed fact is the same, in the same order. */
export type TraceDigest = { add(record: TraceRecord): void; value(): string };

export function createTraceDigest(): TraceDigest {
  let digest = '0'.repeat(32);
  return {
    add(record) {
      digest = hash128(`${digest}\n${canonicalText(record)}`)
        .map((lane) => lane.toString(16).padStart(8, '0'))
        .join('');
    },
    value: () => digest,
  };
}

/** The fields in a fixed order, whatever order the object happens to have. */
function canonicalText(record: TraceRecord): string {
  return JSON.stringify([
    record.kind,
    record.timeMs,
    record.nodeId,
    record.messageId,
    record.correlationId,
    record.causationId,
    record.messageType,
    record.key,
    record.topic,
    record.partition,
    record.offset,
    record.attempt,
    record.durationUs,
    record.errorCode,
    record.errorMessage,
    record.detail,
  ]);
}
