/** Lets so many through at once; the others wait, in the order in which they came. */
export type Turnstile = { pass<Value>(work: () => Promise<Value>): Promise<Value> };

/** Those who wait are limited by the invocations of a node, which are few. */
export function createTurnstile(insideMax: number): Turnstile {
  let inside = 0;
  const waiting: (() => void)[] = [];
  return {
    async pass(work) {
      if (inside >= insideMax) await new Promise<void>((resolve) => waiting.push(resolve));
      else inside++;
      try {
        return await work();
      } finally {
        // Whoever waits takes over the place of the one who leaves.
        const next = waiting.shift();
        if (next) next();
        else inside--;
      }
    },
  };
}
