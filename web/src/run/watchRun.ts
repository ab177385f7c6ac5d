import { toWorkbenchError, type WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { RunNotice, RunSummary } from '@millrace/shared/protocol/entities.ts';
import type { Connection } from '../connection/connection.ts';
import { LiveRun } from '../live/liveRun.ts';
import type { RunReader } from '../live/watch.tsx';

export type RunWatchEvents = {
  /** A notice that came while watching, not one of those the run already had. */
  onNotice(notice: RunNotice): void;
  onProblem(problem: WorkbenchError | null): void;
};

export type WatchedRun = { live: LiveRun; close(): void };

/**
 * Fills a `LiveRun` from the run's stream until closed. After a lost connection it resumes behind the last trace record
 * it has (TR5); what the server can no longer give is added to the tail's gap.
 */
export function watchRun(connection: Connection, runId: string, events: RunWatchEvents): WatchedRun {
  const live = new LiveRun(runId);
  let closed = false;
  let joined = false;
  let loadedVersion: number | null = null;

  const join = async (): Promise<void> => {
    try {
      const afterSeq = joined ? live.tail.lastSeq : null;
      const answer = await connection.request('run.watch', { runId, afterSeq, traces: true, logs: true });
      if (closed) return;
      live.setSummary(answer.run);
      if (answer.metrics) live.metrics.add(answer.metrics);
      live.tail.addGap(answer.gap);
      if (!joined) live.tail.startAt(answer.nextSeq);
      live.logs.add(answer.logs, 0);
      // The answer carries all notices each time; those after the newest known are new.
      const newest = live.notices.at(live.notices.next - 1)?.timeMs ?? Number.NEGATIVE_INFINITY;
      for (const notice of answer.notices) if (notice.timeMs > newest) live.addNotice(notice);
      joined = true;
      events.onProblem(null);
      await loadDocument(answer.run);
    } catch (thrown) {
      if (!closed) events.onProblem(toWorkbenchError(thrown));
    }
  };

  /** Once, and again when the run has been given another version (RN4). */
  const loadDocument = async ({ flowId, version }: RunSummary): Promise<void> => {
    if (version === loadedVersion) return;
    loadedVersion = version;
    try {
      const { document } = await connection.request('flow.version', { flowId, version });
      if (!closed && version === loadedVersion) live.setDocument(document);
    } catch (thrown) {
      loadedVersion = null;
      throw thrown;
    }
  };

  const leave = [
    connection.on('run.changed', (run) => {
      if (run.id !== runId) return;
      live.setSummary(run);
      // Before the first answer there is nothing to renew.
      if (joined) loadDocument(run).catch((thrown: unknown) => events.onProblem(toWorkbenchError(thrown)));
    }),
    connection.on('run.metrics', (metrics) => {
      if (metrics.runId === runId) live.metrics.add(metrics);
    }),
    connection.on('run.logs', (logs) => {
      if (logs.runId === runId) live.logs.add(logs.lines, logs.dropped);
    }),
    connection.on('run.notice', ({ runId: of, notice }) => {
      if (of !== runId) return;
      live.addNotice(notice);
      events.onNotice(notice);
    }),
    connection.onTraceFrame((of, skipped, frame) => {
      return of === runId ? live.tail.take(frame, skipped) : undefined;
    }),
    connection.onReconnect(() => void join()),
  ];
  void join();

  return {
    live,
    close: () => {
      closed = true;
      for (const off of leave) off();
      live.tail.close();
      // The server also forgets a watcher whose connection is gone, so a failure here leaves nothing behind.
      connection.request('run.unwatch', { runId }).catch(() => {});
    },
  };
}

export function runReader(connection: Connection, runId: string): RunReader {
  return {
    listTraces: (query) => connection.request('trace.list', { runId, ...query }),
    getTrace: (correlationId) => connection.request('trace.get', { runId, correlationId }),
    readTopic: (query) => connection.request('topic.read', { runId, ...query }),
    getMessage: (position) => connection.request('message.get', { runId, ...position }),
  };
}
