import type { TraceRecord } from '@millrace/shared/trace/record.ts';

/** Rule SM1: one short text that two runs share only when every observed fact is the same, in the same order. */
export type TraceDigest = { add(record: TraceRecord): void; value(): string };

/** What a field that is null leaves behind; no text and no number does the same. */
const NOTHING = 0x7fff_fffd;
const END_OF_TEXT = 0x7fff_fffe;
const TWO_POW_32 = 0x1_0000_0000;

/**
 * Mixes field after field, unit after unit, into 128 bits (after cyrb128). It only tells runs apart, so it need not withstand
 * anybody; it must be cheap, because a simulation makes millions of records.
 */
export function createTraceDigest(): TraceDigest {
  let a = 1779033703;
  let b = 3144134277;
  let c = 1013904242;
  let d = 2773480762;

  const mix = (unit: number): void => {
    a = b ^ Math.imul(a ^ unit, 597399067);
    b = c ^ Math.imul(b ^ unit, 2869860233);
    c = d ^ Math.imul(c ^ unit, 951274213);
    d = a ^ Math.imul(d ^ unit, 2716044179);
  };
  const text = (value: string | null): void => {
    if (value === null) return mix(NOTHING);
    for (let index = 0; index < value.length; index++) mix(value.charCodeAt(index));
    mix(END_OF_TEXT);
  };
  const number = (value: number): void => {
    const whole = Math.floor(value);
    mix(whole | 0);
    mix(Math.floor(whole / TWO_POW_32) | 0);
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
    value: () => [a, b, c, d].map((lane) => (lane >>> 0).toString(16).padStart(8, '0')).join(''),
  };
}
