import { toWorkbenchError, type WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { FlowSummary } from '@millrace/shared/protocol/entities.ts';
import { useCallback, useEffect, useState } from 'react';
import { useConnection } from '../connection/ConnectionProvider.tsx';

/** The server tells that the list has changed with every patch; asking more often than this would show nothing more. */
const REFRESH_MS_MIN = 500;

export type FlowList = {
  flows: readonly FlowSummary[] | null;
  error: WorkbenchError | null;
  refresh: () => void;
};

/** All flows, newest change first, kept current. */
export function useFlowList(): FlowList {
  const connection = useConnection();
  const [flows, setFlows] = useState<readonly FlowSummary[] | null>(null);
  const [error, setError] = useState<WorkbenchError | null>(null);

  const load = useCallback(async (): Promise<void> => {
    try {
      const answer = await connection.request('flow.list', {});
      setFlows([...answer.flows].sort((a, b) => b.updatedMs - a.updatedMs));
      setError(null);
    } catch (thrown) {
      setError(toWorkbenchError(thrown));
    }
  }, [connection]);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const soon = (): void => {
      timer ??= setTimeout(() => {
        timer = undefined;
        void load();
      }, REFRESH_MS_MIN);
    };
    void load();
    const leave = [
      connection.on('flow.listChanged', soon),
      connection.on('run.changed', soon),
      connection.onReconnect(() => void load()),
    ];
    return () => {
      clearTimeout(timer);
      for (const off of leave) off();
    };
  }, [connection, load]);

  return { flows, error, refresh: () => void load() };
}
