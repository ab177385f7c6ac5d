import { decodeFrame, encodeFrame } from '@millrace/shared/trace/frame.ts';
import type { Frame } from './traceWatcher.ts';

/** The frame without the records before `seq`; frames of the store and live ones are cut at different places. */
export function cutFrame(frame: Frame, seq: number): Frame {
  const batch = decodeFrame(frame.frame);
  const records = batch.records.slice(seq - batch.firstSeq);
  return { firstSeq: seq, count: records.length, frame: encodeFrame({ firstSeq: seq, records }) };
}
