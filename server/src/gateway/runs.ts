import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { toWorkbenchError, WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import { newId } from '@millrace/shared/flow/ids.ts';
import type { ResponseOf } from '@millrace/shared/protocol/catalog.ts';
import type { RunNotice, RunSummary } from '@millrace/shared/protocol/entities.ts';
import type { MetricsSnapshot } from '@millrace/shared/trace/metrics.ts';
import { createRandom } from '@millrace/shared/util/random.ts';
import type { EngineAnswers, EngineCommand } from '../engine/io.ts';
import type { SeekRequest } from '../live/seek.ts';
import type { SupervisedRun, Supervisor, SupervisorEvents } from '../live/supervision.ts';
import type { Store, StoredFlow, StoredRun } from '../storage/store.ts';
import { refuseUnrunnable } from './flowInput.ts';
import { flowNotFound } from './flows.ts';
import { ACTIVE_RUNS_MAX } from './limits.ts';
import type { ReaderCache } from './readers.ts';
import { createRunBook, isOver, type LiveRun, refuseWhenOver } from './runBook.ts';
import { documentOfRun } from './runDocument.ts';
import { type ForkPoint, refuseUnforkable } from './runFork.ts';
import { createReplacing } from './runReplacement.ts';

export type RunsOptions = {
  store: Store;
  supervisor: Supervisor;
  readers: Pick<ReaderCache, 'messages'>;
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
  /** Rule RN4. */
  previewReplacement(runId: string): ResponseOf<'run.previewReplacement'>;
  replace(runId: string, expected: { version: number; revision: number }): Promise<RunSummary>;
  /** Rule RN5: answered when the run is made; it copies what it begins with, then goes. */
  fork(point: ForkPoint): Promise<RunSummary>;
  /** `text`: part of the flow's name, the run's id, its status or its error. */
  list(flowId?: string, text?: string): RunSummary[];
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
  const { store, supervisor, readers, nowMs } = options;
  const random = createRandom(randomUUID());
  const book = createRunBook(options);
  const replacing = createReplacing({ store, supervisor, book, readers, nowMs });
  const { get } = book;

  const begin = async (run: LiveRun, how: Omit<SupervisedRun, 'runId' | 'document'>): Promise<void> => {
    const runId = run.stored.summary.id;
    try {
      const { refused } = await supervisor.start({ runId, document: run.document, ...how });
      replacing.resumed(run, refused);
    } catch (thrown) {
      const error = toWorkbenchError(thrown);
      if (!isOver(run.stored.summary)) book.setStatus(run, 'failed', error.toData());
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
    book.forget(runId);
    await rm(supervisor.folderOf(runId), { recursive: true, force: true });
    store.deleteRun(runId);
  };
  /** A fork has not copied all of it yet. */
  const isBeingCopied = (runId: string): boolean =>
    book.active().some(({ stored }) => {
      const { forkedFrom, status } = stored.summary;
      return status === 'created' && forkedFrom?.runId === runId;
    });
  const discardOldest = async (flowId: string, kept: number): Promise<void> => {
    const over = store.listRuns(flowId).filter(({ summary }) => isOver(summary) && !book.live(summary.id));
    for (const { summary } of over.slice(kept)) if (!isBeingCopied(summary.id)) await discard(summary.id);
  };

  /** The flow whose draft is to run, when nothing stands in the way of a run. */
  const runnableFlow = (flowId: string): StoredFlow => {
    const flow = store.flow(flowId);
    if (flow === null) throw flowNotFound();
    const other = book.activeOf(flowId);
    if (other) {
      throw new WorkbenchError(
        'RUN_TRANSITION_REFUSED',
        'This flow has an active run. Stop it before starting another.',
        { details: { runId: other.stored.summary.id } },
      );
    }
    if (book.active().length >= ACTIVE_RUNS_MAX) {
      throw new WorkbenchError(
        'RUN_LIMIT_REACHED',
        `${ACTIVE_RUNS_MAX} runs are active, which is the most at a time. Stop one of them first.`,
        { details: { limit: ACTIVE_RUNS_MAX } },
      );
    }
    refuseUnrunnable(flow.document);
    return flow;
  };
  /** Publishes the draft and makes a run of it, which is not started yet. */
  const addRun = async ({ document }: StoredFlow, forkedFrom: RunSummary['forkedFrom']): Promise<LiveRun> => {
    const version = store.publish(document.id, nowMs());
    const stored = newRun({ id: newId('run', random), document, version, createdMs: nowMs(), forkedFrom });
    store.insertRun(stored);
    const run: LiveRun = {
      stored,
      document: documentOfRun(stored.summary, document),
      earlierRestarts: 0,
      isUnsaved: false,
    };
    book.add(run);
    options.onListChanged();
    // Old runs that cannot be removed (a file held open) must not keep a new one from starting.
    await discardOldest(document.id, document.settings.runsKept).catch((thrown: unknown) =>
      options.onSaveFailed(stored.summary.id, toWorkbenchError(thrown, 'STORAGE_FAILED')),
    );
    return run;
  };
  const forkOf = ({ forkedFrom }: RunSummary): Pick<SupervisedRun, 'fork'> => {
    if (forkedFrom === null) return {};
    const { runId, topicId: topic, partition, offset } = forkedFrom;
    return { fork: { folder: supervisor.folderOf(runId), topic, partition, offset } };
  };

  const resumeOne = async (stored: StoredRun): Promise<void> => {
    const { summary, nextVersion } = stored;
    const current = store.version(summary.flowId, summary.version);
    const next = nextVersion === null ? null : store.version(summary.flowId, nextVersion);
    if (current === null) {
      const error = flowNotFound().toData();
      store.updateRun({ ...stored, summary: { ...summary, status: 'failed', error, endedMs: nowMs() } });
      return;
    }
    const document = documentOfRun(summary, current);
    const run: LiveRun = { stored, document, earlierRestarts: summary.restarts + 1, isUnsaved: false };
    book.add(run);
    book.change(run, { restarts: run.earlierRestarts });
    book.addNotice(
      run,
      'info',
      'Millrace was started again; this run goes on from what is committed, and what was in flight is delivered again.',
    );
    const how = { paused: summary.status === 'paused', afterCrash: true, ...forkOf(summary) };
    if (next === null || nextVersion === null) await begin(run, how);
    else {
      run.document = documentOfRun(summary, next);
      await begin(run, { ...how, replaces: { version: nextVersion, previous: document } });
      if (run.stored.summary.version !== nextVersion) run.document = document;
    }
    if (summary.status === 'stopping') await supervisor.request(summary.id, { type: 'stop' });
  };

  return {
    resumeAll: async () => {
      const interrupted = store.listRuns().filter(({ summary }) => !isOver(summary));
      // A run that cannot go on has said why in its status; the others must not wait for it.
      await Promise.allSettled(interrupted.map(resumeOne));
    },
    start: async (flowId, paused) => {
      const run = await addRun(runnableFlow(flowId), null);
      await begin(run, { paused, afterCrash: false });
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
      if (!isOver(summary)) {
        throw new WorkbenchError('RUN_TRANSITION_REFUSED', 'This run is active. Stop it before deleting it.');
      }
      if (isBeingCopied(runId)) {
        throw new WorkbenchError(
          'RUN_TRANSITION_REFUSED',
          'A run that handles its messages again is copying them. Wait until it has, or stop it.',
        );
      }
      await discard(runId);
      options.onListChanged();
    },
    previewReplacement: replacing.preview,
    replace: replacing.replace,
    fork: async (point) => {
      const { summary } = get(point.runId);
      const flow = runnableFlow(summary.flowId);
      refuseUnforkable(flow.document, readers.messages(point.runId), point);
      const run = await addRun(flow, point);
      book.addNotice(run, 'info', 'The messages to be handled again are copied into this run first.');
      // In the background: there may be many. What goes wrong is in the status of the run.
      begin(run, { paused: false, afterCrash: false, ...forkOf(run.stored.summary) }).catch(() => {});
      return run.stored.summary;
    },
    list: (flowId, text) =>
      book
        .list(flowId)
        .map(({ summary }) => summary)
        .filter((summary) => text === undefined || isFound(summary, text)),
    get,
    activeRunOf: (flowId) => {
      const run = book.activeOf(flowId);
      return run ? { summary: run.stored.summary, document: run.document } : null;
    },
    active: () => book.active().map((run) => ({ summary: run.stored.summary, document: run.document })),
    discardRunsOf: async (flowId) => {
      for (const { summary } of store.listRuns(flowId)) await discard(summary.id);
    },
    heard: {
      status: (runId, status, error) => {
        const run = book.live(runId);
        if (run) book.setStatus(run, status, error);
      },
      metrics: (runId, metrics: MetricsSnapshot) => {
        const run = book.live(runId);
        if (!run) return;
        run.stored = { ...run.stored, metrics, summary: { ...run.stored.summary, counters: metrics.nodes } };
        run.isUnsaved = true;
      },
      notice: (runId, notice) => {
        const run = book.live(runId);
        if (run) book.takeNotice(run, notice);
      },
      restarted: (runId, restarts) => {
        const run = book.live(runId);
        if (run) book.change(run, { restarts: run.earlierRestarts + restarts });
      },
    },
    close: () => book.close(),
  };
}

/** What a person remembers of a run: its flow, its id, how it ended. */
function isFound({ flowName, id, status, error }: RunSummary, text: string): boolean {
  const wanted = text.trim().toLowerCase();
  const facts = [flowName, id, status, error?.code ?? '', error?.message ?? ''];
  return facts.some((fact) => fact.toLowerCase().includes(wanted));
}

type NewRun = {
  id: string;
  document: FlowDocument;
  version: number;
  createdMs: number;
  forkedFrom: RunSummary['forkedFrom'];
};

function newRun({ id, document, version, createdMs, forkedFrom }: NewRun): StoredRun {
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
      forkedFrom,
      error: null,
      counters: {},
    },
    metrics: null,
    notices: [],
    nextVersion: null,
  };
}
