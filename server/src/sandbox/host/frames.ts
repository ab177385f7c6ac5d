import { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import { writeAscii } from '../../bytes/ascii.ts';

/**
 * Frames on the pipe between a run's process and the process of its isolates. A frame is a small message as JSON and,
 * beside it, one text that neither side has to parse or escape: the input or the output of a call, up to megabytes.
 *
 *   header   3 × u32, little-endian: bytes of the message · bytes of the text · how the text is written
 *   message  JSON in UTF-8
 *   text     one byte for each character where all of it is ASCII, otherwise UTF-16, which keeps every string as it is
 */
const HEADER_BYTES = 12;
const TEXT_ASCII = 0;
const TEXT_UTF16 = 1;
/** More than the largest call and the largest answer take; a larger frame means that the two ends no longer agree. */
const FRAME_BYTES_MAX = 256 * 1024 * 1024;
/** Buffers that wait for their next frame, none of them larger than this. */
const SPARE_BUFFERS_MAX = 4;
const SPARE_BYTES_MAX = 2 * 1024 * 1024;
const BUFFER_BYTES_MIN = 64 * 1024;

export interface FrameWriter {
  /** `onGone` is called when the frame has left this process, or never will. */
  send(message: object, text: string, onGone?: () => void): void;
}

export function createFrameWriter(pipe: Duplex): FrameWriter {
  // A fresh buffer for each frame would have the kernel clear its pages each time.
  const spare: Buffer[] = [];

  const take = (bytes: number): Buffer => {
    const found = spare.findIndex(({ length }) => length >= bytes);
    if (found >= 0) return spare.splice(found, 1)[0] as Buffer;
    let size = BUFFER_BYTES_MIN;
    while (size < bytes) size *= 2;
    return Buffer.allocUnsafeSlow(size);
  };
  const giveBack = (buffer: Buffer): void => {
    if (buffer.length > SPARE_BYTES_MAX) return;
    // The newest replaces the oldest, so that after a change of sizes what is kept fits again.
    if (spare.length === SPARE_BUFFERS_MAX) spare.shift();
    spare.push(buffer);
  };

  return {
    send(message, text, onGone) {
      const head = JSON.stringify(message);
      const headBytes = Buffer.byteLength(head);
      const textAt = HEADER_BYTES + headBytes;
      let buffer = take(textAt + text.length);
      const isAscii = writeAscii(text, buffer.subarray(textAt));
      const textBytes = isAscii ? text.length : text.length * 2;
      const bytes = textAt + textBytes;
      if (!isAscii) {
        giveBack(buffer);
        buffer = take(bytes);
        buffer.write(text, textAt, 'utf16le');
      }
      buffer.writeUInt32LE(headBytes, 0);
      buffer.writeUInt32LE(textBytes, 4);
      buffer.writeUInt32LE(isAscii ? TEXT_ASCII : TEXT_UTF16, 8);
      buffer.write(head, HEADER_BYTES, 'utf8');
      pipe.write(buffer.subarray(0, bytes), () => {
        giveBack(buffer);
        onGone?.();
      });
    },
  };
}

/** Puts frames together again from the pieces in which a pipe hands them out. Throws when what comes is no frame. */
export function createFrameReader(
  onFrame: (message: unknown, text: string) => void,
): (piece: Buffer) => void {
  /** The beginning of a frame whose end has not come yet: its first `filled` bytes. */
  let partial: Buffer = Buffer.alloc(0);
  let filled = 0;

  const hold = (piece: Buffer): void => {
    const needed = filled + piece.length;
    if (needed > partial.length) {
      const whole = Math.max(needed, HEADER_BYTES);
      const grown = Buffer.allocUnsafeSlow(Math.max(whole, partial.length * 2, BUFFER_BYTES_MIN));
      partial.copy(grown, 0, 0, filled);
      partial = grown;
    }
    piece.copy(partial, filled);
    filled = needed;
  };
  const letGo = (): void => {
    filled = 0;
    if (partial.length > SPARE_BYTES_MAX) partial = Buffer.alloc(0);
  };
  /** Hands out the frames that are whole; answers how many bytes they took. */
  const takeWhole = (bytes: Buffer): number => {
    let at = 0;
    for (;;) {
      const end = at + frameBytes(bytes, at);
      if (end > bytes.length) return at;
      const textAt = at + HEADER_BYTES + bytes.readUInt32LE(at);
      const message: unknown = JSON.parse(bytes.toString('utf8', at + HEADER_BYTES, textAt));
      const encoding = bytes.readUInt32LE(at + 8) === TEXT_ASCII ? 'latin1' : 'utf16le';
      const text = bytes.toString(encoding, textAt, end);
      at = end;
      onFrame(message, text);
    }
  };

  return (piece) => {
    if (filled === 0) {
      const taken = takeWhole(piece);
      if (taken < piece.length) hold(piece.subarray(taken));
      return;
    }
    hold(piece);
    const held = partial.subarray(0, filled);
    const taken = takeWhole(held);
    if (taken === 0) return;
    // A copy, because the rest moves to where the frames just read stood.
    const rest = taken < held.length ? Buffer.from(held.subarray(taken)) : null;
    letGo();
    if (rest) hold(rest);
  };
}

/** Bytes of the frame at `at`; of one whose header has not come yet, more than there are. */
function frameBytes(bytes: Buffer, at: number): number {
  if (bytes.length - at < HEADER_BYTES) return Number.POSITIVE_INFINITY;
  const size = HEADER_BYTES + bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4);
  if (size > FRAME_BYTES_MAX)
    throw new Error(`A frame of ${size} bytes; at most ${FRAME_BYTES_MAX} are possible`);
  return size;
}
