const encoder = new TextEncoder();

/**
 * Writes text that is ASCII throughout into `target`, which has room for a byte of each character; false when it is anything
 * else, and `target` then holds its beginning. Says in one pass over a long text what it is and where it goes.
 */
export function writeAscii(text: string, target: Uint8Array): boolean {
  // What is not ASCII takes more than a byte a character, so that some of it finds no room.
  return encoder.encodeInto(text, target.subarray(0, text.length)).read === text.length;
}
