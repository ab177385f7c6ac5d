import type { TraceRecord } from '../trace/record.ts';

/** One line of JSON per record; what does not apply to its kind is left out. */
export function traceLine(record: TraceRecord): string {
  const kept = Object.entries(record).filter(
    ([field, value]) => value !== null && value !== '' && !isUnset(record, field),
  );
  return `${JSON.stringify(Object.fromEntries(kept))}\n`;
}

export function* traceLines(records: Iterable<TraceRecord>): Generator<string> {
  for (const record of records) yield traceLine(record);
}

/** A position without a topic, attempt 0 and no duration mean “does not apply”. */
function isUnset(record: TraceRecord, field: string): boolean {
  if (field === 'partition') return record.partition < 0;
  if (field === 'offset') return record.offset < 0;
  if (field === 'attempt') return record.attempt === 0;
  return field === 'durationUs' && record.durationUs === 0;
}
