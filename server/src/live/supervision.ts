import type { ErrorData } from '@millrace/shared/errors/workbenchError.ts';
import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import type { LogLine, RunNotice } from '@millrace/shared/protocol/entities.ts';
import type { MetricsSnapshot, RunStatus } from '@millrace/shared/trace/metrics.ts';
import type { RunAnswers, RunRequest } from './runLink.ts';

export type SupervisedRun = { runId: string; document: FlowDocument; paused: boolean; afterCrash: boolean };

export type SupervisorEvents = {
  status(runId: string, status: RunStatus, error: ErrorData | null): void;
  metrics(runId: string, metrics: MetricsSnapshot): void;
  traceFrame(runId: string, firstSeq: number, count: number, frame: Uint8Array): void;
  /** `dropped` counts lines left out before these because there were too many at once. */
  logs(runId: string, lines: LogLine[], dropped: number): void;
  notice(runId: string, notice: RunNotice): void;
  /** The process died and a new one was started; `restarts` counts this run's. */
  restarted(runId: string, restarts: number): void;
};

/** Starts one process per run, starts it again when it dies, and passes on what it says. */
export interface Supervisor {
  /** Resolves when the process is ready; rejects with what kept it from starting. */
  start(run: SupervisedRun): Promise<void>;
  request<Type extends RunRequest['type']>(
    runId: string,
    request: Extract<RunRequest, { type: Type }>,
  ): Promise<RunAnswers[Type]>;
  /** Trace frames are sent only while somebody watches. */
  watchTraces(runId: string, watch: boolean): void;
  active(): string[];
  folderOf(runId: string): string;
  /** The process of an active run, for tests that kill it; null otherwise. */
  pidOf(runId: string): number | null;
  /** Ends all processes in good order. Their runs keep their status and resume when they are started again. */
  close(): Promise<void>;
}
