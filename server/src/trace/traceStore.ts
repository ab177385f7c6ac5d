import { Worker } from 'node:worker_threads';
import { toWorkbenchError, WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { LogLine } from '@millrace/shared/protocol/entities.ts';
import type { SampledCounts } from './sampledCounts.ts';
import type { FromTraces, ToTraces, TraceSetup } from './traceProtocol.ts';
import type { IncompleteTrace } from './traceSampler.ts';
import type { TraceCounts } from './traceSchema.ts';

/** Frames on their way to the disk; beyond this the store is too slow and what comes is counted as lost. */
const UNSETTLED_BYTES_MAX = 32 * 1024 * 1024;

/** The run's end of the thread that keeps its traces. Nothing here waits, fails or throws: the run is worth more. */
export interface TraceStore {
  /** As of the last transaction. */
  counts(): TraceCounts;
  nextLogSeq: number;
  keepFrame(frame: Uint8Array, count: number, endSeq: number): void;
  leaveOut(records: number, endSeq: number): void;
  addSampled(change: SampledCounts, incomplete: IncompleteTrace[]): void;
  keepLines(lines: LogLine[]): void;
  /** Log lines that could not be kept since this was asked last. */
  takeLinesLost(): number;
  flush(): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}

export async function startTraceStore(
  setup: TraceSetup,
  /** Called once when keeping begins to fail, and again only after it had worked in between. */
  onTrouble: (error: WorkbenchError) => void,
): Promise<TraceStore> {
  const worker = new Worker(new URL('./trace.worker.ts', import.meta.url), {
    workerData: setup,
    name: 'millrace-traces',
  });
  const started = await new Promise<Extract<FromTraces, { type: 'started' }>>((resolve, reject) => {
    const onError = (thrown: unknown): void => reject(threadDied(thrown));
    worker.once('error', onError);
    worker.once('message', (message: FromTraces) => {
      worker.off('error', onError);
      if (message.type === 'started') resolve(message);
    });
  });

  let { counts } = started;
  let unsettledBytes = 0;
  let linesLost = 0;
  let inTrouble = false;
  let dead = false;
  let nextFlushId = 1;
  const flushes = new Map<number, () => void>();
  let onClosed: () => void = () => {};
  let closing: Promise<void> | null = null;

  const send = (message: ToTraces): void => {
    if (!dead) worker.postMessage(message);
  };
  const report = (error: WorkbenchError | null): void => {
    if (error !== null && !inTrouble) onTrouble(error);
    inTrouble = error !== null;
  };
  const died = (thrown: unknown): void => {
    if (dead) return;
    dead = true;
    if (closing === null) report(threadDied(thrown));
    for (const resolve of flushes.values()) resolve();
    flushes.clear();
    onClosed();
  };
  worker.on('error', died);
  worker.on('exit', () => died(null));
  worker.on('message', (message: FromTraces) => {
    if (message.type === 'settled') {
      counts = message.counts;
      unsettledBytes -= message.frameBytes;
      linesLost += message.logLinesLost;
      report(message.error === null ? null : WorkbenchError.fromData(message.error));
    } else if (message.type === 'flushed') {
      flushes.get(message.flushId)?.();
      flushes.delete(message.flushId);
    } else if (message.type === 'closed') onClosed();
  });
  report(started.error === null ? null : WorkbenchError.fromData(started.error));

  const leaveOut = (records: number, endSeq: number): void => {
    if (dead) counts = { ...counts, lost: counts.lost + records };
    else send({ type: 'lost', records, endSeq });
  };
  return {
    counts: () => counts,
    nextLogSeq: started.nextLogSeq,
    leaveOut,
    keepFrame(frame, count, endSeq) {
      if (dead || unsettledBytes + frame.length > UNSETTLED_BYTES_MAX) return leaveOut(count, endSeq);
      unsettledBytes += frame.length;
      send({ type: 'frame', frame });
    },
    addSampled(change, incomplete) {
      if (incomplete.length > 0 || Object.values(change).some((value) => value !== 0))
        send({ type: 'sampled', change, incomplete });
    },
    keepLines(lines) {
      if (dead) linesLost += lines.length;
      else send({ type: 'logs', lines });
    },
    takeLinesLost() {
      const lost = inTrouble ? 0 : linesLost;
      linesLost -= lost;
      return lost;
    },
    flush: () =>
      new Promise((resolve) => {
        if (dead || closing !== null) return resolve();
        const flushId = nextFlushId++;
        flushes.set(flushId, resolve);
        send({ type: 'flush', flushId });
      }),
    close() {
      closing ??= new Promise<void>((resolve) => {
        onClosed = resolve;
        if (dead) resolve();
        else send({ type: 'close' });
      }).then(async () => {
        await worker.terminate();
      });
      return closing;
    },
  };
}

function threadDied(cause: unknown): WorkbenchError {
  const why = cause === null ? '' : `: ${toWorkbenchError(cause).message}`;
  return new WorkbenchError('STORAGE_FAILED', `The thread that keeps the traces ended unexpectedly${why}.`, {
    cause,
  });
}
