/** How long a test waits for something that should happen. */
export const WAIT_MS_MAX = 40_000;
const POLL_MS = 20;

/** Polls until there is a value; says what was missing when there never is. */
export async function until<Value>(
  what: string,
  find: () => Value | undefined | Promise<Value | undefined>,
  timeoutMs = WAIT_MS_MAX,
): Promise<Value> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const found = await find();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`Waited ${timeoutMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
