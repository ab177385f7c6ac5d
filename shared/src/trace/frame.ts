import { ERROR_CODES, type ErrorCode } from '../errors/codes.ts';
import { assert } from '../util/assert.ts';
import { ByteReader, ByteWriter, corrupt } from './bytes.ts';
import { readCodes, readNumbers, writeCodes, writeNumbers } from './columns.ts';
import { TRACE_KINDS, type TraceBatch, type TraceKind, type TraceRecord } from './record.ts';

/**
 * The binary form of a TraceBatch: the same bytes on disk, between processes and on the socket.
 *
 *     magic "MTRF" · version u8 · checksum u32 of all that follows · firstSeq f64 · count u32 ·
 *     strings · ids · one column per field
 *
 * A batch repeats itself: a message shows up in several records, nodes and types in thousands. So the frame starts with
 * two dictionaries, texts and ids (a UUID takes 16 bytes), and its columns hold indexes into them.
 */
const MAGIC = [0x4d, 0x54, 0x52, 0x46] as const;
const FRAME_VERSION = 1;
const CHECKSUM_AT = 5;
const CHECKED_FROM = 9;
const HEADER_BYTES = 21;

/** More records than this never share a frame; what writes frames splits earlier. */
export const FRAME_RECORDS_MAX = 65_536;

const KIND_CODE = new Map<TraceKind, number>(TRACE_KINDS.map((kind, code) => [kind, code]));
const KNOWN_ERRORS: ReadonlySet<string> = new Set(ERROR_CODES);

const TEXT_FIELDS = ['nodeId', 'messageType', 'key', 'topic', 'errorCode', 'errorMessage', 'detail'] as const;
const ID_FIELDS = ['messageId', 'correlationId', 'causationId'] as const;
const NUMBER_FIELDS = ['timeMs', 'partition', 'offset', 'attempt', 'durationUs'] as const;

// Encoding is synchronous and its result is a copy, so one set of buffers serves every call.
const output = new ByteWriter();
const dictionary = new ByteWriter();
let codeBuffers = newCodeBuffers(1024);
let numberBuffer = new Float64Array(1024);

function newCodeBuffers(size: number): Uint32Array[] {
  return Array.from({ length: TEXT_FIELDS.length + ID_FIELDS.length }, () => new Uint32Array(size));
}

export function encodeFrame(batch: TraceBatch): Uint8Array {
  const { records, firstSeq } = batch;
  const count = records.length;
  assert(count <= FRAME_RECORDS_MAX, `a trace frame of ${count} records, the limit is ${FRAME_RECORDS_MAX}`);
  assert(Number.isSafeInteger(firstSeq), `the first sequence number of a frame is ${firstSeq}`);
  if (numberBuffer.length < count) {
    codeBuffers = newCodeBuffers(count);
    numberBuffer = new Float64Array(count);
  }
  output.length = 0;
  output.reserve(HEADER_BYTES + count);
  for (const byte of MAGIC) output.byte(byte);
  output.byte(FRAME_VERSION);
  output.uint32(0);
  output.float64(firstSeq);
  output.uint32(count);
  if (count > 0) writeBody(records, count);
  output.setUint32(CHECKSUM_AT, output.checksum(CHECKED_FROM));
  return output.copy();
}

function writeBody(records: readonly TraceRecord[], count: number): void {
  writeTexts(records, count);
  writeIds(records, count);
  output.reserve(count);
  for (const record of records) output.byte(KIND_CODE.get(record.kind) as number);
  for (const codes of codeBuffers) writeCodes(output, codes, count);
  for (const field of NUMBER_FIELDS) {
    for (let i = 0; i < count; i++) numberBuffer[i] = (records[i] as TraceRecord)[field];
    writeNumbers(output, numberBuffer, count);
  }
}

/** Fills the code columns of the text fields and writes their dictionary. */
function writeTexts(records: readonly TraceRecord[], count: number): void {
  const codeOf = new Map<string, number>();
  dictionary.length = 0;
  for (let column = 0; column < TEXT_FIELDS.length; column++) {
    const field = TEXT_FIELDS[column] as (typeof TEXT_FIELDS)[number];
    const codes = codeBuffers[column] as Uint32Array;
    let lastText: string | null = null;
    let lastCode = 0;
    for (let i = 0; i < count; i++) {
      const text = (records[i] as TraceRecord)[field];
      if (text !== lastText) {
        lastText = text;
        lastCode = text === null ? 0 : (codeOf.get(text) ?? addText(codeOf, text));
      }
      codes[i] = lastCode;
    }
  }
  output.reserve(8);
  output.varint(codeOf.size);
  output.append(dictionary);
}

function addText(codeOf: Map<string, number>, text: string): number {
  const code = codeOf.size + 1;
  codeOf.set(text, code);
  dictionary.text(text);
  return code;
}

/** The same for ids. A byte before each says whether a packed UUID or a text follows. */
function writeIds(records: readonly TraceRecord[], count: number): void {
  const codeOf = new Map<string, number>();
  dictionary.length = 0;
  const [messages, correlations, causations] = codeBuffers.slice(TEXT_FIELDS.length) as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ];
  let last: TraceRecord | null = null;
  for (let i = 0; i < count; i++) {
    const record = records[i] as TraceRecord;
    const { messageId, correlationId, causationId } = record;
    // Neighbours mostly speak of the same message or trace, and a root's correlation id is its own id.
    const messageCode: number =
      last?.messageId === messageId
        ? (messages[i - 1] as number)
        : (codeOf.get(messageId) ?? addId(codeOf, messageId));
    messages[i] = messageCode;
    correlations[i] =
      correlationId === messageId ? messageCode : (codeOf.get(correlationId) ?? addId(codeOf, correlationId));
    causations[i] = causationId === null ? 0 : (codeOf.get(causationId) ?? addId(codeOf, causationId));
    last = record;
  }
  output.reserve(8);
  output.varint(codeOf.size);
  output.append(dictionary);
}

const PACKED_UUID = 1;
const TEXT_ID = 0;

function addId(codeOf: Map<string, number>, id: string): number {
  const code = codeOf.size + 1;
  codeOf.set(id, code);
  dictionary.reserve(17);
  dictionary.byte(PACKED_UUID);
  if (!dictionary.uuid(id)) {
    dictionary.length--;
    dictionary.byte(TEXT_ID);
    dictionary.text(id);
  }
  return code;
}

/** First sequence number and number of records, without decoding or checking the rest. */
export function frameHeader(frame: Uint8Array): { firstSeq: number; count: number } {
  if (frame.length < HEADER_BYTES) throw corrupt('it ends early');
  if (MAGIC.some((byte, index) => frame[index] !== byte)) throw corrupt('it does not start as one');
  if (frame[MAGIC.length] !== FRAME_VERSION)
    throw corrupt(`its version is ${frame[MAGIC.length]}, this program reads ${FRAME_VERSION}`);
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const firstSeq = view.getFloat64(CHECKED_FROM, true);
  const count = view.getUint32(CHECKED_FROM + 8, true);
  if (count > FRAME_RECORDS_MAX || !Number.isSafeInteger(firstSeq))
    throw corrupt('its header makes no sense');
  return { firstSeq, count };
}

/** The batch of a frame. Throws STORAGE_CORRUPT for a damaged one. */
export function decodeFrame(frame: Uint8Array): TraceBatch {
  const { firstSeq, count } = frameHeader(frame);
  const reader = new ByteReader(frame, HEADER_BYTES);
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (reader.checksum(CHECKED_FROM) !== view.getUint32(CHECKSUM_AT, true))
    throw corrupt('its checksum is wrong');
  if (count === 0) return { firstSeq, records: [] };

  const texts = readDictionary(reader, () => reader.text());
  const ids = readDictionary(reader, () => (reader.byte() === PACKED_UUID ? reader.uuid() : reader.text()));
  const kinds = reader.take(count);
  const [node, type, key, topic, errorCode, errorMessage, detail] = TEXT_FIELDS.map(() =>
    readCodes(reader, count, texts.length - 1),
  ) as Columns;
  const [message, correlation, causation] = ID_FIELDS.map(() =>
    readCodes(reader, count, ids.length - 1),
  ) as Columns;
  const [timeMs, partition, offset, attempt, durationUs] = NUMBER_FIELDS.map(() =>
    readNumbers(reader, count),
  ) as NumberColumns;
  if (reader.remaining !== 0) throw corrupt('something follows its end');

  const records: TraceRecord[] = new Array(count);
  for (let i = 0; i < count; i++) {
    const kind = TRACE_KINDS[kinds[i] as number];
    if (kind === undefined) throw corrupt('an unknown kind of record');
    records[i] = {
      kind,
      timeMs: timeMs[i] as number,
      nodeId: needed(texts, node[i]),
      messageId: needed(ids, message[i]),
      correlationId: needed(ids, correlation[i]),
      causationId: ids[causation[i] as number] ?? null,
      messageType: needed(texts, type[i]),
      key: texts[key[i] as number] ?? null,
      topic: texts[topic[i] as number] ?? null,
      partition: partition[i] as number,
      offset: offset[i] as number,
      attempt: attempt[i] as number,
      durationUs: durationUs[i] as number,
      errorCode: knownError(texts[errorCode[i] as number] ?? null),
      errorMessage: texts[errorMessage[i] as number] ?? null,
      detail: texts[detail[i] as number] ?? null,
    };
  }
  return { firstSeq, records };
}

type Columns = [Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array];
type NumberColumns = [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];

/** Entry 0 stands for null. */
function readDictionary(reader: ByteReader, readOne: () => string): (string | null)[] {
  const size = reader.varint();
  if (size > reader.remaining) throw corrupt('a dictionary is longer than the frame');
  const entries: (string | null)[] = [null];
  for (let i = 0; i < size; i++) entries.push(readOne());
  return entries;
}

function needed(entries: readonly (string | null)[], code: number | undefined): string {
  const entry = entries[code ?? 0];
  if (entry === null || entry === undefined) throw corrupt('a value that every record has is missing');
  return entry;
}

function knownError(code: string | null): ErrorCode | null {
  if (code !== null && !KNOWN_ERRORS.has(code)) throw corrupt('an unknown error code');
  // Just checked against the list.
  return code as ErrorCode | null;
}
