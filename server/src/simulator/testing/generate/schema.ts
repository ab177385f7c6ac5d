import type { PayloadCheck } from '../../../engine/io.ts';

/** What no topic of a generated flow takes that names a schema (TP5). Lists of them, and payloads a fault has mangled, fit. */
export function isMisfit(payload: unknown): boolean {
  const { number } = (payload ?? {}) as { number?: unknown };
  return typeof number === 'number' && number % 9 === 5;
}

export const checkPayload: PayloadCheck = (_topic, data) =>
  isMisfit(JSON.parse(data)) ? 'its number does not fit' : null;
