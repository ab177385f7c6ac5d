import { Buffer } from 'node:buffer';
import type { Message } from '@millrace/shared/message/message.ts';
import { assert } from '@millrace/shared/util/assert.ts';
import { writeAscii } from '../../bytes/ascii.ts';
import { type ByteArena, createByteArena } from '../../bytes/byteArena.ts';
import { bytesOfLengths } from '../readRules.ts';

/**
 * The stored form of a batch of messages: numbers as columns, all text in one region.
 *
 *   header   4 × u32   magic+version, count, flags, dictionary bytes
 *   times    count × f64
 *   columns  count × 7 × u32   end of the message's text (bytes) · lengths of id, key, correlation id, causation id,
 *                              extras (UTF-16 units) · type and source as indexes into the dictionary (16 bits each)
 *   dictionary  JSON array of the distinct types and sources
 *   text     per message: id, key, correlation id, causation id, extras (JSON of the rare attributes), payload
 *
 * One string operation then encodes the text of a whole batch, and where all of it is ASCII (a flag) any range of
 * messages is decoded by another, without touching the rest. Little-endian throughout: the typed arrays of every
 * platform Node runs on.
 */
const MAGIC = 0x4d4c_0001;
const HEADER_BYTES = 16;
const TIME_BYTES = 8;
const COLUMNS = 7;
const COLUMN_BYTES = COLUMNS * 4;
const FLAG_ASCII = 1;
/** A length that stands for no value, or for a value that repeats another attribute. */
const NONE = 0xffffffff;
const SAME_AS_BEFORE = 0xfffffffe;
/** Type and source share a column of 32 bits. */
export const BATCH_MESSAGES_MAX = 4096;

/** A batch ready to be written, its size known to the byte. */
export type PreparedBatch = {
  count: number;
  bytes: number;
  times: Float64Array;
  columns: Uint32Array;
  dictionary: Buffer;
  isAscii: boolean;
  /** Lies in the arena until that is used anew. */
  text: Uint8Array;
};

export function prepareBatch(
  messages: readonly Message[],
  from = 0,
  to = messages.length,
  arena = createByteArena(),
): PreparedBatch {
  const count = to - from;
  assert(
    count > 0 && count <= BATCH_MESSAGES_MAX,
    `a batch holds 1 to ${BATCH_MESSAGES_MAX} messages, not ${count}`,
  );
  const times = new Float64Array(count);
  const columns = new Uint32Array(count * COLUMNS);
  const words = new Map<string, number>();
  let text = '';
  for (let index = 0, at = 0; index < count; index++, at += COLUMNS) {
    const message = messages[from + index] as Message;
    const { id, key, correlationId, causationId } = message;
    times[index] = message.timeMs;
    const extras = extrasOf(message);
    columns[at + 1] = id.length;
    columns[at + 2] = key === null ? NONE : key.length;
    columns[at + 3] = correlationId === id ? SAME_AS_BEFORE : correlationId.length;
    columns[at + 4] =
      causationId === null ? NONE : causationId === correlationId ? SAME_AS_BEFORE : causationId.length;
    columns[at + 5] = extras.length;
    columns[at + 6] = ((indexOf(message.type, words) << 16) | indexOf(message.source, words)) >>> 0;
    text += id;
    if (key !== null) text += key;
    if (correlationId !== id) text += correlationId;
    if (causationId !== null && causationId !== correlationId) text += causationId;
    if (extras !== '') text += extras;
    text += message.data;
    columns[at] = text.length;
  }
  let encoded = arena.take(text.length);
  const isAscii = writeAscii(text, encoded);
  if (!isAscii) encoded = encodePieces(text, columns, arena);
  const dictionary = Buffer.from(JSON.stringify([...words.keys()]));
  const bytes = HEADER_BYTES + count * (TIME_BYTES + COLUMN_BYTES) + dictionary.length + encoded.length;
  return { count, bytes, times, columns, dictionary, isAscii, text: encoded };
}

/** The text of each message by itself; turns their ends from UTF-16 units into bytes. */
function encodePieces(text: string, columns: Uint32Array, arena: ByteArena): Uint8Array {
  const pieces: Buffer[] = [];
  let units = 0;
  let bytes = 0;
  for (let at = 0; at < columns.length; at += COLUMNS) {
    const end = columns[at] as number;
    const piece = Buffer.from(text.slice(units, end), 'utf8');
    pieces.push(piece);
    units = end;
    bytes += piece.length;
    columns[at] = bytes;
  }
  const encoded = arena.take(bytes);
  let at = 0;
  for (const piece of pieces) {
    encoded.set(piece, at);
    at += piece.length;
  }
  return encoded;
}

function indexOf(word: string, words: Map<string, number>): number {
  const known = words.get(word);
  if (known !== undefined) return known;
  words.set(word, words.size);
  return words.size - 1;
}

type Extras = Pick<Message, 'subject' | 'dataschema' | 'traceparent' | 'extensions'>;

function extrasOf({ subject, dataschema, traceparent, extensions }: Message): string {
  const none =
    subject === undefined &&
    dataschema === undefined &&
    traceparent === undefined &&
    extensions === undefined;
  return none ? '' : JSON.stringify({ subject, dataschema, traceparent, extensions });
}

/** Writes the batch at `at` and returns where it ends. */
export function writeBatch(batch: PreparedBatch, target: Buffer, at: number): number {
  const { count, times, columns, dictionary, isAscii, text } = batch;
  target.writeUInt32LE(MAGIC, at);
  target.writeUInt32LE(count, at + 4);
  target.writeUInt32LE(isAscii ? FLAG_ASCII : 0, at + 8);
  target.writeUInt32LE(dictionary.length, at + 12);
  let end = at + HEADER_BYTES;
  for (const part of [times, columns, dictionary, text]) {
    target.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), end);
    end += part.byteLength;
  }
  return end;
}

export type OpenedBatch = {
  count: number;
  messages(from: number, to: number): Message[];
  /** What `messageBytes` says of a message, without decoding it. */
  sizeOf(index: number): number;
  /** The keys of all messages, at a fraction of what the messages cost. */
  keys(): (string | null)[];
};

/** A stored batch, of which any range can be decoded by itself. Throws when the bytes are no batch. */
export function openBatch(stored: Uint8Array): OpenedBatch {
  // Typed arrays over the columns need their alignment.
  const bytes = stored.byteOffset % TIME_BYTES === 0 ? stored : new Uint8Array(stored);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  assert(
    bytes.length >= HEADER_BYTES && buffer.readUInt32LE(0) === MAGIC,
    'a stored batch starts with its mark',
  );
  const count = buffer.readUInt32LE(4);
  const isAscii = (buffer.readUInt32LE(8) & FLAG_ASCII) !== 0;
  const dictionaryBytes = buffer.readUInt32LE(12);
  const columnsAt = HEADER_BYTES + count * TIME_BYTES;
  const dictionaryAt = columnsAt + count * COLUMN_BYTES;
  const textAt = dictionaryAt + dictionaryBytes;
  assert(textAt <= bytes.length, `a stored batch of ${count} messages is longer than ${bytes.length} bytes`);
  const times = new Float64Array(bytes.buffer, bytes.byteOffset + HEADER_BYTES, count);
  const columns = new Uint32Array(bytes.buffer, bytes.byteOffset + columnsAt, count * COLUMNS);
  const words = JSON.parse(buffer.toString('utf8', dictionaryAt, textAt)) as string[];
  const endOf = (index: number): number => (index < 0 ? 0 : (columns[index * COLUMNS] as number));

  const keyOf = (index: number, allText: string): string | null => {
    const idLength = columns[index * COLUMNS + 1] as number;
    const keyLength = columns[index * COLUMNS + 2] as number;
    if (keyLength === NONE) return null;
    const start = endOf(index - 1);
    if (isAscii) return allText.slice(start + idLength, start + idLength + keyLength);
    // A UTF-16 unit takes at most three bytes; what is decoded beyond the key is cut off again.
    const end = Math.min(endOf(index), start + (idLength + keyLength) * 3);
    return buffer.toString('utf8', textAt + start, textAt + end).slice(idLength, idLength + keyLength);
  };

  return {
    count,
    sizeOf(index) {
      const start = endOf(index - 1);
      const end = endOf(index);
      const units = isAscii ? end - start : utf16Length(buffer.subarray(textAt + start, textAt + end));
      const at = index * COLUMNS;
      let attributes = 0;
      for (let column = 1; column <= 5; column++) attributes += lengthIn(columns, at + column);
      return bytesOfLengths(units - attributes, lengthIn(columns, at + 2));
    },
    keys() {
      const allText = isAscii ? buffer.toString('latin1', textAt, textAt + endOf(count - 1)) : '';
      return Array.from({ length: count }, (_, index) => keyOf(index, allText));
    },
    messages(from, to) {
      assert(from >= 0 && from <= to && to <= count, `range ${from} to ${to} of a batch of ${count}`);
      const first = endOf(from - 1);
      const text = isAscii ? buffer.toString('latin1', textAt + first, textAt + endOf(to - 1)) : '';
      const messages: Message[] = [];
      for (let index = from; index < to; index++) {
        const start = endOf(index - 1);
        const own = isAscii
          ? text.slice(start - first, endOf(index) - first)
          : buffer.toString('utf8', textAt + start, textAt + endOf(index));
        messages.push(messageOf(own, times[index] as number, columns, index * COLUMNS, words));
      }
      return messages;
    },
  };
}

/** How long text will be when it is decoded: every lead byte begins a UTF-16 unit, that of four bytes begins two. */
function utf16Length(text: Uint8Array): number {
  let units = 0;
  for (const byte of text) {
    if ((byte & 0xc0) !== 0x80) units++;
    if (byte >= 0xf0) units++;
  }
  return units;
}

/** How much of a message's text is the attribute of this column. */
function lengthIn(columns: Uint32Array, column: number): number {
  const length = columns[column] as number;
  return length === NONE || length === SAME_AS_BEFORE ? 0 : length;
}

function messageOf(text: string, timeMs: number, columns: Uint32Array, at: number, words: string[]): Message {
  let cut = 0;
  const take = (length: number): string => {
    cut += length;
    return text.slice(cut - length, cut);
  };
  const keyLength = columns[at + 2] as number;
  const correlationLength = columns[at + 3] as number;
  const causationLength = columns[at + 4] as number;
  const extrasLength = columns[at + 5] as number;
  const names = columns[at + 6] as number;
  const id = take(columns[at + 1] as number);
  const key = keyLength === NONE ? null : take(keyLength);
  const correlationId = correlationLength === SAME_AS_BEFORE ? id : take(correlationLength);
  const causationId =
    causationLength === NONE
      ? null
      : causationLength === SAME_AS_BEFORE
        ? correlationId
        : take(causationLength);
  const extras = extrasLength === 0 ? null : (JSON.parse(take(extrasLength)) as Extras);
  return {
    id,
    source: words[names & 0xffff] as string,
    type: words[names >>> 16] as string,
    timeMs,
    ...extras,
    key,
    correlationId,
    causationId,
    data: text.slice(cut),
  };
}
