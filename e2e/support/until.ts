import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 50;

/** Asks again until the answer is there. When time runs out, the error says what was still missing. */
export async function until<Value>(
  what: string,
  ask: () => Promise<Value | null | undefined | false>,
  timeoutMs = 30_000,
): Promise<Value> {
  const giveUpAt = performance.now() + timeoutMs;
  let trouble = '';
  for (;;) {
    try {
      const value = await ask();
      if (value !== null && value !== undefined && value !== false) return value;
    } catch (thrown) {
      trouble = ` (last error: ${thrown instanceof Error ? thrown.message : String(thrown)})`;
    }
    if (performance.now() > giveUpAt) throw new Error(`waited ${timeoutMs} ms for ${what}${trouble}`);
    await delay(POLL_MS);
  }
}
