import { ERROR_CODES, type ErrorCode } from '../errors/codes.ts';
import { ByteReader, corrupt } from './bytes.ts';
import { readCodes, readNumbers } from './columns.ts';
import { CHECKED_FROM, CHECKSUM_AT, frameHeader, HEADER_BYTES, PACKED_UUID } from './frameFormat.ts';
import { TRACE_KINDS, type TraceKind, type TraceRecord } from './record.ts';

const KNOWN_ERRORS: ReadonlySet<string> = new Set(ERROR_CODES);

/** Stands for the records of a frame that has none. */
const NO_NUMBERS = new Float64Array(0);
const NO_CODES = new Uint32Array(0);

/**
 * A frame opened but not unpacked: its columns, its texts, and where its ids are. Who wants a few records of many, or a few
 * fields of all, pays for those only; ids become texts when they are asked for. Throws STORAGE_CORRUPT for a damaged frame.
 */
export class FrameView {
  readonly firstSeq: number;
  readonly count: number;
  readonly nodes: Uint32Array = NO_CODES;
  readonly types: Uint32Array = NO_CODES;
  readonly keys: Uint32Array = NO_CODES;
  readonly topics: Uint32Array = NO_CODES;
  readonly errorCodes: Uint32Array = NO_CODES;
  readonly errorMessages: Uint32Array = NO_CODES;
  readonly details: Uint32Array = NO_CODES;
  readonly messages: Uint32Array = NO_CODES;
  readonly correlations: Uint32Array = NO_CODES;
  readonly causations: Uint32Array = NO_CODES;
  readonly timesMs: Float64Array = NO_NUMBERS;
  readonly partitions: Float64Array = NO_NUMBERS;
  readonly offsets: Float64Array = NO_NUMBERS;
  readonly attempts: Float64Array = NO_NUMBERS;
  readonly durationsUs: Float64Array = NO_NUMBERS;
  readonly #frame: Uint8Array;
  readonly #kinds: Uint8Array = new Uint8Array(0);
  readonly #texts: (string | null)[] = [null];
  /** Where each id is in the frame; entry 0 stands for null. */
  readonly #idsAt: Uint32Array = NO_CODES;
  readonly #ids: (string | undefined)[] = [];

  constructor(frame: Uint8Array) {
    const { firstSeq, count } = frameHeader(frame);
    this.#frame = frame;
    this.firstSeq = firstSeq;
    this.count = count;
    const reader = new ByteReader(frame, HEADER_BYTES);
    const bytes = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    if (reader.checksum(CHECKED_FROM) !== bytes.getUint32(CHECKSUM_AT, true))
      throw corrupt('its checksum is wrong');
    if (count === 0) return;
    this.#texts = readTexts(reader);
    this.#idsAt = findIds(reader);
    this.#kinds = reader.take(count);
    for (const kind of this.#kinds)
      if (kind >= TRACE_KINDS.length) throw corrupt('an unknown kind of record');
    const texts = (): Uint32Array => readCodes(reader, count, this.#texts.length - 1);
    const ids = (): Uint32Array => readCodes(reader, count, this.#idsAt.length - 1);
    this.nodes = texts();
    this.types = texts();
    this.keys = texts();
    this.topics = texts();
    this.errorCodes = texts();
    this.errorMessages = texts();
    this.details = texts();
    this.messages = ids();
    this.correlations = ids();
    this.causations = ids();
    this.timesMs = readNumbers(reader, count);
    this.partitions = readNumbers(reader, count);
    this.offsets = readNumbers(reader, count);
    this.attempts = readNumbers(reader, count);
    this.durationsUs = readNumbers(reader, count);
    if (reader.remaining !== 0) throw corrupt('something follows its end');
  }

  /** Codes of texts and ids are below these. */
  get textCount(): number {
    return this.#texts.length;
  }

  get idCount(): number {
    return this.#idsAt.length;
  }

  kindAt(index: number): TraceKind {
    // Checked when the frame was opened.
    return TRACE_KINDS[this.#kinds[index] as number] as TraceKind;
  }

  /** The text with this code; null for 0. */
  textOf(code: number | undefined): string | null {
    return this.#texts[code ?? 0] ?? null;
  }

  neededTextOf(code: number | undefined): string {
    return needed(this.textOf(code));
  }

  idOf(code: number | undefined): string | null {
    if (code === undefined || code === 0) return null;
    const known = this.#ids[code];
    if (known !== undefined) return known;
    const reader = new ByteReader(this.#frame, this.#idsAt[code] as number);
    const id = reader.byte() === PACKED_UUID ? reader.uuid() : reader.text();
    this.#ids[code] = id;
    return id;
  }

  neededIdOf(code: number | undefined): string {
    return needed(this.idOf(code));
  }

  /** The code of an id in this frame; 0 when it is not in it. */
  codeOfId(id: string): number {
    for (let code = 1; code < this.#idsAt.length; code++) if (this.idOf(code) === id) return code;
    return 0;
  }

  recordAt(index: number): TraceRecord {
    return {
      kind: this.kindAt(index),
      timeMs: this.timesMs[index] as number,
      nodeId: this.neededTextOf(this.nodes[index]),
      messageId: this.neededIdOf(this.messages[index]),
      correlationId: this.neededIdOf(this.correlations[index]),
      causationId: this.idOf(this.causations[index]),
      messageType: this.neededTextOf(this.types[index]),
      key: this.textOf(this.keys[index]),
      topic: this.textOf(this.topics[index]),
      partition: this.partitions[index] as number,
      offset: this.offsets[index] as number,
      attempt: this.attempts[index] as number,
      durationUs: this.durationsUs[index] as number,
      errorCode: knownError(this.textOf(this.errorCodes[index])),
      errorMessage: this.textOf(this.errorMessages[index]),
      detail: this.textOf(this.details[index]),
    };
  }
}

function readTexts(reader: ByteReader): (string | null)[] {
  const size = dictionarySize(reader);
  const texts: (string | null)[] = [null];
  for (let i = 0; i < size; i++) texts.push(reader.text());
  return texts;
}

function findIds(reader: ByteReader): Uint32Array {
  const size = dictionarySize(reader);
  const at = new Uint32Array(size + 1);
  for (let code = 1; code <= size; code++) {
    at[code] = reader.at;
    if (reader.byte() === PACKED_UUID) reader.take(16);
    else reader.skipText();
  }
  return at;
}

function dictionarySize(reader: ByteReader): number {
  const size = reader.varint();
  if (size > reader.remaining) throw corrupt('a dictionary is longer than the frame');
  return size;
}

function needed(entry: string | null): string {
  if (entry === null) throw corrupt('a value that every record has is missing');
  return entry;
}

function knownError(code: string | null): ErrorCode | null {
  if (code !== null && !KNOWN_ERRORS.has(code)) throw corrupt('an unknown error code');
  // Just checked against the list.
  return code as ErrorCode | null;
}
