import type { ErrorData } from '@millrace/shared/errors/workbenchError.ts';
import type { LogLine } from '@millrace/shared/protocol/entities.ts';
import type { SampledCounts } from './sampledCounts.ts';
import type { IncompleteTrace } from './traceSampler.ts';
import type { TraceCounts } from './traceSchema.ts';

/** What the run's main thread and the thread that keeps its traces say to each other. */

export type TraceLimits = {
  /** Records kept; the oldest go first. */
  recordsMax: number;
  /** Bytes of frames kept; what the list of traces takes besides is about as much again at most. */
  bytesMax: number;
  logLinesMax: number;
};

export type TraceSetup = { folder: string; resumeSeq: number; limits: TraceLimits };

export type ToTraces =
  | { type: 'frame'; frame: Uint8Array }
  /** Numbered, but left out before they came here; `endSeq` is the sequence number after them. */
  | { type: 'lost'; records: number; endSeq: number }
  /** What sampling did since this was said last. */
  | { type: 'sampled'; change: SampledCounts; incomplete: IncompleteTrace[] }
  | { type: 'logs'; lines: LogLine[] }
  /** Answered once everything sent before is on its way to the disk. */
  | { type: 'flush'; flushId: number }
  | { type: 'close' };

export type FromTraces =
  /** With an error when the store cannot be opened now; it is tried again while the run goes on. */
  | { type: 'started'; counts: TraceCounts; nextLogSeq: number; error: ErrorData | null }
  /** After each transaction, kept or not: `frameBytes` were taken from the queue. */
  | {
      type: 'settled';
      counts: TraceCounts;
      frameBytes: number;
      logLinesLost: number;
      error: ErrorData | null;
    }
  | { type: 'flushed'; flushId: number }
  | { type: 'closed' };
