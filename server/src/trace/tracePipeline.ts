import { mkdirSync } from 'node:fs';
import type { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { LogLine } from '@millrace/shared/protocol/entities.ts';
import type { TraceRecord } from '@millrace/shared/trace/record.ts';
import { createTraceCollector } from './traceCollector.ts';
import type { TraceLimits } from './traceProtocol.ts';
import { startTraceStore, type TraceStore } from './traceStore.ts';

const TRACE_LIMITS: TraceLimits = { recordsMax: 2_000_000, logLinesMax: 100_000 };
/** A log line is for reading; what is longer is cut and says so. */
const LOG_MESSAGE_CHARS_MAX = 8192;

export type TracePipelineOptions = {
  /** The run's own folder. */
  folder: string;
  /** How many records the run had numbered before: those that are not in the store were lost. */
  resumeSeq: number;
  onFrame(firstSeq: number, count: number, frame: Uint8Array): void;
  /** Called once when traces cannot be kept any more; the run goes on, and so do the attempts to keep them. */
  onTrouble(error: WorkbenchError): void;
  limits?: Partial<TraceLimits>;
};

export type TraceStats = { lastSeq: number; kept: number; expired: number; lost: number };

/** The way of a run's traces and logs out of the engine: to whoever watches, and to `trace.db`. */
export interface TracePipeline {
  push(records: TraceRecord[]): void;
  /** Numbers the lines and keeps them. */
  log(lines: Omit<LogLine, 'seq'>[]): LogLine[];
  stats(): TraceStats;
  /** Resolves when everything pushed so far can be read. */
  flush(): Promise<void>;
  /** Flushes first. Idempotent. */
  close(): Promise<void>;
}

export async function createTracePipeline(options: TracePipelineOptions): Promise<TracePipeline> {
  const { folder, resumeSeq, onFrame, onTrouble } = options;
  mkdirSync(folder, { recursive: true });
  const store = await startTraceStore(
    { folder, resumeSeq, limits: { ...TRACE_LIMITS, ...options.limits } },
    onTrouble,
  );
  const collector = createTraceCollector({
    nextSeq: store.counts().nextSeq,
    onFrame(firstSeq, count, frame) {
      store.keepFrame(frame, count, firstSeq + count);
      onFrame(firstSeq, count, frame);
    },
    onLost: (records, endSeq) => store.leaveOut(records, endSeq),
  });
  const log = createLogNumbering(store);

  return {
    push: (records) => collector.push(records),
    log,
    stats() {
      const { kept, expired, lost } = store.counts();
      return { lastSeq: Math.max(0, collector.nextSeq() - 1), kept, expired, lost };
    },
    flush() {
      collector.flush();
      return store.flush();
    },
    close() {
      collector.flush();
      return store.close();
    },
  };
}

function createLogNumbering(store: TraceStore): TracePipeline['log'] {
  let nextSeq = store.nextLogSeq;
  const numbered = (line: Omit<LogLine, 'seq'>): LogLine => ({
    ...line,
    seq: nextSeq++,
    message: line.message.length > LOG_MESSAGE_CHARS_MAX ? shortened(line.message) : line.message,
  });
  return (lines) => {
    const first = lines[0];
    if (!first) return [];
    const lost = store.takeLinesLost();
    const result = lost > 0 ? [numbered(lostLine(lost, first))] : [];
    for (const line of lines) result.push(numbered(line));
    store.keepLines(result);
    return result;
  };
}

function shortened(message: string): string {
  const left = message.length - LOG_MESSAGE_CHARS_MAX;
  return `${message.slice(0, LOG_MESSAGE_CHARS_MAX)}… (${left} more characters)`;
}

/** Nothing is left out silently (TR3): the gap in the kept log has a line of its own. */
function lostLine(lost: number, next: Omit<LogLine, 'seq'>): Omit<LogLine, 'seq'> {
  const message = `${lost} log lines before this one could not be kept.`;
  return { ...next, level: 'warn', message, messageId: null, correlationId: null };
}
