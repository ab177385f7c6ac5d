/** Throws when an invariant is broken. The message names the values involved. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Invariant broken: ${message}`);
}

/** Makes a switch over a union exhaustive at compile time and loud at run time. */
export function assertNever(value: never, what: string): never {
  throw new Error(`Invariant broken: unexpected ${what}: ${JSON.stringify(value)}`);
}
