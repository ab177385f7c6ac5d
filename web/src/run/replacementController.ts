import { toWorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { RunSummary } from '@millrace/shared/protocol/entities.ts';
import type { Connection } from '../connection/connection.ts';
import type { LiveRun } from '../live/liveRun.ts';
import { NO_REPLACEMENT, useReplacement } from './replacement.ts';
import type { RunHost } from './runHost.ts';
import { activeRun, type RunController, useRunStore } from './runStore.ts';

type Replacement = Pick<RunController, 'openReplacement' | 'closeReplacement' | 'applyReplacement'>;

/** Rule RN4 on the page: look at what would change, apply it, look again when the drawing has moved on meanwhile. */
export function createReplacement(
  connection: Connection,
  host: Pick<RunHost, 'beforeRun' | 'toast' | 'draft'>,
  shown: () => LiveRun | null,
  take: (run: RunSummary) => void,
): Replacement {
  const close = (): void => {
    const { pendingChanges } = useReplacement.getState();
    useReplacement.setState({ ...NO_REPLACEMENT, pendingChanges });
  };

  const look = async (): Promise<void> => {
    const run = activeRun(useRunStore.getState().runs);
    if (!run) return;
    useReplacement.setState({ opened: true, preview: null });
    try {
      await host.beforeRun();
      const after = host.draft();
      const found = await connection.request('run.previewReplacement', { runId: run.id });
      const live = shown();
      const before = live?.runId === run.id ? (live.graph?.document ?? null) : null;
      if (useReplacement.getState().opened)
        useReplacement.setState({ preview: { runId: run.id, from: run.version, ...found, before, after } });
    } catch (thrown) {
      useReplacement.setState({ problem: toWorkbenchError(thrown) });
    }
  };

  const apply = async (): Promise<void> => {
    const { preview, applying } = useReplacement.getState();
    if (preview === null || applying) return;
    useReplacement.setState({ applying: true, problem: null });
    try {
      const { runId, version, revision } = preview;
      const run = await connection.request('run.replace', {
        runId,
        expectedVersion: version,
        expectedRevision: revision,
      });
      take(run);
      close();
      host.toast('info', 'The changes are applied', `The run goes on with version ${run.version}.`);
    } catch (thrown) {
      const problem = toWorkbenchError(thrown);
      useReplacement.setState({ applying: false, problem });
      if (problem.code === 'FLOW_CONFLICT') await look();
    }
  };

  return {
    openReplacement: async () => {
      useReplacement.setState({ problem: null });
      await look();
    },
    closeReplacement: () => {
      if (!useReplacement.getState().applying) close();
    },
    applyReplacement: apply,
  };
}
