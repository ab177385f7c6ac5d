import { type FlowRecord, type FlowRecords, flowRecordSchema } from '@millrace/shared/flow/records.ts';
import { mergeJson, sameJson } from './json.ts';

export type RecordChange = { before: FlowRecord | null; after: FlowRecord | null };
/** What a change did, record by record. Small: it holds only what was touched. */
export type RecordsDiff = ReadonlyMap<string, RecordChange>;

export const EMPTY_DIFF: RecordsDiff = new Map();

/** The diff that does `first` and then `second`; what ends where it began drops out. */
export function composeDiffs(first: RecordsDiff, second: RecordsDiff): RecordsDiff {
  const composed = new Map(first);
  for (const [id, change] of second) {
    const before = (composed.get(id) ?? change).before;
    if (sameJson(before, change.after)) composed.delete(id);
    else composed.set(id, { before, after: change.after });
  }
  return composed;
}

export function invertDiff(diff: RecordsDiff): RecordsDiff {
  return new Map([...diff].map(([id, { before, after }]) => [id, { before: after, after: before }]));
}

/**
 * Applies a diff to records that may have moved on since it was taken. Records that others changed are merged field by
 * field; a merge that would not be a valid record falls back to the diff's own value.
 */
export function applyDiff(records: FlowRecords, diff: RecordsDiff): Map<string, FlowRecord> {
  const next = new Map(records);
  for (const [id, { before, after }] of diff) {
    const current = next.get(id);
    if (after === null) next.delete(id);
    else if (current === undefined || before === null) next.set(id, after);
    else {
      const merged = flowRecordSchema.safeParse(mergeJson(current, before, after));
      next.set(id, merged.success ? merged.data : after);
    }
  }
  return dropDangling(next);
}

/** Edges and layouts live and die with their nodes, as in `applyPatch` on the server. Works in place. */
export function dropDangling(records: Map<string, FlowRecord>): Map<string, FlowRecord> {
  for (const [id, record] of records) {
    if (record.type === 'edge' && !(records.has(record.edge.source) && records.has(record.edge.target))) {
      records.delete(id);
    }
    if (record.type === 'layout' && !records.has(id.slice('layout:'.length))) records.delete(id);
  }
  return records;
}

export function diffRecords(before: FlowRecords, after: FlowRecords): RecordsDiff {
  const diff = new Map<string, RecordChange>();
  for (const [id, record] of after) {
    const previous = before.get(id);
    if (previous !== record && !sameJson(previous, record))
      diff.set(id, { before: previous ?? null, after: record });
  }
  for (const [id, record] of before) if (!after.has(id)) diff.set(id, { before: record, after: null });
  return diff;
}
