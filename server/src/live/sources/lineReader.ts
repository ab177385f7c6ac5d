import { type FileHandle, open } from 'node:fs/promises';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';

const BLOCK_BYTES = 262_144;
/** Longer than any message may be; a file with longer lines is not a recording. */
const LINE_BYTES_MAX = 33_554_432;
const NEWLINE = 0x0a;
const QUOTE = 0x22;

export type Line = {
  text: string;
  /** 1 for the first line of the file; of a quoted CSV record, its first line. */
  number: number;
  /** Where the next one begins. */
  endOffset: number;
  endNumber: number;
};

export type LinePosition = { offset: number; number: number };
export const FILE_START: LinePosition = { offset: 0, number: 1 };

/**
 * Reads lines from any position of a file that may be larger than memory, and tells where each ends. With `quoted`,
 * line breaks between double quotes belong to the record, as in CSV. CR before LF, and a BOM, are left out of the text.
 */
export class LineReader {
  readonly #handle: FileHandle;
  readonly #name: string;
  readonly #quoted: boolean;
  readonly #block = Buffer.allocUnsafe(BLOCK_BYTES);
  /** What has been read and not handed out; it begins at `#at`. */
  #rest: Buffer = Buffer.alloc(0);
  #at: LinePosition = FILE_START;
  /** How far `#rest` has been searched, and what the search knows: no byte is looked at twice. */
  #searched = 0;
  #inQuotes = false;
  #innerLines = 0;

  private constructor(handle: FileHandle, name: string, quoted: boolean) {
    this.#handle = handle;
    this.#name = name;
    this.#quoted = quoted;
  }

  static async open(file: string, name: string, quoted: boolean): Promise<LineReader> {
    return new LineReader(await open(file, 'r'), name, quoted);
  }

  seek(position: LinePosition): void {
    if (position.offset === this.#at.offset) return;
    this.#rest = Buffer.alloc(0);
    this.#at = position;
    this.#forgetSearch();
  }

  /** Null at the end of the file. The last line may do without its line break. */
  async next(): Promise<Line | null> {
    for (;;) {
      const end = this.#findEnd();
      if (end >= 0) return this.#take(end, end + 1);
      if (this.#rest.length > LINE_BYTES_MAX) {
        throw new WorkbenchError(
          'SOURCE_UNREADABLE',
          `Line ${this.#at.number} of ${this.#name} is longer than ${LINE_BYTES_MAX} bytes${this.#inQuotes ? '; a quote that is never closed may be the reason' : ''}.`,
          { details: { line: this.#at.number } },
        );
      }
      const { bytesRead } = await this.#handle.read(
        this.#block,
        0,
        BLOCK_BYTES,
        this.#at.offset + this.#rest.length,
      );
      if (bytesRead > 0) {
        this.#rest = Buffer.concat([this.#rest, this.#block.subarray(0, bytesRead)]);
      } else if (this.#rest.length > 0) {
        return this.#take(this.#rest.length, this.#rest.length);
      } else return null;
    }
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  #findEnd(): number {
    const bytes = this.#rest;
    if (!this.#quoted) {
      const end = bytes.indexOf(NEWLINE, this.#searched);
      this.#searched = end < 0 ? bytes.length : end;
      return end;
    }
    for (let i = this.#searched; i < bytes.length; i++) {
      const byte = bytes[i];
      if (byte === QUOTE) this.#inQuotes = !this.#inQuotes;
      else if (byte === NEWLINE && this.#inQuotes) this.#innerLines++;
      else if (byte === NEWLINE) {
        this.#searched = i;
        return i;
      }
    }
    this.#searched = bytes.length;
    return -1;
  }

  #take(textEnd: number, end: number): Line {
    let from = 0;
    let to = textEnd;
    if (this.#at.offset === 0 && this.#rest.subarray(0, 3).equals(BOM)) from = 3;
    if (to > from && this.#rest[to - 1] === 0x0d) to--;
    const line = {
      text: this.#rest.toString('utf8', from, to),
      number: this.#at.number,
      endOffset: this.#at.offset + end,
      endNumber: this.#at.number + 1 + this.#innerLines,
    };
    this.#rest = this.#rest.subarray(end);
    this.#at = { offset: line.endOffset, number: line.endNumber };
    this.#forgetSearch();
    return line;
  }

  #forgetSearch(): void {
    this.#searched = 0;
    this.#inQuotes = false;
    this.#innerLines = 0;
  }
}

const BOM = Buffer.from([0xef, 0xbb, 0xbf]);
