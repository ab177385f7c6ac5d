import type { TraceRecord } from '@millrace/shared/trace/record.ts';

/** Rule SM1: one short text that two runs share only when every observed fact is the same, in the same order. */
export type TraceDigest = { add(record: TraceRecord): void; value(): string };

/** What a field that is null leaves behind; no text and no number does the same. */
const NOTHING = 0x7fff_fffd;
const TWO_POW_32 = 0x1_0000_0000;

/**
 * Mixes field after field into 64 bits (after cyrb53), two characters at a time. It only tells runs apart, so it need not
 * withstand anybody; it must be cheap, because a simulation makes millions of records.
 */
export function createTraceDigest(): TraceDigest {
  let a = 0xdeadbeef | 0;
  let b = 0x41c6ce57;

  const mix = (unit: number): void => {
    a = Math.imul(a ^ unit, 2654435761);
    b = Math.imul(b ^ unit, 1597334677);
    // Without this, what differs in the high bits alone would stay there.
    a ^= b >>> 15;
    b ^= a >>> 13;
  };
  const text = (value: string | null): void => {
    if (value === null) return mix(NOTHING);
    const { length } = value;
    for (let index = 0; index + 1 < length; index += 2)
      mix(value.charCodeAt(index) | (value.charCodeAt(index + 1) << 16));
    if (length % 2 === 1) mix(value.charCodeAt(length - 1));
    mix(length);
  };
  const number = (value: number): void => {
    const whole = Math.floor(value);
    mix(whole | 0);
    if (whole > 0x7fff_ffff || whole < -0x8000_0000) mix(Math.floor(whole / TWO_POW_32) | 0);
    if (whole !== value) mix(((value - whole) * TWO_POW_32) | 0);
  };

  return {
    add(record) {
      text(record.kind);
      number(record.timeMs);
      text(record.nodeId);
      text(record.messageId);
      text(record.correlationId);
      text(record.causationId);
      text(record.messageType);
      text(record.key);
      text(record.topic);
      number(record.partition);
      number(record.offset);
      number(record.attempt);
      number(record.durationUs);
      text(record.errorCode);
      text(record.errorMessage);
      text(record.detail);
    },
    value: () => [a, b].map((lane) => (lane >>> 0).toString(16).padStart(8, '0')).join(''),
  };
}
