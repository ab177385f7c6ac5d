import { notifications } from '@mantine/notifications';
import { compareFlows } from '@millrace/shared/flow/compareFlows.ts';
import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import { withoutProducers } from '@millrace/shared/flow/withoutProducers.ts';
import { type ReactNode, useEffect, useMemo, useRef } from 'react';
import { useConnection } from '../connection/ConnectionProvider.tsx';
import { isActive, type LiveRun } from '../live/liveRun.ts';
import { NodeBadgePainter } from '../live/NodeBadgePainter.tsx';
import { useSignal } from '../live/useSignal.ts';
import { type Watch, type WatchHost, WatchProvider } from '../live/watch.tsx';
import { useReplacement } from './replacement.ts';
import { openRuns } from './runController.ts';
import { refusals } from './runStatus.ts';
import { activeRun, type RunGate, useRunStore } from './runStore.ts';
import { runReader } from './watchRun.ts';

export type RunWatchProps = {
  flowId: string;
  gate: RunGate;
  /** What is on the canvas. */
  draft: FlowDocument;
  host: WatchHost;
  /** Resolves when the server has every edit of the draft. */
  beforeRun: () => Promise<void>;
  children: ReactNode;
};

const TOAST_COLOR = { info: 'blue', warning: 'yellow', error: 'red' } as const;
/** Errors stay until somebody has read them. */
const TOAST_MS = { info: 5_000, warning: 12_000, error: false } as const;

/** Watches the runs of the open flow for everything below it: run controls, badges, panels. */
export function RunWatch({ flowId, gate, draft, host, beforeRun, children }: RunWatchProps) {
  const connection = useConnection();
  const live = useRunStore((state) => state.live);
  // The page may hand in new closures with each render; the runs stay open meanwhile.
  const latest = useRef({ host, beforeRun, draft });
  latest.current = { host, beforeRun, draft };
  usePendingChanges(live, draft);

  const stableHost = useMemo<WatchHost>(
    () => ({
      showNode: (nodeId) => latest.current.host.showNode(nodeId),
      showEdge: (edgeId) => latest.current.host.showEdge(edgeId),
      openTab: (tab) => latest.current.host.openTab(tab),
      light: (path) => latest.current.host.light(path),
    }),
    [],
  );

  useEffect(() => {
    const controller = openRuns(connection, flowId, {
      ...stableHost,
      beforeRun: () => latest.current.beforeRun(),
      draft: () => latest.current.draft,
      toast: (level, title, message) =>
        notifications.show({ title, message, color: TOAST_COLOR[level], autoClose: TOAST_MS[level] }),
    });
    return () => controller.close();
  }, [connection, flowId, stableHost]);

  useEffect(() => {
    useRunStore.setState({ gate: { runnable: gate.runnable, reason: gate.reason } });
  }, [gate.runnable, gate.reason]);

  const refusal = useRunStore(
    ({ runs, gate: current, pending }) => refusals(activeRun(runs), current, pending).fork,
  );
  const reader = useMemo(() => (live ? runReader(connection, live.runId) : null), [connection, live]);
  const watch = useMemo<Watch>(
    () => ({
      live,
      reader,
      host: stableHost,
      handlingAgain: {
        refusal,
        from: (message) => void useRunStore.getState().controller?.fork(message),
      },
    }),
    [live, reader, stableHost, refusal],
  );

  return (
    <WatchProvider watch={watch}>
      {children}
      <NodeBadgePainter live={live} onOpen={stableHost.openTab} />
    </WatchProvider>
  );
}

/** Edits come in bursts; the comparison waits for their end. */
const COMPARE_AFTER_MS = 250;

/** Counts what the drawing says otherwise than the version that runs. */
function usePendingChanges(live: LiveRun | null, draft: FlowDocument): void {
  const seen = useSignal(live?.changed ?? null, COMPARE_AFTER_MS);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `seen` says that the run, or its version, has changed.
  useEffect(() => {
    const timer = setTimeout(() => {
      const running = live?.graph?.document;
      const isShown = live !== null && isActive(live.status) && running !== undefined;
      const isFork = live?.summary?.forkedFrom != null;
      const of = (document: FlowDocument): FlowDocument => (isFork ? withoutProducers(document) : document);
      const pendingChanges = isShown ? compareFlows(of(running), of(draft)).length : 0;
      if (pendingChanges !== useReplacement.getState().pendingChanges)
        useReplacement.setState({ pendingChanges });
    }, COMPARE_AFTER_MS);
    return () => clearTimeout(timer);
  }, [live, seen, draft]);
}
