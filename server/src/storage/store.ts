import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import type { RunNotice, RunSummary } from '@millrace/shared/protocol/entities.ts';
import type { MetricsSnapshot } from '@millrace/shared/trace/metrics.ts';

/** A flow as it is kept: the draft that people edit, and how far it has come. */
export type StoredFlow = {
  document: FlowDocument;
  /** Counts the changes of the draft. */
  revision: number;
  /** The newest published version; 0 before the first. */
  version: number;
  updatedMs: number;
};

/** A run as it is kept: what `run.list` shows, its last numbers, and what was said about it. */
export type StoredRun = {
  summary: RunSummary;
  metrics: MetricsSnapshot | null;
  notices: RunNotice[];
  /**
   * The version this run is changing over to, until it is decided whether it can: written down before anything happens,
   * so that the next server decides when this one does not come to it (RN4).
   */
  nextVersion: number | null;
};

/**
 * Where flows, their versions and the list of runs live.
 *
 * For the implementer: calls are synchronous and durable when they return (they are few, and a page waits for each).
 * A call that throws has changed nothing. Errors are WorkbenchErrors: STORAGE_FULL (retryable), STORAGE_CORRUPT,
 * STORAGE_FAILED, and those named below. What a run writes while it runs (messages, traces) is not kept here but in
 * the folder of that run.
 */
export interface Store {
  listFlows(): StoredFlow[];
  flow(flowId: string): StoredFlow | null;
  /** FLOW_CONFLICT when a flow with this id exists. */
  insertFlow(document: FlowDocument, nowMs: number): StoredFlow;
  /** Replaces the draft and counts its revision up; FLOW_NOT_FOUND. */
  updateFlow(document: FlowDocument, nowMs: number): StoredFlow;
  /** The flow, its versions and its runs. Deleting what is not there is no error. */
  deleteFlow(flowId: string): void;
  /**
   * Freezes the draft as a version and returns its number; the newest version's when the draft equals it.
   * FLOW_NOT_FOUND.
   */
  publish(flowId: string, nowMs: number): number;
  version(flowId: string, version: number): FlowDocument | null;

  insertRun(run: StoredRun): void;
  /** Replaces a run; writes nothing when it was deleted meanwhile. */
  updateRun(run: StoredRun): void;
  run(runId: string): StoredRun | null;
  /** Newest first. */
  listRuns(flowId?: string): StoredRun[];
  deleteRun(runId: string): void;
  /** Idempotent. */
  close(): void;
}
