import type { LogLine, RunNotice } from '@millrace/shared/protocol/entities.ts';
import type { MetricsSnapshot } from '@millrace/shared/trace/metrics.ts';
import type { TraceReader } from '../trace/traceReader.ts';
import {
  FRAMES_PER_SECOND_MAX,
  LOG_LINES_KEPT,
  LOG_LINES_PER_TICK_MAX,
  RESUME_RECORDS_MAX,
} from './limits.ts';
import type { Client } from './ports.ts';
import { cutFrame } from './traceFrames.ts';
import { TraceWatcher } from './traceWatcher.ts';

export type WatchOptions = { afterSeq: number | null; traces: boolean; logs: boolean };

export type RunStreamsOptions = {
  /** Turns a run's live trace frames on and off. */
  watchTraces(runId: string, watch: boolean): void;
  traces(runId: string): TraceReader;
  onSkipped(records: number): void;
  onLogsDropped(lines: number): void;
};

/** What pages see of runs while they run: metrics, log lines, notices and trace frames, each at a pace the page can take. */
export type RunStreams = {
  watch(client: Client, runId: string, options: WatchOptions): { nextSeq: number; gap: number };
  unwatch(client: Client, runId: string): void;
  disconnected(client: Client): void;
  watchedBy(client: Client): number;

  metrics(runId: string, metrics: MetricsSnapshot): void;
  traceFrame(runId: string, firstSeq: number, count: number, frame: Uint8Array): void;
  logs(runId: string, lines: LogLine[], dropped: number): void;
  notice(runId: string, notice: RunNotice): void;
  /** The newest log lines heard from this run since the server started. */
  recentLogs(runId: string): readonly LogLine[];
  /** Nobody will hear of this run again. */
  forget(runId: string): void;
  close(): void;
};

type Watcher = {
  client: Client;
  traces: TraceWatcher | null;
  logs: boolean;
  sentMetrics: MetricsSnapshot | null;
  /** Log lines left out since the last that were sent. */
  droppedLogs: number;
};

type Stream = {
  watchers: Map<string, Watcher>;
  metrics: MetricsSnapshot | null;
  recentLogs: LogLine[];
  newLogs: LogLine[];
  droppedLogs: number;
};

export function createRunStreams(options: RunStreamsOptions): RunStreams {
  const streams = new Map<string, Stream>();
  const streamOf = (runId: string): Stream => {
    const known = streams.get(runId);
    if (known) return known;
    const stream: Stream = {
      watchers: new Map(),
      metrics: null,
      recentLogs: [],
      newLogs: [],
      droppedLogs: 0,
    };
    streams.set(runId, stream);
    return stream;
  };
  const ticker = setInterval(() => {
    for (const [runId, stream] of streams) sendTick(runId, stream, options.onLogsDropped);
  }, 1000 / FRAMES_PER_SECOND_MAX);
  ticker.unref();

  const updateTraceWatch = (runId: string): void => {
    const watchers = [...(streams.get(runId)?.watchers.values() ?? [])];
    options.watchTraces(
      runId,
      watchers.some((watcher) => watcher.traces !== null),
    );
  };
  const remove = (client: Client, runId: string): void => {
    const stream = streams.get(runId);
    const watcher = stream?.watchers.get(client.id);
    if (!stream || !watcher) return;
    watcher.traces?.close();
    stream.watchers.delete(client.id);
    if (watcher.traces) updateTraceWatch(runId);
  };

  const traceWatcherOf = (client: Client, runId: string, nextSeq: number | null): TraceWatcher =>
    new TraceWatcher(
      {
        send: (skipped, frame, acknowledge) => client.sendFrame(runId, skipped, frame, acknowledge),
        readTail: (afterSeq, recordsMax) => options.traces(runId).tail(afterSeq, recordsMax).frames,
        cutBefore: cutFrame,
        onSkipped: options.onSkipped,
      },
      nextSeq,
    );

  return {
    watch: (client, runId, { afterSeq, traces, logs }) => {
      remove(client, runId);
      const stream = streamOf(runId);
      const place =
        traces || afterSeq !== null ? resumePoint(options.traces(runId), afterSeq) : { nextSeq: 0, gap: 0 };
      const traceWatcher = traces
        ? traceWatcherOf(client, runId, afterSeq === null ? null : place.nextSeq)
        : null;
      stream.watchers.set(client.id, {
        client,
        traces: traceWatcher,
        logs,
        sentMetrics: stream.metrics,
        droppedLogs: 0,
      });
      if (traceWatcher) {
        updateTraceWatch(runId);
        // After the reply, which tells the page where the stream begins.
        setImmediate(() => traceWatcher.start());
      }
      return place;
    },
    unwatch: remove,
    disconnected: (client) => {
      for (const runId of streams.keys()) remove(client, runId);
    },
    watchedBy: (client) => [...streams.values()].filter((stream) => stream.watchers.has(client.id)).length,

    metrics: (runId, metrics) => {
      streamOf(runId).metrics = metrics;
    },
    traceFrame: (runId, firstSeq, count, frame) => {
      for (const watcher of streams.get(runId)?.watchers.values() ?? [])
        watcher.traces?.offer({ firstSeq, count, frame });
    },
    logs: (runId, lines, dropped) => {
      const stream = streamOf(runId);
      stream.recentLogs.push(...lines);
      stream.recentLogs = stream.recentLogs.slice(-LOG_LINES_KEPT);
      stream.newLogs.push(...lines);
      const excess = Math.max(0, stream.newLogs.length - LOG_LINES_PER_TICK_MAX);
      stream.newLogs.splice(0, excess);
      stream.droppedLogs += excess + dropped;
    },
    notice: (runId, notice) => {
      for (const watcher of streams.get(runId)?.watchers.values() ?? [])
        watcher.client.emit('run.notice', { runId, notice });
    },
    recentLogs: (runId) => streams.get(runId)?.recentLogs ?? [],
    forget: (runId) => {
      for (const watcher of streams.get(runId)?.watchers.values() ?? []) watcher.traces?.close();
      streams.delete(runId);
    },
    close: () => clearInterval(ticker),
  };
}

/** Where the tail of a page begins, and how much of what it asked for is gone or too much to send. Rule TR5. */
function resumePoint(reader: TraceReader, afterSeq: number | null): { nextSeq: number; gap: number } {
  const end = reader.tail(Number.MAX_SAFE_INTEGER, 1).nextSeq;
  if (afterSeq === null) return { nextSeq: end, gap: 0 };
  const tooMuch = Math.max(0, end - 1 - afterSeq - RESUME_RECORDS_MAX);
  const gone = reader.tail(afterSeq + tooMuch, 1).gap;
  return { nextSeq: afterSeq + 1 + tooMuch + gone, gap: tooMuch + gone };
}

/** A snapshot replaces the one before, so a slow page simply gets the newest later; log lines left out are counted. */
function sendTick(runId: string, stream: Stream, onLogsDropped: (lines: number) => void): void {
  const { newLogs, droppedLogs } = stream;
  stream.newLogs = [];
  stream.droppedLogs = 0;
  onLogsDropped(droppedLogs);
  for (const watcher of stream.watchers.values()) {
    const { client } = watcher;
    const isBusy = client.isBusy();
    if (stream.metrics && watcher.sentMetrics !== stream.metrics && !isBusy) {
      watcher.sentMetrics = stream.metrics;
      client.emit('run.metrics', stream.metrics);
    }
    if (!watcher.logs || newLogs.length + droppedLogs === 0) continue;
    watcher.droppedLogs += droppedLogs;
    if (isBusy) {
      watcher.droppedLogs += newLogs.length;
      onLogsDropped(newLogs.length);
      continue;
    }
    client.emit('run.logs', { runId, lines: newLogs, dropped: watcher.droppedLogs });
    watcher.droppedLogs = 0;
  }
}
