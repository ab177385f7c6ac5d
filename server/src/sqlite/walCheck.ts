import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { uptime } from 'node:os';

/** The write-ahead log of a database, and the map that SQLite keeps of it for as long as somebody has it open. */
const walPath = (database: string): string => `${database}-wal`;
const walMapPath = (database: string): string => `${database}-shm`;

/**
 * SQLite takes a damaged write-ahead log for one that ends there, and so would forget what was acknowledged without a
 * word. Before anybody opens a database we therefore read it with our own eyes. A transaction that a power cut tore is the
 * one damage that is in order: nobody was told that it is on disk. What tells the two apart:
 *
 * - the map that SQLite keeps beside (`-shm`) outlives a killed process, and says how many frames were committed;
 * - a torn transaction is the last one, so at most one commit can follow the place where the frames stop being whole.
 *
 * Layouts: https://www.sqlite.org/walformat.html
 */
const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const MAGIC = 0x377f0682;
const CHUNK_BYTES = 1024 * 1024;
/** The map: two copies of a header of 48 bytes, then how many frames the main file has already. */
const MAP_HEADER_BYTES = 48;
const MAP_BYTES = 2 * MAP_HEADER_BYTES + 4;
/** A log that is being written while we look may seem damaged; then its map has changed meanwhile. */
const LOOKS_MAX = 5;

type WalHeader = { pageBytes: number; salts: Buffer; bigEndian: boolean; sums: [number, number] };
/** What the map says: frames that were committed, and those of them that the main file has already. */
type WalMap = { committed: number; copied: number; salts: Buffer };
type WalScan = {
  /** Frames from the first on that are whole. */
  whole: number;
  /** Commits that lie behind them, written by the same generation of the log. */
  commitsBehind: number;
};

/** What is wrong with the write-ahead log of a database, as the rest of a sentence about the file; null when nothing is. */
export function walDamage(database: string): string | null {
  for (let look = 0; look < LOOKS_MAX; look++) {
    const before = readMapBytes(database);
    const damage = findDamage(database, parseMap(database, before));
    if (damage === null) return null;
    if (before.equals(readMapBytes(database))) return damage;
  }
  // Whoever changes the map that often has the log open, and has checked it.
  return null;
}

function findDamage(database: string, map: WalMap | null): string | null {
  const needed = map !== null && map.committed > map.copied ? map.committed : 0;
  const missing = (whole: number): string =>
    `it holds ${whole} whole pages of the ${needed} that were acknowledged`;
  const handle = openIfThere(walPath(database));
  if (handle === null) return needed > 0 ? missing(0) : null;
  try {
    const { size } = fstatSync(handle);
    const head = Buffer.alloc(HEADER_BYTES);
    const isShort = readSync(handle, head, 0, HEADER_BYTES, 0) < HEADER_BYTES;
    // Empty, or never written: some file systems leave zeros after a power cut.
    if (size === 0 || head.every((byte) => byte === 0)) return needed > 0 ? missing(0) : null;
    const header = isShort ? null : parseHeader(head);
    if (header === null) return 'its first bytes are not those of a write-ahead log';
    // A map of another generation of the log says nothing about this one.
    const frames = map?.salts.equals(header.salts) ? needed : 0;
    const { whole, commitsBehind } = scan(handle, size, header);
    if (whole < frames) return missing(whole);
    return commitsBehind > 1 ? `page ${whole + 1} has changed, and later ones were acknowledged` : null;
  } finally {
    closeSync(handle);
  }
}

function scan(handle: number, size: number, header: WalHeader): WalScan {
  const frameBytes = FRAME_HEADER_BYTES + header.pageBytes;
  const chunkBytes = Math.max(1, Math.floor(CHUNK_BYTES / frameBytes)) * frameBytes;
  const chunk = Buffer.from(new ArrayBuffer(chunkBytes));
  const words = new Uint32Array(chunk.buffer);
  const sums = [...header.sums] as [number, number];
  const result: WalScan = { whole: 0, commitsBehind: 0 };
  let isWhole = true;
  for (let position = HEADER_BYTES; position + frameBytes <= size; position += chunkBytes) {
    const read = readSync(handle, chunk, 0, chunkBytes, position);
    if (header.bigEndian) continue;
    for (let at = 0; at + frameBytes <= read; at += frameBytes) {
      const isOurs = chunk.subarray(at + 8, at + 16).equals(header.salts);
      isWhole &&= isOurs && addFrame(chunk, words, at, header.pageBytes, sums);
      if (isWhole) result.whole++;
      else if (isOurs && chunk.readUInt32BE(at + 4) !== 0) result.commitsBehind++;
    }
  }
  return result;
}

/** Adds a frame to the running checksum and compares it with the frame's own. */
function addFrame(
  chunk: Buffer,
  words: Uint32Array,
  at: number,
  pageBytes: number,
  sums: [number, number],
): boolean {
  addWords(words, at / 4, 2, sums);
  addWords(words, (at + FRAME_HEADER_BYTES) / 4, pageBytes / 4, sums);
  return chunk.readUInt32BE(at + 16) === sums[0] >>> 0 && chunk.readUInt32BE(at + 20) === sums[1] >>> 0;
}

function addWords(words: Uint32Array, from: number, count: number, sums: [number, number]): void {
  let [first, second] = sums;
  for (let at = from; at < from + count; at += 2) {
    first = (first + (words[at] as number) + second) | 0;
    second = (second + (words[at + 1] as number) + first) | 0;
  }
  sums[0] = first;
  sums[1] = second;
}

/**
 * The frames that are whole, one by one, up to the last commit: for whoever saves what is left of a damaged log. A frame's
 * checksum goes on from that of the frame before it, as it is stored there, so that one bad frame does not hide the rest.
 */
export function wholeFrames(handle: number, pageBytes: number): { page: number; position: number }[] {
  const head = Buffer.alloc(HEADER_BYTES);
  readSync(handle, head, 0, HEADER_BYTES, 0);
  const frameBytes = FRAME_HEADER_BYTES + pageBytes;
  const frame = Buffer.from(new ArrayBuffer(frameBytes));
  const words = new Uint32Array(frame.buffer);
  const found: { page: number; position: number }[] = [];
  let committed = 0;
  let salts = parseHeader(head)?.salts ?? null;
  let sums: [number, number] = [head.readUInt32BE(24) | 0, head.readUInt32BE(28) | 0];
  for (let position = HEADER_BYTES; readSync(handle, frame, 0, frameBytes, position) === frameBytes; ) {
    salts ??= Buffer.from(frame.subarray(8, 16));
    // Frames of an earlier generation follow those of the newest.
    const isWhole = frame.subarray(8, 16).equals(salts) && addFrame(frame, words, 0, pageBytes, sums);
    if (isWhole) found.push({ page: frame.readUInt32BE(0), position: position + FRAME_HEADER_BYTES });
    if (isWhole && frame.readUInt32BE(4) !== 0) committed = found.length;
    sums = [frame.readUInt32BE(16) | 0, frame.readUInt32BE(20) | 0];
    position += frameBytes;
  }
  return found.slice(0, committed);
}

function parseHeader(bytes: Buffer): WalHeader | null {
  const magic = bytes.readUInt32BE(0);
  const pageBytes = bytes.readUInt32BE(8);
  if ((magic & ~1) >>> 0 !== MAGIC) return null;
  if (pageBytes < 512 || pageBytes > 65536 || (pageBytes & (pageBytes - 1)) !== 0) return null;
  // The order of bytes of the machine that began the log, here always little-endian; the other is left to SQLite.
  const bigEndian = (magic & 1) === 1;
  const sums: [number, number] = [0, 0];
  const copy = new Uint8Array(bytes);
  addWords(new Uint32Array(copy.buffer), 0, 6, sums);
  const isIntact = bytes.readUInt32BE(24) === sums[0] >>> 0 && bytes.readUInt32BE(28) === sums[1] >>> 0;
  return bigEndian || isIntact ? { pageBytes, salts: bytes.subarray(16, 24), bigEndian, sums } : null;
}

function readMapBytes(database: string): Buffer {
  try {
    return readFileSync(walMapPath(database)).subarray(0, MAP_BYTES);
  } catch {
    return Buffer.alloc(0);
  }
}

/** Null when there is no map that can be trusted. */
function parseMap(database: string, bytes: Buffer): WalMap | null {
  if (bytes.length < MAP_BYTES || !isOfThisBoot(walMapPath(database))) return null;
  const header = bytes.subarray(0, MAP_HEADER_BYTES);
  const isUsable =
    header.equals(bytes.subarray(MAP_HEADER_BYTES, 2 * MAP_HEADER_BYTES)) && header.readUInt8(12) === 1;
  if (!isUsable) return null;
  const sums: [number, number] = [0, 0];
  addWords(new Uint32Array(new Uint8Array(header).buffer), 0, 10, sums);
  if (header.readUInt32LE(40) !== sums[0] >>> 0 || header.readUInt32LE(44) !== sums[1] >>> 0) return null;
  return {
    committed: header.readUInt32LE(16),
    copied: bytes.readUInt32LE(2 * MAP_HEADER_BYTES),
    salts: header.subarray(32, 40),
  };
}

/** After a loss of power the map may know of more than `relaxed` durability had written. */
function isOfThisBoot(file: string): boolean {
  try {
    return statSync(file).mtimeMs >= Date.now() - uptime() * 1000;
  } catch {
    return false;
  }
}

function openIfThere(file: string): number | null {
  try {
    return openSync(file, 'r');
  } catch {
    return null;
  }
}
