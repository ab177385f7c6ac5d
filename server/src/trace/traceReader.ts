import type { RequestOf, ResponseOf } from '@millrace/shared/protocol/catalog.ts';
import type { LogLine } from '@millrace/shared/protocol/entities.ts';

/** Read access to the traces and logs of a run, live or over. Opened by the server on the run's folder; never blocks the run. */
export interface TraceReader {
  list(query: Omit<RequestOf<'trace.list'>, 'runId'>): ResponseOf<'trace.list'>;
  get(correlationId: string): ResponseOf<'trace.get'>;
  /** Frames after `afterSeq`, oldest first, for a client that resumes; `gap` counts records that are gone. */
  tail(afterSeq: number, recordsMax: number): { frames: { firstSeq: number; count: number; frame: Uint8Array }[]; gap: number; nextSeq: number };
  /** The newest log lines of the run, oldest first. */
  logs(linesMax: number): LogLine[];
  close(): void;
}
