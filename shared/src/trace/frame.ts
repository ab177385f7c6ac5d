import { assert } from '../util/assert.ts';
import { ByteWriter } from './bytes.ts';
import { writeCodes, writeNumbers } from './columns.ts';
import {
  CHECKED_FROM,
  CHECKSUM_AT,
  FRAME_RECORDS_MAX,
  FRAME_VERSION,
  HEADER_BYTES,
  ID_FIELDS,
  MAGIC,
  NUMBER_FIELDS,
  PACKED_UUID,
  TEXT_FIELDS,
  TEXT_ID,
} from './frameFormat.ts';
import { FrameView } from './frameView.ts';
import { TRACE_KINDS, type TraceBatch, type TraceKind, type TraceRecord } from './record.ts';

export { FRAME_RECORDS_MAX, frameHeader } from './frameFormat.ts';

const KIND_CODE = new Map<TraceKind, number>(TRACE_KINDS.map((kind, code) => [kind, code]));

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

/** The batch of a frame. Throws STORAGE_CORRUPT for a damaged one. */
export function decodeFrame(frame: Uint8Array): TraceBatch {
  const view = new FrameView(frame);
  const records: TraceRecord[] = new Array(view.count);
  for (let i = 0; i < view.count; i++) records[i] = view.recordAt(i);
  return { firstSeq: view.firstSeq, records };
}
