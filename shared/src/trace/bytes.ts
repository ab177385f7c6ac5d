import { WorkbenchError } from '../errors/workbenchError.ts';
import { assert } from '../util/assert.ts';

/** A growing byte buffer. Kept between frames by its owner, so that encoding allocates only what it returns. */
export class ByteWriter {
  private bytes = new Uint8Array(4096);
  private view = new DataView(this.bytes.buffer);
  length = 0;

  /** Makes room for `more` bytes; the unchecked writers below rely on the caller having asked. */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  byte(value: number): void {
    this.bytes[this.length++] = value;
  }

  float64(value: number): void {
    this.view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  uint32(value: number): void {
    this.view.setUint32(this.length, value, true);
    this.length += 4;
  }

  setUint32(at: number, value: number): void {
    this.view.setUint32(at, value, true);
  }

  /** LEB128 of a non-negative safe integer; at most 8 bytes. */
  varint(value: number): void {
    const { bytes } = this;
    let at = this.length;
    let rest = value;
    while (rest > 0x7fffffff) {
      bytes[at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      bytes[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[at++] = rest;
    this.length = at;
  }

  /** One byte per code unit when all fit in Latin-1, else two. Unlike UTF-8 it keeps lone surrogates. */
  text(text: string): void {
    const size = text.length;
    this.reserve(size * 2 + 8);
    const start = this.length;
    this.varint(size * 2);
    const { bytes } = this;
    let at = this.length;
    for (let i = 0; i < size; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0xff) {
        this.length = start;
        this.wideText(text);
        return;
      }
      bytes[at++] = unit;
    }
    this.length = at;
  }

  private wideText(text: string): void {
    this.varint(text.length * 2 + 1);
    let at = this.length;
    for (let i = 0; i < text.length; i++, at += 2) this.view.setUint16(at, text.charCodeAt(i), true);
    this.length = at;
  }

  /** Sixteen bytes of a canonical lower-case UUID. Writes nothing and answers false for any other text. */
  uuid(text: string): boolean {
    if (text.length !== 36) return false;
    const { bytes } = this;
    let at = this.length;
    for (let i = 0; i < 36; ) {
      if (i === 8 || i === 13 || i === 18 || i === 23) {
        if (text.charCodeAt(i) !== 45) return false;
        i++;
      }
      const high = HEX_VALUE[text.charCodeAt(i++)];
      const low = HEX_VALUE[text.charCodeAt(i++)];
      if (high === undefined || low === undefined || (high | low) > 15) return false;
      bytes[at++] = (high << 4) | low;
    }
    this.length = at;
    return true;
  }

  append(other: ByteWriter): void {
    this.reserve(other.length);
    this.bytes.set(other.bytes.subarray(0, other.length), this.length);
    this.length += other.length;
  }

  checksum(from: number): number {
    return checksumOf(this.view, from, this.length);
  }

  copy(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }
}

/** Value of a lower-case hex digit by character code; 255 for all others below 128. */
const HEX_VALUE = new Uint8Array(128).fill(255);
for (let i = 0; i < 16; i++) HEX_VALUE[i.toString(16).charCodeAt(0)] = i;
const HEX_BYTE: string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export function corrupt(what: string): WorkbenchError {
  return new WorkbenchError(
    'STORAGE_CORRUPT',
    `A stored or received block of traces is damaged (${what}). It is left out.`,
  );
}

/** Reads what `ByteWriter` wrote; anything that does not add up is STORAGE_CORRUPT. */
export class ByteReader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    assert(at >= 0, `reader starts at ${at}`);
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  get remaining(): number {
    return this.bytes.length - this.at;
  }

  byte(): number {
    const value = this.bytes[this.at++];
    if (value === undefined) throw corrupt('it ends early');
    return value;
  }

  /** `size` raw bytes, not copied. */
  take(size: number): Uint8Array {
    if (size > this.remaining) throw corrupt('it ends early');
    const taken = this.bytes.subarray(this.at, this.at + size);
    this.at += size;
    return taken;
  }

  float64(): number {
    if (this.remaining < 8) throw corrupt('it ends early');
    const value = this.view.getFloat64(this.at, true);
    this.at += 8;
    return value;
  }

  varint(): number {
    let byte = this.byte();
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    let scale = 128;
    for (let i = 0; i < 7; i++) {
      byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw corrupt('a number is too long');
  }

  text(): string {
    const header = this.varint();
    const size = Math.floor(header / 2);
    if (header % 2 === 0) return textOf(this.take(size));
    const bytes = this.take(size * 2);
    const units = new Uint16Array(size);
    for (let i = 0; i < size; i++) units[i] = (bytes[i * 2] as number) | ((bytes[i * 2 + 1] as number) << 8);
    return textOf(units);
  }

  skipText(): void {
    const header = this.varint();
    this.take(Math.floor(header / 2) * (header % 2 === 0 ? 1 : 2));
  }

  uuid(): string {
    const b = this.take(16);
    let text = '';
    for (let i = 0; i < 16; i++) {
      if (i === 4 || i === 6 || i === 8 || i === 10) text += '-';
      text += HEX_BYTE[b[i] as number];
    }
    return text;
  }

  checksum(from: number): number {
    return checksumOf(this.view, from, this.bytes.length);
  }
}

/** How many code units one call may spread as arguments. */
const UNITS_PER_CALL = 4096;

function textOf(units: Uint8Array | Uint16Array): string {
  let text = '';
  for (let i = 0; i < units.length; i += UNITS_PER_CALL) {
    text += String.fromCharCode(...units.subarray(i, i + UNITS_PER_CALL));
  }
  return text;
}

/** A 32-bit multiply-and-rotate hash over words: finds damage, is no defence against forgery. */
function checksumOf(view: DataView, from: number, to: number): number {
  let hash = 0x811c9dc5 ^ (to - from);
  let at = from;
  for (; at + 4 <= to; at += 4) {
    hash = Math.imul(hash ^ view.getUint32(at, true), 0x9e3779b1);
    hash = (hash << 13) | (hash >>> 19);
  }
  for (; at < to; at++) hash = Math.imul(hash ^ view.getUint8(at), 0x01000193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
