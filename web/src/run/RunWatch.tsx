import { notifications } from '@mantine/notifications';
import { type ReactNode, useEffect, useMemo, useRef } from 'react';
import { useConnection } from '../connection/ConnectionProvider.tsx';
import { NodeBadgePainter } from '../live/NodeBadgePainter.tsx';
import { type WatchHost, WatchProvider } from '../live/watch.tsx';
import { openRuns } from './runController.ts';
import { type RunGate, useRunStore } from './runStore.ts';
import { runReader } from './watchRun.ts';

export type RunWatchProps = {
  flowId: string;
  gate: RunGate;
  host: WatchHost;
  /** Resolves when the server has every edit of the draft. */
  beforeRun: () => Promise<void>;
  children: ReactNode;
};

const TOAST_COLOR = { info: 'blue', warning: 'yellow', error: 'red' } as const;
/** Errors stay until somebody has read them. */
const TOAST_MS = { info: 5_000, warning: 12_000, error: false } as const;

/** Watches the runs of the open flow for everything below it: run controls, badges, panels. */
export function RunWatch({ flowId, gate, host, beforeRun, children }: RunWatchProps) {
  const connection = useConnection();
  const live = useRunStore((state) => state.live);
  // The page may hand in new closures with each render; the runs stay open meanwhile.
  const latest = useRef({ host, beforeRun });
  latest.current = { host, beforeRun };

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
      toast: (level, title, message) =>
        notifications.show({ title, message, color: TOAST_COLOR[level], autoClose: TOAST_MS[level] }),
    });
    return () => controller.close();
  }, [connection, flowId, stableHost]);

  useEffect(() => {
    useRunStore.setState({ gate: { runnable: gate.runnable, reason: gate.reason } });
  }, [gate.runnable, gate.reason]);

  const watch = useMemo(
    () => ({ live, reader: live ? runReader(connection, live.runId) : null, host: stableHost }),
    [connection, live, stableHost],
  );

  return (
    <WatchProvider watch={watch}>
      {children}
      <NodeBadgePainter live={live} onOpen={stableHost.openTab} />
    </WatchProvider>
  );
}
