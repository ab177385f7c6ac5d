/** Segments are allocated one by one, when the ring first comes to them, and then stay. */
export const SEGMENT_BYTES = 1024 * 1024;
/** What is taken in starts at a multiple of this, so that typed arrays over it have their alignment. */
const ALIGNMENT_BYTES = 8;

/**
 * The newest bytes of an endless stream, off the heap and so of no concern to the garbage collector. A place is the number
 * of bytes of the stream before it; what begins below `oldest()` has been written over.
 */
export interface ByteRing {
  /** Copies the bytes and answers their place. What is longer than the whole ring only pushes out everything else. */
  append(bytes: Uint8Array): number;
  /** To be read before the next append: a view where they lie in one segment, otherwise a copy. */
  bytesAt(place: number, length: number): Uint8Array;
  oldest(): number;
  /** What is allocated. */
  memoryBytes(): number;
}

export function createByteRing(bytesMax: number, segmentBytes = SEGMENT_BYTES): ByteRing {
  const segmentsMax = Math.max(1, Math.floor(bytesMax / segmentBytes));
  const capacity = segmentsMax * segmentBytes;
  const segments: Uint8Array[] = [];
  let end = 0;

  /** The bytes from `place` on that lie in one segment, at most `length` of them. */
  const stretch = (place: number, length: number): Uint8Array => {
    const index = Math.floor(place / segmentBytes) % segmentsMax;
    segments[index] ??= new Uint8Array(segmentBytes);
    const start = place % segmentBytes;
    return segments[index].subarray(start, Math.min(segmentBytes, start + length));
  };

  return {
    append(bytes) {
      const place = end;
      end += Math.ceil(bytes.length / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
      if (end - place > capacity) return place;
      for (let done = 0; done < bytes.length; ) {
        const target = stretch(place + done, bytes.length - done);
        target.set(bytes.subarray(done, done + target.length));
        done += target.length;
      }
      return place;
    },
    bytesAt(place, length) {
      const first = stretch(place, length);
      if (first.length === length) return first;
      const whole = new Uint8Array(length);
      whole.set(first);
      for (let done = first.length; done < length; ) {
        const next = stretch(place + done, length - done);
        whole.set(next, done);
        done += next.length;
      }
      return whole;
    },
    oldest: () => Math.max(0, end - capacity),
    memoryBytes: () => segments.reduce((sum, { length }) => sum + length, 0),
  };
}
