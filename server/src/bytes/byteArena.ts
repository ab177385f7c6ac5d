const CHUNK_BYTES = 1024 * 1024;

/** Room for bytes that are only needed for a moment. Asking the system for it each time would cost more than filling it. */
export interface ByteArena {
  /** Holds whatever it held before, and is the caller's until the arena is used anew. */
  take(bytes: number): Uint8Array;
  /** Everything taken so far is given up. */
  reset(): void;
}

export function createByteArena(): ByteArena {
  let chunk = new Uint8Array(0);
  let used = 0;
  return {
    take(bytes) {
      if (used + bytes > chunk.length) {
        chunk = new Uint8Array(Math.max(CHUNK_BYTES, bytes));
        used = 0;
      }
      used += bytes;
      return chunk.subarray(used - bytes, used);
    },
    reset() {
      // One that a large text has made is not kept.
      if (chunk.length > CHUNK_BYTES) chunk = new Uint8Array(0);
      used = 0;
    },
  };
}
