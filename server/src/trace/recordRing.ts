import type { TraceRecord } from '@millrace/shared/trace/record.ts';
import { isRecordRun, recordOfRun, type TraceEntry } from '@millrace/shared/trace/recordRun.ts';

export type RecordRingLimits = { recordsMax: number; bytesMax: number };

/** No record: the end of a chain. */
export const NO_RECORD = -1;

/** What an entry takes without its texts, and what a message of a run takes without its payload and its key. */
const ENTRY_BYTES = 300;
const MESSAGE_BYTES = 300;

/**
 * The newest records that were sampled out, in case their trace turns out to be worth keeping. They stay in the runs in which they
 * came. A record is known by its number, counted from 0, which leads to the one before it of the same trace: so a trace is found
 * without looking at others, and a record that is left out costs three numbers. What is oldest goes first, a whole run at a time.
 */
export class RecordRing {
  readonly #limits: RecordRingLimits;
  #columns: Columns | null = null;
  #mask = 0;
  #firstRecord = 0;
  #nextRecord = 0;
  #firstEntry = 0;
  #nextEntry = 0;
  #bytes = 0;

  constructor(limits: RecordRingLimits) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#nextRecord - this.#firstRecord;
  }

  /** About; every text is taken to be the entry's own. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Says where the records come from that are pushed next; there is one at least. */
  enter(entry: TraceEntry): void {
    if (this.#columns === null) {
      const size = powerOfTwo(this.#limits.recordsMax);
      this.#columns = newColumns(size);
      this.#mask = size - 1;
    }
    // Each has a record at least, so there may be as many entries as records, and one more only now.
    if (this.#nextEntry - this.#firstEntry > this.#mask) this.#dropOldest();
    const at = this.#nextEntry++ & this.#mask;
    const bytes = bytesOf(entry);
    this.#columns.entries[at] = entry;
    this.#columns.bytes[at] = bytes;
    this.#columns.firstRecords[at] = this.#nextRecord;
    this.#bytes += bytes;
    while (this.#bytes > this.#limits.bytesMax && this.#nextEntry - this.#firstEntry > 1) this.#dropOldest();
  }

  /**
   * The number of the record at `index` of what was entered last; `previous` is that of the one before it in its trace. What
   * does not fit of a run that is longer than the ring has no number.
   */
  push(index: number, previous: number): number {
    if (this.length >= this.#limits.recordsMax) {
      if (this.#nextEntry - this.#firstEntry === 1) return NO_RECORD;
      this.#dropOldest();
    }
    const number = this.#nextRecord++;
    const at = number & this.#mask;
    const { entryNumbers, indexes, previous: previouses } = this.#columns as Columns;
    entryNumbers[at] = this.#nextEntry - 1;
    indexes[at] = index;
    previouses[at] = previous;
    return number;
  }

  /** The records of the trace that ends with this number, oldest first: those that are still here. */
  chain(last: number): TraceRecord[] {
    const records: TraceRecord[] = [];
    if (this.#columns === null) return records;
    const { entries, entryNumbers, indexes, previous } = this.#columns;
    for (
      let number = last;
      number >= this.#firstRecord && number !== NO_RECORD;
      number = previous[number & this.#mask] as number
    ) {
      const at = number & this.#mask;
      const entry = entries[(entryNumbers[at] as number) & this.#mask] as TraceEntry;
      records.push(isRecordRun(entry) ? recordOfRun(entry, indexes[at] as number) : entry);
    }
    return records.reverse();
  }

  #dropOldest(): void {
    const { entries, bytes, firstRecords } = this.#columns as Columns;
    const at = this.#firstEntry++ & this.#mask;
    this.#bytes -= bytes[at] as number;
    entries[at] = undefined;
    this.#firstRecord = firstRecords[this.#firstEntry & this.#mask] as number;
  }
}

/** Rings of one size, a power of two: the first three by number of an entry, the others by number of a record. */
type Columns = {
  entries: (TraceEntry | undefined)[];
  bytes: Float64Array;
  firstRecords: Float64Array;
  entryNumbers: Float64Array;
  indexes: Uint32Array;
  previous: Float64Array;
};

function newColumns(size: number): Columns {
  return {
    entries: new Array<undefined>(size).fill(undefined),
    bytes: new Float64Array(size),
    firstRecords: new Float64Array(size),
    entryNumbers: new Float64Array(size),
    indexes: new Uint32Array(size),
    previous: new Float64Array(size),
  };
}

function bytesOf(entry: TraceEntry): number {
  if (!isRecordRun(entry)) {
    const { key, errorMessage, detail } = entry;
    return ENTRY_BYTES + 2 * (lengthOf(key) + lengthOf(errorMessage) + lengthOf(detail));
  }
  let bytes = ENTRY_BYTES;
  for (const { data, key } of entry.messages) bytes += MESSAGE_BYTES + data.length + lengthOf(key);
  return bytes;
}

function lengthOf(text: string | null): number {
  return text === null ? 0 : text.length;
}

function powerOfTwo(atLeast: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(2, atLeast)));
}
