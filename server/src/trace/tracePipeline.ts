import { mkdirSync } from 'node:fs';
import type { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { LogLine } from '@millrace/shared/protocol/entities.ts';
import type { TraceFigures } from '@millrace/shared/trace/metrics.ts';
import type { TraceEntry } from '@millrace/shared/trace/recordRun.ts';
import { noSampledCounts, sampledSince, sampledTogether } from './sampledCounts.ts';
import { createTraceCollector } from './traceCollector.ts';
import type { TraceLimits } from './traceProtocol.ts';
import { createTraceSampler, type SamplerLimits } from './traceSampler.ts';
import { startTraceStore, type TraceStore } from './traceStore.ts';

const TRACE_LIMITS: TraceLimits = {
  recordsMax: 2_000_000,
  bytesMax: 512 * 1024 * 1024,
  logLinesMax: 100_000,
};
/** A log line is for reading; what is longer is cut and says so. */
const LOG_MESSAGE_CHARS_MAX = 8192;

export type TracePipelineOptions = {
  /** The run's own folder. */
  folder: string;
  /** How many records the run had given out before: those the store does not know of were lost. */
  resumeSeq: number;
  onFrame(firstSeq: number, count: number, frame: Uint8Array): void;
  /** Called once when traces cannot be kept any more; the run goes on, and so do the attempts to keep them. */
  onTrouble(error: WorkbenchError): void;
  limits?: Partial<TraceLimits>;
  /** New traces per second up to which all are kept; above, a part of them (rule TR2). 0 keeps every trace. */
  traceRatePerSecond: number;
  /** Traces and attempts that take longer are kept, however few others are. */
  slowTraceMs: number;
  samplerLimits?: Partial<SamplerLimits>;
  /** A clock that never goes back, for rates. */
  nowMs?: () => number;
};

/** The way of a run's traces and logs out of the engine: to whoever watches, and to `trace.db`. */
export interface TracePipeline {
  push(entries: readonly TraceEntry[]): void;
  /** Numbers the lines and keeps them. */
  log(lines: Omit<LogLine, 'seq'>[]): LogLine[];
  stats(): TraceFigures;
  /** How many records were given out since the run began: kept, lost or sampled out. */
  recordsGiven(): number;
  /** Resolves when everything pushed so far can be read. */
  flush(): Promise<void>;
  /** Flushes first. Idempotent. */
  close(): Promise<void>;
}

export async function createTracePipeline(options: TracePipelineOptions): Promise<TracePipeline> {
  const { folder, resumeSeq, onFrame, onTrouble, nowMs = () => performance.now() } = options;
  mkdirSync(folder, { recursive: true });
  const store = await startTraceStore(
    { folder, resumeSeq, limits: { ...TRACE_LIMITS, ...options.limits } },
    onTrouble,
  );
  const sampler = createTraceSampler({
    ratePerSecond: options.traceRatePerSecond,
    slowMs: options.slowTraceMs,
    ...(options.samplerLimits ? { limits: options.samplerLimits } : {}),
  });
  /** What earlier processes of this run sampled, and what of this one's the store has been told. */
  const before = store.counts().sampled;
  let told = noSampledCounts();
  const collector = createTraceCollector({
    nextSeq: store.counts().nextSeq,
    onFrame(firstSeq, count, frame) {
      store.keepFrame(frame, count, firstSeq + count);
      onFrame(firstSeq, count, frame);
    },
    onLost: (records, endSeq) => store.leaveOut(records, endSeq),
    onFlush() {
      const counts = sampler.counts();
      // Before the frames of promoted traces: a crash in between then counts their records as lost, not as kept.
      store.addSampled(sampledSince(told, counts), sampler.takeIncomplete());
      told = counts;
    },
  });
  const log = createLogNumbering(store);

  return {
    push(entries) {
      const kept = sampler.sample(entries, nowMs());
      if (kept.length > 0) collector.push(kept);
      else collector.schedule();
    },
    log,
    stats() {
      const { kept, expired, lost } = store.counts();
      const lastSeq = Math.max(0, collector.nextSeq() - 1);
      const sampled = sampledTogether(before, sampler.counts());
      return { lastSeq, kept, expired, lost, sampling: { share: sampler.share(), ...sampled } };
    },
    recordsGiven: () => collector.nextSeq() + before.recordsOut + sampler.counts().recordsOut,
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
