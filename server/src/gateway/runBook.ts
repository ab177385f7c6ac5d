import { type ErrorData, toWorkbenchError, WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import type { RunNotice, RunSummary } from '@millrace/shared/protocol/entities.ts';
import { isFinalRunStatus, type RunStatus } from '@millrace/shared/trace/metrics.ts';
import type { Store, StoredRun } from '../storage/store.ts';
import { NOTICES_PER_RUN_MAX, RUN_SAVE_INTERVAL_MS, SAVE_RETRY_MS } from './limits.ts';

/** A run that its process may still change, or whose last change is not on disk yet. */
export type LiveRun = {
  stored: StoredRun;
  /** What runs: the version as this run takes it, see `runDocument.ts`. */
  document: FlowDocument;
  /** Deaths counted before the supervisor of this server process knew the run. */
  earlierRestarts: number;
  isUnsaved: boolean;
};

export type RunBookOptions = {
  store: Store;
  nowMs(): number;
  onChanged(run: RunSummary): void;
  onNotice(runId: string, notice: RunNotice): void;
  onListChanged(): void;
  onSaveFailed(runId: string, error: WorkbenchError): void;
};

/** What is known of runs, live and over: changes are saved and told here, and nowhere else. */
export type RunBook = {
  add(run: LiveRun): void;
  live(runId: string): LiveRun | undefined;
  /** RUN_NOT_FOUND. */
  get(runId: string): StoredRun;
  list(flowId?: string): StoredRun[];
  active(): LiveRun[];
  activeOf(flowId: string): LiveRun | undefined;
  change(run: LiveRun, changes: Partial<RunSummary>): void;
  setStatus(run: LiveRun, status: RunStatus, error: ErrorData | null): void;
  addNotice(run: LiveRun, level: RunNotice['level'], message: string): void;
  takeNotice(run: LiveRun, notice: RunNotice): void;
  /** On disk when it returns; throws, and changes nothing, when that cannot be. */
  setNextVersion(run: LiveRun, version: number | null): void;
  forget(runId: string): void;
  /** Saves what is not saved. */
  close(): void;
};

export function createRunBook(options: RunBookOptions): RunBook {
  const { store, nowMs } = options;
  const live = new Map<string, LiveRun>();

  const save = (run: LiveRun): void => {
    const { id } = run.stored.summary;
    try {
      store.updateRun(run.stored);
      run.isUnsaved = false;
      if (isOver(run.stored.summary)) live.delete(id);
    } catch (error) {
      run.isUnsaved = true;
      options.onSaveFailed(id, toWorkbenchError(error, 'STORAGE_FAILED'));
    }
  };
  const saver = setInterval(() => {
    for (const run of live.values()) if (run.isUnsaved && !isOver(run.stored.summary)) save(run);
  }, RUN_SAVE_INTERVAL_MS);
  // A status that could not be written (full disk) must not be lost with the process, so it is tried sooner.
  const retrier = setInterval(() => {
    for (const run of live.values()) if (run.isUnsaved && isOver(run.stored.summary)) save(run);
  }, SAVE_RETRY_MS);
  saver.unref();
  retrier.unref();

  const change = (run: LiveRun, changes: Partial<RunSummary>): void => {
    run.stored = { ...run.stored, summary: { ...run.stored.summary, ...changes } };
    save(run);
    options.onChanged(run.stored.summary);
    options.onListChanged();
  };
  const takeNotice = (run: LiveRun, notice: RunNotice): void => {
    run.stored = { ...run.stored, notices: [...run.stored.notices, notice].slice(-NOTICES_PER_RUN_MAX) };
    run.isUnsaved = true;
    options.onNotice(run.stored.summary.id, notice);
  };
  const active = (): LiveRun[] => [...live.values()].filter(({ stored }) => !isOver(stored.summary));

  return {
    add: (run) => {
      live.set(run.stored.summary.id, run);
    },
    live: (runId) => live.get(runId),
    get: (runId) => {
      const stored = live.get(runId)?.stored ?? store.run(runId);
      if (stored === null)
        throw new WorkbenchError('RUN_NOT_FOUND', 'This run does not exist; it may have been deleted.');
      return stored;
    },
    list: (flowId) => store.listRuns(flowId).map((stored) => live.get(stored.summary.id)?.stored ?? stored),
    active,
    activeOf: (flowId) => active().find(({ stored }) => stored.summary.flowId === flowId),
    change,
    setStatus: (run, status, error) => {
      const { startedMs, endedMs } = run.stored.summary;
      change(run, {
        status,
        error,
        startedMs: startedMs ?? (status === 'created' ? null : nowMs()),
        endedMs: isFinalRunStatus(status) ? (endedMs ?? nowMs()) : null,
      });
    },
    addNotice: (run, level, message) => takeNotice(run, { timeMs: nowMs(), level, message }),
    takeNotice,
    setNextVersion: (run, nextVersion) => {
      const stored = { ...run.stored, nextVersion };
      store.updateRun(stored);
      run.stored = stored;
    },
    forget: (runId) => {
      live.delete(runId);
    },
    close: () => {
      clearInterval(saver);
      clearInterval(retrier);
      for (const run of live.values()) if (run.isUnsaved) save(run);
    },
  };
}

export function isOver(summary: RunSummary): boolean {
  return isFinalRunStatus(summary.status);
}

export function refuseWhenOver(summary: RunSummary): void {
  if (isOver(summary)) {
    throw new WorkbenchError(
      'RUN_NOT_ACTIVE',
      `This run is over (${summary.status}). Start the flow again to go on.`,
    );
  }
}
