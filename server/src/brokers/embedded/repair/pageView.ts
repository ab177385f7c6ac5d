import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { wholeFrames } from '../../../sqlite/walCheck.ts';
import { logPath, walPath } from '../logErrors.ts';

/** What SQLite takes where nobody says otherwise, and nobody does. */
export const PAGE_BYTES = 4096;

/** The pages of a damaged log as they were at some moment, by number from 1; null for one that is not there. */
export interface PageView {
  pages: number;
  page(number: number): Buffer | null;
}

export interface DamagedFiles {
  /** With what the write-ahead log holds, and without: what is lost in one may be in the other. */
  views: PageView[];
  close(): void;
}

/** Reads the files of a log as bytes, without SQLite, which would refuse them or drop what it does not understand. */
export function openDamagedFiles(folder: string): DamagedFiles {
  const main = openPages(logPath(folder));
  const wal = openPages(walPath(folder));
  const filePage = (number: number): Buffer | null => main.read((number - 1) * PAGE_BYTES, PAGE_BYTES);
  const filePages = Math.ceil(main.bytes / PAGE_BYTES);
  const latest = new Map<number, number>();
  if (wal.handle !== null)
    for (const { page, position } of wholeFrames(wal.handle, PAGE_BYTES)) latest.set(page, position);
  const newest: PageView = {
    pages: Math.max(filePages, ...latest.keys()),
    page(number) {
      const position = latest.get(number);
      return position === undefined ? filePage(number) : wal.read(position, PAGE_BYTES);
    },
  };
  return {
    views: latest.size === 0 ? [newest] : [newest, { pages: filePages, page: filePage }],
    close() {
      main.close();
      wal.close();
    },
  };
}

type PageFile = {
  handle: number | null;
  bytes: number;
  read(position: number, length: number): Buffer | null;
  close(): void;
};

/** A file that is not there has no pages. */
function openPages(file: string): PageFile {
  let handle: number | null = null;
  try {
    handle = openSync(file, 'r');
  } catch {
    return { handle, bytes: 0, read: () => null, close: () => {} };
  }
  const open = handle;
  return {
    handle,
    bytes: fstatSync(open).size,
    read(position, length) {
      const buffer = Buffer.alloc(length);
      return readSync(open, buffer, 0, length, position) === length ? buffer : null;
    },
    close: () => closeSync(open),
  };
}
