import { hash128 } from '../util/murmur.ts';
import type { Random } from '../util/random.ts';

const HEX: string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function hex32(value: number): string {
  return `${HEX[value >>> 24]}${HEX[(value >>> 16) & 255]}${HEX[(value >>> 8) & 255]}${HEX[value & 255]}`;
}

function layout(timeHex: string, a: number, b: number, c: number, version: string): string {
  const second = hex32(a);
  const third = hex32(((b & 0x3fffffff) | 0x80000000) >>> 0);
  return `${timeHex.slice(0, 8)}-${timeHex.slice(8)}-${version}${second.slice(0, 3)}-${third.slice(0, 4)}-${third.slice(4)}${hex32(c)}`;
}

/** A UUIDv7 (RFC 9562) whose random bits come from the given generator. Rule MS2. */
export function uuidV7(timeMs: number, random: Random): string {
  const timeHex = Math.trunc(timeMs).toString(16).padStart(12, '0');
  return layout(timeHex, random.uint32(), random.uint32(), random.uint32(), '7');
}

/**
 * The id of a message that handling `causeId` emits. Rule MS2: the cause's time bits, then a hash of cause, node and
 * emission index, in the layout of a UUIDv8 (RFC 9562, custom data). The same handling always gives the same id.
 */
export function derivedId(
  causeId: string,
  causeTimeMs: number,
  nodeId: string,
  emissionIndex: number,
): string {
  const timeHex = timeBitsOf(causeId) ?? Math.trunc(causeTimeMs).toString(16).padStart(12, '0');
  const [a, b, c] = hash128(`${causeId}\n${nodeId}\n${emissionIndex}`);
  return layout(timeHex, a, b, c, '8');
}

/** The time bits of a UUIDv7 or of an id derived from one; undefined for any other text. */
function timeBitsOf(id: string): string | undefined {
  if (id.length !== 36 || id[8] !== '-' || id[13] !== '-' || id[18] !== '-' || id[23] !== '-')
    return undefined;
  if ((id[14] !== '7' && id[14] !== '8') || !'89ab'.includes(id[19] as string)) return undefined;
  for (let i = 0; i < 36; i++)
    if (!isHexDigit(id.charCodeAt(i)) && i !== 8 && i !== 13 && i !== 18 && i !== 23) return undefined;
  return id.slice(0, 8) + id.slice(9, 13);
}

/** Lower-case hexadecimal, as UUIDs are written here. */
function isHexDigit(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 97 && code <= 102);
}

/** The W3C trace id (32 hex digits) of a correlation id. Rule MS3. */
export function traceIdOf(correlationId: string): string {
  const [a, b, c, d] = hash128(correlationId);
  const id = hex32(a) + hex32(b) + hex32(c) + hex32(d);
  return id === '0'.repeat(32) ? `${'0'.repeat(31)}1` : id;
}

/** The W3C span id (16 hex digits) of the handling of one message by one node (`''`: of its production). */
export function spanIdOf(messageId: string, nodeId: string): string {
  const [a, b] = hash128(`${messageId}\n${nodeId}`);
  const id = hex32(a) + hex32(b);
  return id === '0'.repeat(16) ? `${'0'.repeat(15)}1` : id;
}

/** The W3C `traceparent` that travels with a message produced or emitted by `nodeId`. */
export function traceparentOf(correlationId: string, messageId: string): string {
  return `00-${traceIdOf(correlationId)}-${spanIdOf(messageId, '')}-01`;
}
