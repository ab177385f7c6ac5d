import { hash128, hash128Lines } from '../util/murmur.ts';
import type { Random } from '../util/random.ts';

const DIGITS: readonly number[] = Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));
const DASH = 45;
const HALF_DIGITS = 0x10000;
const TIME_MS_MAX = 0xffff_ffff_ffff;

const HEX: string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function hex32(value: number): string {
  return `${HEX[value >>> 24]}${HEX[(value >>> 16) & 255]}${HEX[(value >>> 8) & 255]}${HEX[value & 255]}`;
}

/** The last hexadecimal digit of `bits`, as a character. */
function digit(bits: number): number {
  return DIGITS[bits & 15] as number;
}

/**
 * The text of a UUID. `high` holds the first 32 bits, `low` the next 16; `a` gives 12, `b` 30 and `c` 32 bits more. Made
 * by one call from its characters: every message needs one, and putting it together from texts takes six times as long.
 */
function layout(high: number, low: number, version: number, a: number, b: number, c: number): string {
  // biome-ignore format: a group of the UUID on each line
  return String.fromCharCode(
    digit(high >>> 28), digit(high >>> 24), digit(high >>> 20), digit(high >>> 16),
    digit(high >>> 12), digit(high >>> 8), digit(high >>> 4), digit(high), DASH,
    digit(low >>> 12), digit(low >>> 8), digit(low >>> 4), digit(low), DASH,
    digit(version), digit(a >>> 28), digit(a >>> 24), digit(a >>> 20), DASH,
    digit(8 | ((b >>> 28) & 3)), digit(b >>> 24), digit(b >>> 20), digit(b >>> 16), DASH,
    digit(b >>> 12), digit(b >>> 8), digit(b >>> 4), digit(b),
    digit(c >>> 28), digit(c >>> 24), digit(c >>> 20), digit(c >>> 16),
    digit(c >>> 12), digit(c >>> 8), digit(c >>> 4), digit(c),
  );
}

/** With the 48 bits of a time. */
function layoutAt(timeMs: number, version: number, a: number, b: number, c: number): string {
  const whole = Math.min(Math.max(0, Math.trunc(timeMs)), TIME_MS_MAX);
  return layout(Math.floor(whole / HALF_DIGITS), whole % HALF_DIGITS, version, a, b, c);
}

/** A UUIDv7 (RFC 9562) whose random bits come from the given generator. Rule MS2. */
export function uuidV7(timeMs: number, random: Random): string {
  return layoutAt(timeMs, 7, random.uint32(), random.uint32(), random.uint32());
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
  const [a, b, c] = hash128Lines(causeId, nodeId, String(emissionIndex));
  if (!hasTimeBits(causeId)) return layoutAt(causeTimeMs, 8, a, b, c);
  return layout(hexOf(causeId, 0, 8), hexOf(causeId, 9, 13), 8, a, b, c);
}

/** Whether it is a UUIDv7, or an id derived from one; in lower case, as ids are written here. */
function hasTimeBits(id: string): boolean {
  return (
    id.length === 36 &&
    isHex(id, 0, 8) &&
    id.charCodeAt(8) === DASH &&
    isHex(id, 9, 13) &&
    id.charCodeAt(13) === DASH &&
    (id[14] === '7' || id[14] === '8') &&
    isHex(id, 15, 18) &&
    id.charCodeAt(18) === DASH &&
    isHex(id, 19, 23) &&
    hexOf(id, 19, 20) >> 2 === 2 &&
    id.charCodeAt(23) === DASH &&
    isHex(id, 24, 36)
  );
}

function isHex(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i);
    if (code < 48 || code > 102 || (code > 57 && code < 97)) return false;
  }
  return true;
}

/** The number that up to eight digits of `text` write. */
function hexOf(text: string, from: number, to: number): number {
  let bits = 0;
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i);
    bits = (bits << 4) | (code <= 57 ? code - 48 : code - 87);
  }
  return bits;
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
