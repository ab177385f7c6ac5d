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
export function derivedId(causeId: string, causeTimeMs: number, nodeId: string, emissionIndex: number): string {
  const timeHex = timeBitsOf(causeId) ?? Math.trunc(causeTimeMs).toString(16).padStart(12, '0');
  const [a, b, c] = hash128(`${causeId}\n${nodeId}\n${emissionIndex}`);
  return layout(timeHex, a, b, c, '8');
}

const TIMED_UUID = /^([0-9a-f]{8})-([0-9a-f]{4})-[78][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function timeBitsOf(id: string): string | undefined {
  const match = TIMED_UUID.exec(id);
  return match ? `${match[1]}${match[2]}` : undefined;
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
