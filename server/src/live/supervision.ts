import type { ErrorData, WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import type { LogLine, RunNotice } from '@millrace/shared/protocol/entities.ts';
import type { MetricsSnapshot, RunStatus } from '@millrace/shared/trace/metrics.ts';
import type { ForkOrigin } from './fork.ts';
import type { Replaces } from './replacement.ts';
import type { RunAnswers, RunRequest } from './runLink.ts';

export type SupervisedRun = {
  runId: string;
  document: FlowDocument;
  paused: boolean;
  afterCrash: boolean;
  /** The last server ended while the run changed over to `document`. */
  replaces?: Replaces;
  fork?: ForkOrigin;
};

/** Which version the run is on: `refused` says why it stayed on the one before, null when it is on the new one. */
export type Replacement = { refused: WorkbenchError | null };

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
  start(run: SupervisedRun): Promise<Replacement>;
  /**
   * Rule RN4: ends the run's process in good order and starts one with another document on the same folder. What is asked
   * of the run meanwhile waits. Rejects when the run ended, or the server closed, before it was decided.
   */
  replace(runId: string, document: FlowDocument, version: number): Promise<Replacement>;
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
