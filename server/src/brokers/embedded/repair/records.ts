import { Buffer } from 'node:buffer';
import { PAGE_BYTES, type PageView } from './pageView.ts';

/**
 * Finds the records on the pages of an SQLite file one page at a time, without following the tree that orders them: a
 * damaged page then costs what is on it, not what it leads to. What is found may be older than the newest state, or no
 * record at all; whoever takes it has a checksum to tell. Layout: https://www.sqlite.org/fileformat2.html
 */
export type RecordValue = number | string | Uint8Array | null;
export type FoundRecord = { rowid: number | null; values: RecordValue[]; place: RecordPlace };
/** Where a record is, to read it again. */
export type RecordPlace = { page: number; cell: number };

const INTERIOR_INDEX = 0x02;
const LEAF_INDEX = 0x0a;
const LEAF_TABLE = 0x0d;
const FILE_HEADER_BYTES = 100;
const FREE_LIST_AT = 32;
const CELLS_MAX = PAGE_BYTES / 4;
/** More than the largest batch with a message of the largest size in it. */
const RECORD_BYTES_MAX = 64 * 1024 * 1024;

export function* recordsOf(view: PageView): Generator<FoundRecord> {
  const free = freePages(view);
  for (let page = 1; page <= view.pages; page++) {
    const bytes = free.has(page) ? null : view.page(page);
    if (bytes === null) continue;
    const cells = Math.min(cellCount(bytes, page), CELLS_MAX);
    for (let cell = 0; cell < cells; cell++) {
      const found = recordAt(view, { page, cell }, bytes);
      if (found !== null) yield found;
    }
  }
}

/** Pages that are in no table any more; what is on them was deleted. As far as the list of them can be followed. */
function freePages(view: PageView): Set<number> {
  const free = new Set<number>();
  let trunk = view.page(1)?.readUInt32BE(FREE_LIST_AT) ?? 0;
  while (trunk !== 0 && trunk <= view.pages && !free.has(trunk)) {
    free.add(trunk);
    const bytes = view.page(trunk);
    if (bytes === null) break;
    const leaves = Math.min(bytes.readUInt32BE(4), PAGE_BYTES / 4 - 2);
    for (let leaf = 0; leaf < leaves; leaf++) free.add(bytes.readUInt32BE(8 + leaf * 4));
    trunk = bytes.readUInt32BE(0);
  }
  return free;
}

/** Null where there is nothing that can be read as a record. */
export function recordAt(
  view: PageView,
  place: RecordPlace,
  bytes: Buffer | null = view.page(place.page),
): FoundRecord | null {
  try {
    return bytes === null ? null : readRecord(view, bytes, place);
  } catch (thrown) {
    // Numbers that lead out of the page or the file.
    if (thrown instanceof RangeError) return null;
    throw thrown;
  }
}

const headerAt = (page: number): number => (page === 1 ? FILE_HEADER_BYTES : 0);

function cellCount(bytes: Buffer, page: number): number {
  const at = headerAt(page);
  const type = bytes.readUInt8(at);
  const holdsRecords = type === LEAF_TABLE || type === LEAF_INDEX || type === INTERIOR_INDEX;
  return holdsRecords ? bytes.readUInt16BE(at + 3) : 0;
}

function readRecord(view: PageView, bytes: Buffer, { page, cell }: RecordPlace): FoundRecord | null {
  const header = headerAt(page);
  const type = bytes.readUInt8(header);
  const pointers = header + (type === INTERIOR_INDEX ? 12 : 8);
  const reader = new Reader(
    bytes,
    bytes.readUInt16BE(pointers + cell * 2) + (type === INTERIOR_INDEX ? 4 : 0),
  );
  const length = reader.varint();
  const rowid = type === LEAF_TABLE ? reader.varint() : null;
  if (length < 2 || length > RECORD_BYTES_MAX) return null;
  const payload = readPayload(view, bytes, reader.at, length, type === LEAF_TABLE);
  const values = payload === null ? null : decode(payload);
  return values === null ? null : { rowid, values, place: { page, cell } };
}

/** What does not fit on the page goes on in a chain of overflow pages. */
function readPayload(
  view: PageView,
  bytes: Buffer,
  at: number,
  length: number,
  isTable: boolean,
): Buffer | null {
  const most = isTable ? PAGE_BYTES - 35 : Math.floor(((PAGE_BYTES - 12) * 64) / 255) - 23;
  if (length <= most) return at + length <= PAGE_BYTES ? bytes.subarray(at, at + length) : null;
  const least = Math.floor(((PAGE_BYTES - 12) * 32) / 255) - 23;
  const fitting = least + ((length - least) % (PAGE_BYTES - 4));
  const local = fitting <= most ? fitting : least;
  const pieces = [bytes.subarray(at, at + local)];
  let next = bytes.readUInt32BE(at + local);
  for (let left = length - local; left > 0; ) {
    const overflow = next === 0 ? null : view.page(next);
    if (overflow === null) return null;
    next = overflow.readUInt32BE(0);
    pieces.push(overflow.subarray(4, 4 + Math.min(left, PAGE_BYTES - 4)));
    left -= PAGE_BYTES - 4;
  }
  return Buffer.concat(pieces);
}

function decode(payload: Buffer): RecordValue[] | null {
  const header = new Reader(payload, 0);
  const headerBytes = header.varint();
  if (headerBytes > payload.length) return null;
  const values: RecordValue[] = [];
  let at = headerBytes;
  while (header.at < headerBytes) {
    const type = header.varint();
    const length = lengthOf(type);
    if (at + length > payload.length) return null;
    values.push(readValue(type, payload.subarray(at, at + length)));
    at += length;
  }
  return values;
}

const INTEGER_BYTES = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0];

function lengthOf(type: number): number {
  return type < 12 ? (INTEGER_BYTES[type] ?? 0) : Math.floor((type - 12) / 2);
}

function readValue(type: number, bytes: Buffer): RecordValue {
  if (type >= 12) return type % 2 === 0 ? new Uint8Array(bytes) : bytes.toString('utf8');
  if (type === 7) return bytes.readDoubleBE(0);
  if (type === 6) return Number(bytes.readBigInt64BE(0));
  if (type >= 1 && type <= 5) return bytes.readIntBE(0, bytes.length);
  return type === 8 ? 0 : type === 9 ? 1 : null;
}

class Reader {
  readonly #bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  varint(): number {
    let value = 0;
    for (let index = 0; index < 8; index++) {
      const byte = this.#bytes.readUInt8(this.at++);
      value = value * 128 + (byte & 0x7f);
      if (byte < 0x80) return value;
    }
    return value * 256 + this.#bytes.readUInt8(this.at++);
  }
}
