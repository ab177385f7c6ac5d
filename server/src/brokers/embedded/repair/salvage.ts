import type { BatchRow } from '../batchRow.ts';
import { isIntact, openRow, rowEnd } from '../batchRow.ts';
import { commitChecksum, partitionChecksum, stateChecksum } from '../rowChecksums.ts';
import type { DamagedFiles, PageView } from './pageView.ts';
import { type FoundRecord, type RecordPlace, type RecordValue, recordAt, recordsOf } from './records.ts';

/** What was found intact in the files of a damaged log. */
export type Salvage = {
  partitions: SavedPartition[];
  commits: SavedCommit[];
  state: SavedEntry[];
  /** Records that looked like ours and were not intact; one may have been seen more than once. */
  damaged: number;
  /** Batches of partitions whose names are lost. */
  nameless: number;
};

export type SavedPartition = {
  id: number;
  topic: string;
  partition: number;
  start: number;
  /** Where the log is known to have ended at least. */
  sealedEnd: number;
  /** In order, none over another. */
  batches: SavedBatch[];
};
export type SavedCommit = { group: string; topic: string; partition: number; offset: number };
export type SavedEntry = { store: string; key: string; value: string };

/** A batch stays where it is until it is copied: all payloads together may be larger than memory. */
export type SavedBatch = {
  base: number;
  end: number;
  count: number;
  removed: number;
  view: PageView;
  place: RecordPlace;
};

type Found = {
  partitions: Map<number, SavedPartition & { revision: number }>;
  /** Names as the index of the partitions has them, for entries that are lost in the table. */
  names: Map<number, { topic: string; partition: number }>;
  batches: Map<number, SavedBatch[]>;
  commits: Map<string, SavedCommit>;
  state: Map<string, SavedEntry>;
  damaged: number;
};

export function salvageFrom({ views }: DamagedFiles): Salvage {
  const found: Found = {
    partitions: new Map(),
    names: new Map(),
    batches: new Map(),
    commits: new Map(),
    state: new Map(),
    damaged: 0,
  };
  for (const [index, view] of views.entries()) {
    for (const record of recordsOf(view)) {
      if (takeBatch(record, view, found) || takePartition(record, found) || takeName(record, found)) continue;
      // Of commits and state only the newest view counts: what it lacks was deleted.
      if (index === 0 && !takeCommit(record, found)) takeEntry(record, found);
    }
  }
  for (const [id, name] of found.names)
    if (!found.partitions.has(id)) found.partitions.set(id, partitionWithoutEntry(id, name));
  const partitions = [...found.partitions.values()]
    .map(({ revision: _, ...partition }) => ({
      ...partition,
      batches: inOrder(found.batches.get(partition.id) ?? [], partition.start),
    }))
    .sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1));
  let nameless = 0;
  for (const [id, batches] of found.batches) if (!found.partitions.has(id)) nameless += batches.length;
  const { damaged } = found;
  return {
    partitions,
    commits: [...found.commits.values()],
    state: [...found.state.values()],
    damaged,
    nameless,
  };
}

/** A batch that salvage has found, read again. */
export function readBatch({ view, place }: SavedBatch): BatchRow {
  const record = recordAt(view, place);
  const row = record === null ? null : batchOf(record.values);
  if (row === null) throw new Error(`the record on page ${place.page} changed while it was read`);
  return row.row;
}

const isNumber = (value: RecordValue | undefined): value is number => typeof value === 'number';
const isText = (value: RecordValue | undefined): value is string => typeof value === 'string';
const isBytes = (value: RecordValue | undefined): value is Uint8Array => value instanceof Uint8Array;

/** Batches of format 1 end with their data. */
function batchOf(values: RecordValue[]): { partitionId: number; row: BatchRow } | null {
  const [id, partitionId, base, count, appendedMs, crc, data, removed = 0, offsets = null] = values;
  if (id !== null || values.length < 7 || values.length > 9) return null;
  if (!isNumber(partitionId) || !isNumber(base) || !isNumber(count) || !isNumber(appendedMs)) return null;
  if (!isNumber(crc) || !isBytes(data) || !isNumber(removed)) return null;
  if (offsets !== null && !isBytes(offsets)) return null;
  return { partitionId, row: { base, count, removed, appendedMs, crc, offsets, data } };
}

function takeBatch({ rowid, values, place }: FoundRecord, view: PageView, found: Found): boolean {
  const batch = rowid === null ? null : batchOf(values);
  if (batch === null) return false;
  const { partitionId, row } = batch;
  if (isWhole(partitionId, row)) {
    const batches = found.batches.get(partitionId) ?? [];
    const { base, count, removed } = row;
    batches.push({ base, end: rowEnd(row), count, removed, view, place });
    found.batches.set(partitionId, batches);
  } else found.damaged++;
  return true;
}

function isWhole(partitionId: number, row: BatchRow): boolean {
  try {
    if (!isIntact(partitionId, row)) return false;
    openRow(row);
    return true;
  } catch {
    return false;
  }
}

function takePartition({ rowid, values }: FoundRecord, found: Found): boolean {
  const [id, topic, partition, start, sealedEnd, cleanedTo, dueMs, revision, checksum] = values;
  if (rowid === null || id !== null || values.length !== 9 || !isText(topic)) return false;
  if (!isNumber(partition) || !isNumber(start) || !isNumber(sealedEnd) || !isNumber(revision)) return false;
  const columns = [rowid, topic, partition, start, sealedEnd, cleanedTo, dueMs, revision];
  if (partitionChecksum(columns) !== checksum) {
    found.damaged++;
    return true;
  }
  const known = found.partitions.get(rowid);
  const isNewer = known === undefined || revision > known.revision || sealedEnd > known.sealedEnd;
  if (isNewer)
    found.partitions.set(rowid, { id: rowid, topic, partition, start, sealedEnd, batches: [], revision });
  return true;
}

function takeName({ rowid, values }: FoundRecord, found: Found): boolean {
  const [topic, partition, id] = values;
  if (rowid !== null || values.length !== 3 || !isText(topic) || !isNumber(partition) || !isNumber(id))
    return false;
  if (!found.names.has(id)) found.names.set(id, { topic, partition });
  return true;
}

/** Of an older and a newer commit the higher one is nearly always the newer. */
function takeCommit({ rowid, values }: FoundRecord, found: Found): boolean {
  const [group, topic, partition, offset, checksum] = values;
  if (rowid !== null || values.length !== 5 || !isText(group) || !isText(topic)) return false;
  if (!isNumber(partition) || !isNumber(offset)) return false;
  if (commitChecksum(group, topic, partition, offset) !== checksum) {
    found.damaged++;
    return true;
  }
  const key = `${group}\n${topic}\n${partition}`;
  if ((found.commits.get(key)?.offset ?? -1) < offset)
    found.commits.set(key, { group, topic, partition, offset });
  return true;
}

function takeEntry({ rowid, values }: FoundRecord, found: Found): boolean {
  const [store, key, value, checksum] = values;
  if (rowid !== null || values.length !== 4 || !isText(store) || !isText(key) || !isText(value)) return false;
  if (stateChecksum(store, key, value) !== checksum) found.damaged++;
  else if (!found.state.has(`${store}\n${key}`)) found.state.set(`${store}\n${key}`, { store, key, value });
  return true;
}

function partitionWithoutEntry(
  id: number,
  { topic, partition }: { topic: string; partition: number },
): SavedPartition & { revision: number } {
  return { id, topic, partition, start: 0, sealedEnd: 0, batches: [], revision: 0 };
}

/**
 * Leaves out what retention had removed, and older forms of what compaction has written again. Batches follow one another,
 * and compaction only joins whole ones, so that of two over the same offsets one lies within the other.
 */
function inOrder(batches: SavedBatch[], start: number): SavedBatch[] {
  const kept: SavedBatch[] = [];
  const sorted = batches
    .filter(({ end }) => end > start)
    .sort((a, b) => a.base - b.base || b.end - a.end || b.removed - a.removed);
  for (const batch of sorted) if (batch.base >= (kept.at(-1)?.end ?? start)) kept.push(batch);
  return kept;
}
