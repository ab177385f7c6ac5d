import type { TraceRecord } from '../trace/record.ts';

/** As wide as the sequence of a message, so that it sorts as text. */
const SEQUENCE_DIGITS = 20;

/** Where a record stands: its run, and its number within it. */
export type TraceOrigin = { runId: string; seq: number };

/** One CloudEvent per record, about the node it was seen at; of `data`, what does not apply to its kind is left out. */
export function traceLine(record: TraceRecord, { runId, seq }: TraceOrigin): string {
  const kept = Object.entries(record).filter(
    ([field, value]) => value !== null && value !== '' && !isUnset(record, field),
  );
  const event = {
    specversion: '1.0',
    id: `${runId}/${seq}`,
    source: `/runs/${runId}`,
    type: `dev.millrace.trace.${record.kind}`,
    time: new Date(record.timeMs).toISOString(),
    subject: record.nodeId,
    datacontenttype: 'application/json',
    sequence: String(seq).padStart(SEQUENCE_DIGITS, '0'),
    correlationid: record.correlationId,
    ...(record.causationId === null ? {} : { causationid: record.causationId }),
    data: Object.fromEntries(kept),
  };
  return `${JSON.stringify(event)}\n`;
}

/** A position without a topic, attempt 0 and no duration mean “does not apply”. */
function isUnset(record: TraceRecord, field: string): boolean {
  if (field === 'partition') return record.partition < 0;
  if (field === 'offset') return record.offset < 0;
  if (field === 'attempt') return record.attempt === 0;
  return field === 'durationUs' && record.durationUs === 0;
}
