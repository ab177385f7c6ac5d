import type { DatabaseSync } from 'node:sqlite';
import type { FrameView } from '@millrace/shared/trace/frameView.ts';
import { addToSummary, type SummedRecord } from '@millrace/shared/trace/summary.ts';
import { openFrameOrNull } from './openFrame.ts';
import {
  addChunk,
  bytesOf,
  createNames,
  createTraceTable,
  newEntry,
  type TraceEntry,
  u32Of,
} from './traceEntries.ts';
import type { IncompleteTrace } from './traceSampler.ts';
import type { NameKind, TraceCounts } from './traceSchema.ts';

/** Traces whose lines are remembered between steps, so that most are written without being read. */
const REMEMBERED_TRACES_MAX = 50_000;
/** Incomplete traces whose records have not come by yet; what is more loses the note, not the count. */
const EXPECTED_MAX = 50_000;

/**
 * The list of traces, made from the kept chunks. It follows behind them in steps: records are summed up in memory, and each
 * trace that a step came across is written once, at its end. Changes `counts`; runs inside a transaction of its caller, and
 * has to `forget` when that fails.
 */
export interface TraceIndex {
  /** These are about to come, and are known to lack their beginning. */
  expect(traces: readonly IncompleteTrace[]): void;
  /** Takes in about `recordsMax` records from `counts.indexedSeq` on. */
  step(counts: TraceCounts, recordsMax: number): void;
  /** Drops the traces that have no records but those of this chunk or older ones. */
  expire(counts: TraceCounts, firstSeq: number): void;
  forget(): void;
}

export function createTraceIndex(database: DatabaseSync): TraceIndex {
  return new Index(database);
}

/** A chunk that a step took in, and the traces found in it. */
type TakenChunk = { view: FrameView; entries: TraceEntry[] };

class Index implements TraceIndex {
  readonly #chunksFrom;
  readonly #deleteChunk;
  readonly #addChunkTraces;
  readonly #chunkTraces;
  readonly #deleteChunkTraces;
  readonly #table: ReturnType<typeof createTraceTable>;
  readonly #names: ReturnType<typeof createNames>;
  readonly #missing = new Map<string, number>();
  #remembered = new Map<string, TraceEntry>();
  #changed: TraceEntry[] = [];
  #nextTraceId: number;

  constructor(database: DatabaseSync) {
    this.#chunksFrom = database.prepare(
      'SELECT first_seq AS firstSeq, count, frame FROM chunks WHERE first_seq >= ? ORDER BY first_seq',
    );
    this.#deleteChunk = database.prepare('DELETE FROM chunks WHERE first_seq = ?');
    this.#addChunkTraces = database.prepare('INSERT OR REPLACE INTO chunk_traces VALUES (?, ?)');
    this.#chunkTraces = database.prepare(
      'SELECT trace_ids AS traceIds FROM chunk_traces WHERE first_seq = ?',
    );
    this.#deleteChunkTraces = database.prepare('DELETE FROM chunk_traces WHERE first_seq = ?');
    this.#table = createTraceTable(database);
    this.#names = createNames(database);
    this.#nextTraceId = this.#table.lastId() + 1;
  }

  forget(): void {
    this.#remembered = new Map();
    this.#changed = [];
    this.#names.load();
    this.#nextTraceId = this.#table.lastId() + 1;
  }

  expect(traces: readonly IncompleteTrace[]): void {
    for (const { correlationId, missing } of traces)
      if (this.#missing.size < EXPECTED_MAX) this.#missing.set(correlationId, missing);
  }

  step(counts: TraceCounts, recordsMax: number): void {
    const taken = new Map<number, TakenChunk>();
    let endSeq = counts.nextSeq;
    let records = 0;
    for (const row of this.#nextChunks(counts.indexedSeq, recordsMax)) {
      const firstSeq = row.firstSeq as number;
      const count = row.count as number;
      const frame = row.frame as Uint8Array;
      const view = openFrameOrNull(frame);
      if (view === null) this.#leaveOut(counts, firstSeq, count, frame.length);
      else taken.set(firstSeq, { view, entries: this.#takeIn(view) });
      records += count;
      endSeq = firstSeq + count;
    }
    if (records < recordsMax) endSeq = counts.nextSeq;
    for (const entry of this.#changed) this.#save(entry, counts, taken);
    this.#changed = [];
    for (const [firstSeq, { entries }] of taken)
      this.#addChunkTraces.run(firstSeq, bytesOf(Uint32Array.from(entries, ({ id }) => id)));
    counts.indexedSeq = endSeq;
    forgetOldest(this.#remembered);
  }

  expire(counts: TraceCounts, firstSeq: number): void {
    const row = this.#chunkTraces.get(firstSeq);
    if (!row) return;
    for (const id of u32Of(row.traceIds as Uint8Array)) {
      const correlationId = this.#table.expire(id, firstSeq);
      if (correlationId === null) continue;
      counts.traces--;
      this.#remembered.delete(correlationId);
    }
    this.#deleteChunkTraces.run(firstSeq);
  }

  #nextChunks(fromSeq: number, recordsMax: number): Record<string, unknown>[] {
    const rows: Record<string, unknown>[] = [];
    let records = 0;
    for (const row of this.#chunksFrom.iterate(fromSeq)) {
      rows.push(row);
      records += row.count as number;
      if (records >= recordsMax) break;
    }
    return rows;
  }

  /** A damaged chunk tells nothing, and must not hold up those after it. */
  #leaveOut(counts: TraceCounts, firstSeq: number, count: number, bytes: number): void {
    this.#deleteChunk.run(firstSeq);
    counts.kept -= count;
    counts.bytes -= bytes;
    counts.lost += count;
  }

  /** Sums the records up. The traces found, each once. */
  #takeIn(view: FrameView): TraceEntry[] {
    const found: TraceEntry[] = [];
    const entries = new Array<TraceEntry | undefined>(view.idCount);
    const marks = this.#marksOf(view);
    for (let i = 0; i < view.count; i++) {
      const code = view.correlations[i] as number;
      let entry = entries[code];
      if (entry === undefined) {
        // Rebalances and the like belong to no message.
        if (view.neededIdOf(code) === '') continue;
        entry = this.#join(view, i);
        entries[code] = entry;
        found.push(entry);
      }
      addToSummary(entry.summary, summedRecordAt(view, i));
      const node = marks('node', view.nodes[i] as number);
      if (!entry.nodes.includes(node)) entry.nodes += node;
      const type = marks('type', view.types[i] as number);
      if (!entry.types.includes(type)) entry.types += type;
      if (view.errorCodes[i] === 0) continue;
      const error = marks('error', view.errorCodes[i] as number);
      if (!entry.errors.includes(error)) entry.errors += error;
    }
    return found;
  }

  /** Marks of the texts of a frame, each looked up once. */
  #marksOf(view: FrameView): (kind: NameKind, code: number) => string {
    const known: Record<NameKind, (string | undefined)[]> = { node: [], type: [], error: [] };
    return (kind, code) => (known[kind][code] ??= this.#names.markOf(kind, view.neededTextOf(code)));
  }

  /** The trace of the record, which is the first of it in this chunk. */
  #join(view: FrameView, index: number): TraceEntry {
    const correlationId = view.neededIdOf(view.correlations[index]);
    const entry = this.#remembered.get(correlationId) ?? this.#enter(view, index, correlationId);
    if (this.#missing.size > 0) {
      entry.missing += this.#missing.get(correlationId) ?? 0;
      this.#missing.delete(correlationId);
    }
    addChunk(entry, view.firstSeq);
    if (!entry.isChanged) this.#changed.push(entry);
    entry.isChanged = true;
    return entry;
  }

  #enter(view: FrameView, index: number, correlationId: string): TraceEntry {
    // What begins with its root is taken for new without asking: that is dear, and `#save` notices when it is not so.
    const isRoot = view.kindAt(index) === 'produced' && view.messages[index] === view.correlations[index];
    const known = isRoot ? null : this.#table.read(correlationId);
    const entry = known ?? newEntry(this.#nextTraceId++, correlationId, view.timesMs[index] as number);
    this.#remembered.set(correlationId, entry);
    return entry;
  }

  #save(entry: TraceEntry, counts: TraceCounts, taken: ReadonlyMap<number, TakenChunk>): void {
    const isNew = !entry.isSaved;
    if (!this.#table.save(entry)) {
      this.#joinListed(entry, taken);
      this.#table.save(entry);
    } else if (isNew) counts.traces++;
    entry.isChanged = false;
  }

  /** The id came from outside a second time, or the trace was forgotten: adds what this step found to what is listed. */
  #joinListed(entry: TraceEntry, taken: ReadonlyMap<number, TakenChunk>): void {
    const { correlationId } = entry.summary;
    const listed = this.#table.read(correlationId);
    if (!listed) return;
    for (const firstSeq of entry.chunks) {
      addChunk(listed, firstSeq);
      const view = taken.get(firstSeq)?.view;
      const code = view?.codeOfId(correlationId) ?? 0;
      for (let i = 0; view && i < view.count; i++)
        if (view.correlations[i] === code) addToSummary(listed.summary, summedRecordAt(view, i));
    }
    const { nodes, types, errors, missing } = entry;
    Object.assign(entry, listed, {
      nodes: union(listed.nodes, nodes),
      types: union(listed.types, types),
      errors: union(listed.errors, errors),
      missing: listed.missing + missing,
    });
  }
}

/** One object for all records: they are looked at one by one. */
const summed: SummedRecord = {
  kind: 'produced',
  timeMs: 0,
  nodeId: '',
  messageId: '',
  correlationId: '',
  messageType: '',
  key: null,
  attempt: 0,
};

function summedRecordAt(view: FrameView, index: number): SummedRecord {
  const message = view.messages[index] as number;
  const correlation = view.correlations[index] as number;
  summed.kind = view.kindAt(index);
  summed.timeMs = view.timesMs[index] as number;
  summed.nodeId = view.neededTextOf(view.nodes[index]);
  summed.correlationId = view.neededIdOf(correlation);
  // Only whether the two are the same is asked; a text made of every message's id would be the dearest part of all.
  summed.messageId = message === correlation ? summed.correlationId : '';
  summed.messageType = view.neededTextOf(view.types[index]);
  summed.key = view.textOf(view.keys[index]);
  summed.attempt = view.attempts[index] as number;
  return summed;
}

function union(marks: string, more: string): string {
  let all = marks;
  for (const mark of more) if (!all.includes(mark)) all += mark;
  return all;
}

function forgetOldest(remembered: Map<string, TraceEntry>): void {
  if (remembered.size <= REMEMBERED_TRACES_MAX) return;
  let surplus = remembered.size - REMEMBERED_TRACES_MAX / 2;
  for (const correlationId of remembered.keys()) {
    if (surplus-- <= 0) break;
    remembered.delete(correlationId);
  }
}
