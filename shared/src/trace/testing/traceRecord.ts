import type { TraceRecord } from '../record.ts';

/** A record of message `m1` that says nothing but what `over` gives; for tests. A message without more is its own root. */
export function traceRecord({
  kind,
  ...over
}: Partial<TraceRecord> & Pick<TraceRecord, 'kind'>): TraceRecord {
  return {
    kind,
    timeMs: 1_700_000_000_000,
    nodeId: 'node:source',
    messageId: 'm1',
    correlationId: over.messageId ?? 'm1',
    causationId: null,
    messageType: 'order.placed',
    key: null,
    topic: null,
    partition: -1,
    offset: -1,
    attempt: 0,
    durationUs: 0,
    errorCode: null,
    errorMessage: null,
    detail: null,
    ...over,
  };
}
