import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { type ErrorData, toWorkbenchError, WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import { newId } from '@millrace/shared/flow/ids.ts';
import type { ResponseOf } from '@millrace/shared/protocol/catalog.ts';
import type { RunNotice, RunSummary } from '@millrace/shared/protocol/entities.ts';
import { isFinalRunStatus, type MetricsSnapshot, type RunStatus } from '@millrace/shared/trace/metrics.ts';
import { createRandom } from '@millrace/shared/util/random.ts';
import type { EngineAnswers, EngineCommand } from '../engine/io.ts';
import type { SeekRequest } from '../live/seek.ts';
import type { Supervisor, SupervisorEvents } from '../live/supervision.ts';
import type { Store, StoredRun } from '../storage/store.ts';
import { refuseUnrunnable } from './flowInput.ts';
import { flowNotFound } from './flows.ts';
import {
  ACTIVE_RUNS_MAX,
  NOTICES_PER_RUN_MAX,
  RUN_SAVE_INTERVAL_MS,
  RUNS_KEPT_PER_FLOW_MAX,
  SAVE_RETRY_MS,
} from './limits.ts';

export type RunsOptions = {
  store: Store;
  supervisor: Supervisor;
  nowMs(): number;
  onChanged(run: RunSummary): void;
  onNotice(runId: string, notice: RunNotice): void;
  /** Which runs exist, or which one a flow has, is not what it was. */
  onListChanged(): void;
  /** The folder of this run is about to be removed. */
  onDiscard(runId: string): void;
  /** A run could not be saved, or old ones not removed; it is tried again later. */
  onSaveFailed(runId: string, error: WorkbenchError): void;
};

/** A run that its process may still change, or whose last change is not on disk yet. */
type LiveRun = {
  stored: StoredRun;
  document: FlowDocument;
  /** Deaths counted before the supervisor of this server process knew the run. */
  earlierRestarts: number;
  isUnsaved: boolean;
};

export type ActiveRun = { summary: RunSummary; document: FlowDocument };

/** The list of runs and what may be done to them (rule RN2). The work itself is done by the supervisor's processes. */
export type Runs = {
  /** Starts the runs again that were active when the last server ended (RN3). */
  resumeAll(): Promise<void>;
  start(flowId: string, paused: boolean): Promise<RunSummary>;
  pause(runId: string): Promise<RunSummary>;
  resume(runId: string): Promise<RunSummary>;
  step(runId: string): Promise<ResponseOf<'run.step'>>;
  stop(runId: string): Promise<RunSummary>;
  /** What a person asks of a run while it goes on; answered by its engine. */
  command<Type extends EngineCommand['type']>(
    runId: string,
    command: Extract<EngineCommand, { type: Type }>,
  ): Promise<EngineAnswers[Type]>;
  seek(runId: string, request: SeekRequest): Promise<EngineAnswers['seek']>;
  delete(runId: string): Promise<void>;
  list(flowId?: string): RunSummary[];
  /** RUN_NOT_FOUND. */
  get(runId: string): StoredRun;
  activeRunOf(flowId: string): ActiveRun | null;
  active(): ActiveRun[];
  discardRunsOf(flowId: string): Promise<void>;
  /** What the supervisor says goes in here. */
  heard: Pick<SupervisorEvents, 'status' | 'metrics' | 'notice' | 'restarted'>;
  /** Saves what is not saved. The runs keep their status. */
  close(): void;
};

export function createRuns(options: RunsOptions): Runs {
  const { store, supervisor, nowMs } = options;
  const random = createRandom(randomUUID());
  const live = new Map<string, LiveRun>();

  const save = (run: LiveRun): void => {
    const { id } = run.stored.summary;
    try {
      store.updateRun(run.stored);
      run.isUnsaved = false;
      if (isFinal(run.stored.summary)) live.delete(id);
    } catch (error) {
      run.isUnsaved = true;
      options.onSaveFailed(id, toWorkbenchError(error, 'STORAGE_FAILED'));
    }
  };
  const saver = setInterval(() => {
    for (const run of live.values()) if (run.isUnsaved && !isFinal(run.stored.summary)) save(run);
  }, RUN_SAVE_INTERVAL_MS);
  // A status that could not be written (full disk) must not be lost with the process, so it is tried sooner.
  const retrier = setInterval(() => {
    for (const run of live.values()) if (run.isUnsaved && isFinal(run.stored.summary)) save(run);
  }, SAVE_RETRY_MS);
  saver.unref();
  retrier.unref();

  const change = (run: LiveRun, changes: Partial<RunSummary>): void => {
    run.stored = { ...run.stored, summary: { ...run.stored.summary, ...changes } };
    save(run);
    options.onChanged(run.stored.summary);
    options.onListChanged();
  };
  const setStatus = (run: LiveRun, status: RunStatus, error: ErrorData | null): void => {
    const { startedMs, endedMs } = run.stored.summary;
    change(run, {
      status,
      error,
      startedMs: startedMs ?? (status === 'created' ? null : nowMs()),
      endedMs: isFinalRunStatus(status) ? (endedMs ?? nowMs()) : null,
    });
  };
  const addNotice = (run: LiveRun, notice: RunNotice): void => {
    run.stored = { ...run.stored, notices: [...run.stored.notices, notice].slice(-NOTICES_PER_RUN_MAX) };
    run.isUnsaved = true;
    options.onNotice(run.stored.summary.id, notice);
  };
  const isFinalNow = (run: LiveRun): boolean => isFinal(run.stored.summary);

  const activeRuns = (): LiveRun[] => [...live.values()].filter((run) => !isFinalNow(run));
  const activeRunOf = (flowId: string): LiveRun | undefined =>
    activeRuns().find((run) => run.stored.summary.flowId === flowId);

  const get = (runId: string): StoredRun => {
    const stored = live.get(runId)?.stored ?? store.run(runId);
    if (stored === null)
      throw new WorkbenchError('RUN_NOT_FOUND', 'This run does not exist; it may have been deleted.');
    return stored;
  };
  const begin = async (run: LiveRun, paused: boolean, afterCrash: boolean): Promise<void> => {
    const runId = run.stored.summary.id;
    try {
      await supervisor.start({ runId, document: run.document, paused, afterCrash });
    } catch (thrown) {
      const error = toWorkbenchError(thrown);
      if (!isFinalNow(run)) setStatus(run, 'failed', error.toData());
      throw error;
    }
  };
  const command = async (runId: string, type: 'pause' | 'resume' | 'stop'): Promise<RunSummary> => {
    refuseWhenOver(get(runId).summary);
    await supervisor.request(runId, { type });
    return get(runId).summary;
  };
  const discard = async (runId: string): Promise<void> => {
    options.onDiscard(runId);
    live.delete(runId);
    await rm(supervisor.folderOf(runId), { recursive: true, force: true });
    store.deleteRun(runId);
  };
  const discardOldest = async (flowId: string): Promise<void> => {
    const over = store.listRuns(flowId).filter(({ summary }) => isFinal(summary) && !live.has(summary.id));
    for (const { summary } of over.slice(RUNS_KEPT_PER_FLOW_MAX)) await discard(summary.id);
  };

  const resumeOne = async (stored: StoredRun): Promise<void> => {
    const { summary } = stored;
    const document = store.version(summary.flowId, summary.version);
    if (document === null) {
      const error = flowNotFound().toData();
      store.updateRun({ ...stored, summary: { ...summary, status: 'failed', error, endedMs: nowMs() } });
      return;
    }
    const run: LiveRun = { stored, document, earlierRestarts: summary.restarts + 1, isUnsaved: false };
    live.set(summary.id, run);
    change(run, { restarts: run.earlierRestarts });
    addNotice(run, {
      timeMs: nowMs(),
      level: 'info',
      message:
        'Millrace was started again; this run goes on from what is committed, and what was in flight is delivered again.',
    });
    await begin(run, summary.status === 'paused', true);
    if (summary.status === 'stopping') await supervisor.request(summary.id, { type: 'stop' });
  };

  return {
    resumeAll: async () => {
      const interrupted = store.listRuns().filter(({ summary }) => !isFinal(summary));
      // A run that cannot go on has said why in its status; the others must not wait for it.
      await Promise.allSettled(interrupted.map(resumeOne));
    },
    start: async (flowId, paused) => {
      const flow = store.flow(flowId);
      if (flow === null) throw flowNotFound();
      const other = activeRunOf(flowId);
      if (other) {
        throw new WorkbenchError(
          'RUN_TRANSITION_REFUSED',
          'This flow has an active run. Stop it before starting another.',
          {
            details: { runId: other.stored.summary.id },
          },
        );
      }
      if (activeRuns().length >= ACTIVE_RUNS_MAX) {
        throw new WorkbenchError(
          'RUN_LIMIT_REACHED',
          `${ACTIVE_RUNS_MAX} runs are active, which is the most at a time. Stop one of them first.`,
          {
            details: { limit: ACTIVE_RUNS_MAX },
          },
        );
      }
      refuseUnrunnable(flow.document);
      const version = store.publish(flowId, nowMs());
      const stored = newRun(newId('run', random), flow.document, version, nowMs());
      store.insertRun(stored);
      const run: LiveRun = { stored, document: flow.document, earlierRestarts: 0, isUnsaved: false };
      live.set(stored.summary.id, run);
      options.onListChanged();
      // Old runs that cannot be removed (a file held open) must not keep a new one from starting.
      await discardOldest(flowId).catch((thrown: unknown) =>
        options.onSaveFailed(stored.summary.id, toWorkbenchError(thrown, 'STORAGE_FAILED')),
      );
      await begin(run, paused, false);
      return run.stored.summary;
    },
    pause: (runId) => command(runId, 'pause'),
    resume: (runId) => command(runId, 'resume'),
    stop: (runId) => command(runId, 'stop'),
    command: async (runId, asked) => {
      refuseWhenOver(get(runId).summary);
      const answer = await supervisor.request(runId, { type: 'command', command: asked });
      // The engine answers each command with the type that `EngineAnswers` gives for it.
      return answer as EngineAnswers[(typeof asked)['type']];
    },
    seek: async (runId, request) => {
      refuseWhenOver(get(runId).summary);
      return supervisor.request(runId, { type: 'seek', ...request });
    },
    step: async (runId) => {
      const { summary } = get(runId);
      refuseWhenOver(summary);
      if (summary.status !== 'paused') {
        throw new WorkbenchError(
          'RUN_TRANSITION_REFUSED',
          'Only a paused run can be stepped. Pause it first.',
        );
      }
      return supervisor.request(runId, { type: 'step' });
    },
    delete: async (runId) => {
      const { summary } = get(runId);
      if (!isFinal(summary)) {
        throw new WorkbenchError('RUN_TRANSITION_REFUSED', 'This run is active. Stop it before deleting it.');
      }
      await discard(runId);
      options.onListChanged();
    },
    list: (flowId) =>
      store.listRuns(flowId).map(({ summary }) => live.get(summary.id)?.stored.summary ?? summary),
    get,
    activeRunOf: (flowId) => {
      const run = activeRunOf(flowId);
      return run ? { summary: run.stored.summary, document: run.document } : null;
    },
    active: () => activeRuns().map((run) => ({ summary: run.stored.summary, document: run.document })),
    discardRunsOf: async (flowId) => {
      for (const { summary } of store.listRuns(flowId)) await discard(summary.id);
    },
    heard: {
      status: (runId, status, error) => {
        const run = live.get(runId);
        if (run) setStatus(run, status, error);
      },
      metrics: (runId, metrics: MetricsSnapshot) => {
        const run = live.get(runId);
        if (!run) return;
        run.stored = { ...run.stored, metrics, summary: { ...run.stored.summary, counters: metrics.nodes } };
        run.isUnsaved = true;
      },
      notice: (runId, notice) => {
        const run = live.get(runId);
        if (run) addNotice(run, notice);
      },
      restarted: (runId, restarts) => {
        const run = live.get(runId);
        if (run) change(run, { restarts: run.earlierRestarts + restarts });
      },
    },
    close: () => {
      clearInterval(saver);
      clearInterval(retrier);
      for (const run of live.values()) if (run.isUnsaved) save(run);
    },
  };
}

function isFinal(summary: RunSummary): boolean {
  return isFinalRunStatus(summary.status);
}

function refuseWhenOver(summary: RunSummary): void {
  if (isFinal(summary)) {
    throw new WorkbenchError(
      'RUN_NOT_ACTIVE',
      `This run is over (${summary.status}). Start the flow again to go on.`,
    );
  }
}

function newRun(id: string, document: FlowDocument, version: number, createdMs: number): StoredRun {
  const { settings } = document;
  return {
    summary: {
      id,
      flowId: document.id,
      flowName: document.name,
      version,
      engine: 'embedded',
      durability: settings.durability,
      seed: settings.seed,
      status: 'created',
      createdMs,
      startedMs: null,
      endedMs: null,
      restarts: 0,
      forkedFrom: null,
      error: null,
      counters: {},
    },
    metrics: null,
    notices: [],
  };
}
