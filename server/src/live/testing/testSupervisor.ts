import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ErrorData } from '@millrace/shared/errors/workbenchError.ts';
import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import type { LogLine, RunNotice } from '@millrace/shared/protocol/entities.ts';
import { isFinalRunStatus, type MetricsSnapshot, type RunStatus } from '@millrace/shared/trace/metrics.ts';
import { until } from '../../testing/until.ts';
import type { Replacement, SupervisedRun } from '../supervision.ts';
import { createSupervisor, type Supervisor } from '../supervisor.ts';

const RUN_ID = 'run:test';

/** A supervisor with one run, in a folder of its own, and all that was heard of it; for tests. */
export type TestSupervisor = {
  supervisor: Supervisor;
  statuses: { status: RunStatus; error: ErrorData | null }[];
  notices: RunNotice[];
  logs: LogLine[];
  /** How often the process was started again. */
  restarts(): number;
  metrics(): MetricsSnapshot | null;
  start(document: FlowDocument, options?: Partial<SupervisedRun>): Promise<Replacement>;
  request: <Type extends 'pause' | 'resume' | 'step' | 'stop' | 'metrics'>(
    type: Type,
  ) => ReturnType<typeof requestOf<Type>>;
  /** Resolves when the metrics fit. */
  whenMetrics(what: string, fits: (metrics: MetricsSnapshot) => boolean): Promise<MetricsSnapshot>;
  whenOver(): Promise<{ status: RunStatus; error: ErrorData | null }>;
  /** Ends the process as the kernel would, and resolves when that was noticed. */
  kill(): Promise<void>;
  /** The lines of a file sink, parsed. */
  lines(file: string): Promise<{ id: string; data: unknown }[]>;
  /** Another supervisor on the same folders, as after a restart of the server. */
  another(): TestSupervisor;
  close(): Promise<void>;
};

const requestOf = <Type extends 'pause' | 'resume' | 'step' | 'stop' | 'metrics'>(
  supervisor: Supervisor,
  type: Type,
) => supervisor.request<Type>(RUN_ID, { type } as Parameters<typeof supervisor.request<Type>>[1]);

export async function createTestSupervisor(): Promise<TestSupervisor & { remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-supervisor-'));
  const opened: Supervisor[] = [];
  const closeAll = async () => {
    await Promise.all(opened.map((supervisor) => supervisor.close()));
  };
  return Object.assign(superviseIn(folder, opened), {
    remove: async () => {
      await closeAll();
      await rm(folder, { recursive: true, force: true });
    },
  });
}

function superviseIn(folder: string, opened: Supervisor[]): TestSupervisor {
  const statuses: TestSupervisor['statuses'] = [];
  const notices: RunNotice[] = [];
  const logs: LogLine[] = [];
  let restarts = 0;
  let newest: MetricsSnapshot | null = null;
  const supervisor = createSupervisor({
    runsFolder: folder,
    fileFolders: [folder],
    events: {
      status: (_runId, status, error) => statuses.push({ status, error }),
      metrics: (_runId, metrics) => {
        newest = metrics;
      },
      traceFrame: () => {},
      logs: (_runId, lines) => logs.push(...lines),
      notice: (_runId, notice) => notices.push(notice),
      restarted: (_runId, count) => {
        restarts = count;
      },
    },
  });
  opened.push(supervisor);
  return {
    supervisor,
    statuses,
    notices,
    logs,
    restarts: () => restarts,
    metrics: () => newest,
    start: (document, options = {}) =>
      supervisor.start({ runId: RUN_ID, document, paused: false, afterCrash: false, ...options }),
    request: (type) => requestOf(supervisor, type),
    whenMetrics: (what, fits) => until(what, () => (newest !== null && fits(newest) ? newest : undefined)),
    whenOver: () =>
      until('the end of the run', () => statuses.find(({ status }) => isFinalRunStatus(status))),
    async kill() {
      const pid = supervisor.pidOf(RUN_ID);
      if (pid === null) throw new Error('The run has no process.');
      const before = restarts;
      process.kill(pid, 'SIGKILL');
      await until('the death of the process to be noticed', () => (restarts > before ? true : undefined));
    },
    async lines(file) {
      const text = await readFile(join(supervisor.folderOf(RUN_ID), 'files', file), 'utf8');
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line));
    },
    another: () => superviseIn(folder, opened),
    close: () => supervisor.close(),
  };
}
