import { TRACE_KINDS, type TraceKind, type TraceRecord } from '@millrace/shared/trace/record.ts';

export type RecordRingLimits = { recordsMax: number; bytesMax: number };

/** No record before this one: the end of a chain. */
export const NO_RECORD = -1;

const RECORDS_MIN = 4096;
/** One entry of every column, and the ids it refers to, each of which some three records share. */
const RECORD_BYTES = 200;
const KIND_CODE = new Map<TraceKind, number>(TRACE_KINDS.map((kind, code) => [kind, code]));

/**
 * The newest records that were sampled out, in case their trace turns out to be worth keeping. They are kept as columns: an object
 * each would be moved about by the garbage collector, at several times the cost. A record is known by its number, counted from 0,
 * and leads to the one before it of the same trace, so that a trace is found without looking at others.
 */
export class RecordRing {
  readonly #limits: RecordRingLimits;
  #columns: Columns;
  #mask: number;
  #first = 0;
  #next = 0;
  #bytes = 0;

  constructor(limits: RecordRingLimits) {
    this.#limits = limits;
    const size = powerOfTwo(Math.min(RECORDS_MIN, limits.recordsMax));
    this.#columns = newColumns(size);
    this.#mask = size - 1;
  }

  get length(): number {
    return this.#next - this.#first;
  }

  /** About; every text is taken to be the record's own. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The number of the record; `previous` is that of the one before it in its trace. */
  push(record: TraceRecord, previous: number): number {
    if (this.#next - this.#first > this.#mask) this.#makeRoom();
    const number = this.#next++;
    const at = number & this.#mask;
    const c = this.#columns;
    c.kind[at] = KIND_CODE.get(record.kind) as number;
    c.timeMs[at] = record.timeMs;
    c.nodeId[at] = record.nodeId;
    c.messageId[at] = record.messageId;
    c.correlationId[at] = record.correlationId;
    c.causationId[at] = record.causationId;
    c.messageType[at] = record.messageType;
    c.key[at] = record.key;
    c.topic[at] = record.topic;
    c.partition[at] = record.partition;
    c.offset[at] = record.offset;
    c.attempt[at] = record.attempt;
    c.durationUs[at] = record.durationUs;
    c.errorCode[at] = record.errorCode;
    c.errorMessage[at] = record.errorMessage;
    c.detail[at] = record.detail;
    c.previous[at] = previous;
    this.#bytes += this.#bytesAt(at);
    while (this.#bytes > this.#limits.bytesMax || this.length > this.#limits.recordsMax) this.#dropOldest();
    return number;
  }

  /** The records of the trace that ends with this number, oldest first: those that are still here. */
  chain(last: number): TraceRecord[] {
    const records: TraceRecord[] = [];
    for (
      let number = last;
      number >= this.#first;
      number = this.#columns.previous[number & this.#mask] as number
    )
      records.push(this.#recordAt(number & this.#mask));
    return records.reverse();
  }

  #recordAt(at: number): TraceRecord {
    const c = this.#columns;
    return {
      kind: TRACE_KINDS[c.kind[at] as number] as TraceKind,
      timeMs: c.timeMs[at] as number,
      nodeId: c.nodeId[at] as string,
      messageId: c.messageId[at] as string,
      correlationId: c.correlationId[at] as string,
      causationId: c.causationId[at] as string | null,
      messageType: c.messageType[at] as string,
      key: c.key[at] as string | null,
      topic: c.topic[at] as string | null,
      partition: c.partition[at] as number,
      offset: c.offset[at] as number,
      attempt: c.attempt[at] as number,
      durationUs: c.durationUs[at] as number,
      errorCode: c.errorCode[at] as TraceRecord['errorCode'],
      errorMessage: c.errorMessage[at] as string | null,
      detail: c.detail[at] as string | null,
    };
  }

  #bytesAt(at: number): number {
    const { key, errorMessage, detail } = this.#columns;
    return RECORD_BYTES + 2 * (lengthOf(key[at]) + lengthOf(errorMessage[at]) + lengthOf(detail[at]));
  }

  #dropOldest(): void {
    const at = this.#first++ & this.#mask;
    this.#bytes -= this.#bytesAt(at);
    // The short texts are let go when their place is taken; these may be long.
    this.#columns.errorMessage[at] = null;
    this.#columns.detail[at] = null;
    this.#columns.key[at] = null;
  }

  #makeRoom(): void {
    const size = this.#mask + 1;
    if (size >= this.#limits.recordsMax) return this.#dropOldest();
    const grown = newColumns(size * 2);
    // The ring is full: two stretches, before and after the place where it wraps round.
    const wrapsAt = this.#first + size - (this.#first & this.#mask);
    for (const [from, to] of [
      [this.#first, wrapsAt],
      [wrapsAt, this.#next],
    ] as const) {
      const at = from & this.#mask;
      for (const name of NUMBER_COLUMNS)
        grown[name].set(this.#columns[name].subarray(at, at + to - from), from & (size * 2 - 1));
      for (const name of TEXT_COLUMNS)
        copyTexts(this.#columns[name], at, grown[name], from & (size * 2 - 1), to - from);
    }
    this.#columns = grown;
    this.#mask = size * 2 - 1;
  }
}

type Column = string | null;
const TEXT_COLUMNS = [
  'nodeId',
  'messageId',
  'correlationId',
  'causationId',
  'messageType',
  'key',
  'topic',
  'errorCode',
  'errorMessage',
  'detail',
] as const satisfies readonly (keyof TraceRecord)[];
const NUMBER_COLUMNS = [
  'kind',
  'timeMs',
  'partition',
  'offset',
  'attempt',
  'durationUs',
  'previous',
] as const satisfies readonly (keyof TraceRecord | 'previous')[];
type Columns = Record<(typeof TEXT_COLUMNS)[number], Column[]> &
  Record<(typeof NUMBER_COLUMNS)[number], Float64Array | Uint8Array | Int32Array>;

function newColumns(size: number): Columns {
  const texts = (): Column[] => new Array<Column>(size).fill(null);
  return {
    kind: new Uint8Array(size),
    timeMs: new Float64Array(size),
    nodeId: texts(),
    messageId: texts(),
    correlationId: texts(),
    causationId: texts(),
    messageType: texts(),
    key: texts(),
    topic: texts(),
    partition: new Int32Array(size),
    offset: new Float64Array(size),
    attempt: new Int32Array(size),
    durationUs: new Float64Array(size),
    errorCode: texts(),
    errorMessage: texts(),
    detail: texts(),
    previous: new Float64Array(size),
  };
}

function copyTexts(from: readonly Column[], at: number, to: Column[], toAt: number, count: number): void {
  for (let i = 0; i < count; i++) to[toAt + i] = from[at + i] as Column;
}

function lengthOf(text: Column | undefined): number {
  return text === null || text === undefined ? 0 : text.length;
}

function powerOfTwo(atLeast: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(2, atLeast)));
}
