import { toWorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { RunSummary } from '@millrace/shared/protocol/entities.ts';
import type { Connection } from '../connection/connection.ts';
import { useSelection } from '../live/selection.ts';
import { NO_REPLACEMENT, useReplacement } from './replacement.ts';
import { createReplacement } from './replacementController.ts';
import type { RunHost } from './runHost.ts';
import {
  activeRun,
  type RunAction,
  type RunController,
  resetRunStore,
  shownRunId,
  useRunStore,
  withRun,
} from './runStore.ts';
import { type WatchedRun, watchRun } from './watchRun.ts';

/** Opens the runs of a flow: keeps the list current, watches the shown run, fills the run store until closed. */
export function openRuns(connection: Connection, flowId: string, host: RunHost): RunController {
  resetRunStore(flowId);
  useReplacement.setState(NO_REPLACEMENT);
  let watched: WatchedRun | null = null;
  let closed = false;
  let searched = '';

  const follow = (): void => {
    const shown = shownRunId(useRunStore.getState());
    if (closed || shown === (watched?.live.runId ?? null)) return;
    watched?.close();
    watched = null;
    useSelection.getState().reset();
    host.light(null);
    if (shown !== null) {
      watched = watchRun(connection, shown, {
        onNotice: (notice) => {
          if (notice.level !== 'info') host.toast(notice.level, 'This run', notice.message);
        },
        onProblem: (problem) => useRunStore.setState({ problem }),
      });
    }
    useRunStore.setState({ live: watched?.live ?? null, problem: null, lastStep: null, noticesSeen: 0 });
  };

  const take = (run: RunSummary): void => {
    if (closed || run.flowId !== flowId) return;
    const before = useRunStore.getState().runs.find((other) => other.id === run.id);
    useRunStore.setState(({ runs }) => ({ runs: withRun(runs, run) }));
    // The answer to a request may overtake the event that says the same.
    if (watched?.live.runId === run.id) watched.live.setSummary(run);
    if (run.status === 'failed' && before && before.status !== 'failed') {
      host.toast('error', 'The run failed', run.error?.message ?? 'It gave no reason.');
    }
    follow();
  };

  const reload = async (): Promise<void> => {
    try {
      const { runs } = await connection.request('run.list', { flowId });
      if (closed) return;
      const sorted = runs.reduce<RunSummary[]>(withRun, []);
      useRunStore.setState({ runs: sorted, loading: false });
      follow();
    } catch (thrown) {
      if (!closed) useRunStore.setState({ loading: false, problem: toWorkbenchError(thrown) });
    }
  };

  const attempt = async (action: RunAction, work: () => Promise<void>): Promise<void> => {
    if (closed || useRunStore.getState().pending !== null) return;
    useRunStore.setState({ pending: action });
    try {
      await work();
    } catch (thrown) {
      if (!closed) host.toast('error', FAILED_TO[action], toWorkbenchError(thrown).message);
    } finally {
      if (!closed) useRunStore.setState({ pending: null });
    }
  };

  const onActive = (action: 'pause' | 'resume' | 'stop'): Promise<void> =>
    attempt(action, async () => {
      const run = activeRun(useRunStore.getState().runs);
      if (!run) return;
      if (action !== 'pause') host.light(null);
      take(await connection.request(`run.${action}`, { runId: run.id }));
      useRunStore.setState({ lastStep: null });
    });

  const replacement = createReplacement(connection, host, () => watched?.live ?? null, take);

  const leave = [connection.on('run.changed', take), connection.onReconnect(() => void reload())];
  void reload();

  const controller: RunController = {
    start: ({ paused }) =>
      attempt('start', async () => {
        await host.beforeRun();
        const run = await connection.request('run.start', { flowId, paused });
        useRunStore.setState({ pickedRunId: null });
        take(run);
      }),
    pause: () => onActive('pause'),
    resume: () => onActive('resume'),
    stop: () => onActive('stop'),
    step: () =>
      attempt('step', async () => {
        const run = activeRun(useRunStore.getState().runs);
        if (!run) return;
        const lastStep = await connection.request('run.step', { runId: run.id });
        if (closed) return;
        useRunStore.setState({ lastStep });
        host.light(lastStep.nodeId === null ? null : pathOfStep(watched, lastStep.nodeId));
      }),
    remove: (runId) =>
      attempt('delete', async () => {
        await connection.request('run.delete', { runId });
        useRunStore.setState(({ runs, pickedRunId }) => ({
          runs: runs.filter((run) => run.id !== runId),
          pickedRunId: pickedRunId === runId ? null : pickedRunId,
        }));
        follow();
      }),
    ...replacement,
    fork: (from) =>
      attempt('fork', async () => {
        const origin = watched?.live.runId;
        if (origin === undefined) return;
        await host.beforeRun();
        const run = await connection.request('run.fork', { runId: origin, ...from });
        useRunStore.setState({ pickedRunId: null });
        take(run);
        host.toast(
          'info',
          'A new run',
          `It handles again what is there from partition ${from.partition}, offset ${from.offset} on, with version ${run.version}.`,
        );
      }),
    search: async (text) => {
      searched = text.trim();
      if (searched === '') {
        useRunStore.setState({ found: null });
        return;
      }
      const asked = searched;
      try {
        const { runs } = await connection.request('run.list', { flowId, text: asked });
        // Answers may overtake each other.
        if (!closed && asked === searched) useRunStore.setState({ found: runs.map(({ id }) => id) });
      } catch (thrown) {
        if (!closed) host.toast('error', 'The runs were not searched', toWorkbenchError(thrown).message);
      }
    },
    pick: (runId) => {
      useRunStore.setState({ pickedRunId: runId });
      follow();
    },
    markNoticesSeen: () => {
      if (watched) useRunStore.setState({ noticesSeen: watched.live.notices.next });
    },
    reload,
    close: () => {
      closed = true;
      for (const off of leave) off();
      watched?.close();
      host.light(null);
      useSelection.getState().reset();
      resetRunStore(null);
      useReplacement.setState(NO_REPLACEMENT);
      useRunStore.setState({ controller: null });
    },
  };
  useRunStore.setState({ controller });
  return controller;
}

/** The node that handled the message, with the edges it reads from. */
function pathOfStep(watched: WatchedRun | null, nodeId: string) {
  const edges = watched?.live.graph?.incoming.get(nodeId) ?? [];
  return { nodeIds: new Set([nodeId]), edgeIds: new Set(edges.map((edge) => edge.id)) };
}

const FAILED_TO: Record<RunAction, string> = {
  start: 'The flow did not start',
  pause: 'The run did not pause',
  resume: 'The run did not resume',
  step: 'The step was not made',
  stop: 'The run did not stop',
  delete: 'The run was not deleted',
  fork: 'The messages are not handled again',
};
