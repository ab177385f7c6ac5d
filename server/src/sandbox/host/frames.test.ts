import { Buffer } from 'node:buffer';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createFrameReader, createFrameWriter } from './frames.ts';

type Frame = [message: unknown, text: string];

const FRAMES: [object, string][] = [
  [{ type: 'a' }, ''],
  [{ type: 'b', note: 'ü€😀' }, 'plain'],
  [{ type: 'c' }, 'ü€😀'],
  // Half of a pair, which no UTF-8 holds.
  [{ type: 'd' }, `before${'\ud83d'}`],
  [{ type: 'e' }, 'x'.repeat(300_000)],
  [{ type: 'f' }, 'é'.repeat(300_000)],
  [{}, 'last'],
];

function written(frames: [object, string][]): Buffer {
  const pipe = new PassThrough({ highWaterMark: 64 * 1024 * 1024 });
  const writer = createFrameWriter(pipe);
  for (const [message, text] of frames) writer.send(message, text);
  return pipe.read() as Buffer;
}

function readIn(pieces: Buffer[]): Frame[] {
  const read: Frame[] = [];
  const take = createFrameReader((message, text) => read.push([message, text]));
  for (const piece of pieces) take(piece);
  return read;
}

describe('frames', () => {
  it.each([1, 7, 11, 4096, 65_536, 10_000_000])(
    'come out as they went in, in whatever pieces the pipe hands them out: %s bytes',
    (size) => {
      // Single bytes take long with megabytes of text, and say as much with a little.
      const frames = size < 4096 ? FRAMES.filter(([, text]) => text.length < 1000) : FRAMES;
      const bytes = written(frames);
      const pieces: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += size) pieces.push(Buffer.from(bytes.subarray(at, at + size)));
      expect(readIn(pieces)).toEqual(frames);
    },
  );

  it('keep apart what is written while an earlier frame waits in a full pipe', () => {
    const pipe = new PassThrough({ highWaterMark: 1 });
    const writer = createFrameWriter(pipe);
    const frames: [object, string][] = Array.from({ length: 20 }, (_, i) => [{ i }, `${i}`.repeat(100)]);
    for (const [message, text] of frames) writer.send(message, text);
    const pieces: Buffer[] = [];
    for (let piece = pipe.read() as Buffer | null; piece !== null; piece = pipe.read() as Buffer | null)
      pieces.push(Buffer.from(piece));
    expect(readIn(pieces)).toEqual(frames);
  });

  it('tell when a frame has left', async () => {
    const pipe = new PassThrough();
    await new Promise<void>((resolve) => createFrameWriter(pipe).send({}, 'text', resolve));
    expect(readIn([pipe.read() as Buffer])).toEqual([[{}, 'text']]);
  });

  it('are refused when they cannot be true', () => {
    expect(() => readIn([Buffer.alloc(64, 0xff)])).toThrow(/A frame of \d+ bytes/);
  });
});
