import { toWorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { RequestOf, ResponseOf } from '@millrace/shared/protocol/catalog.ts';
import { useCallback, useMemo, useRef, useState } from 'react';
import { useConnection } from '../connection/ConnectionProvider.tsx';
import type { Connection } from '../connection/connection.ts';

type Of<Name extends 'run.seek' | 'run.redrive' | 'run.injectFault'> = Omit<RequestOf<Name>, 'runId'>;

/** What can be done to a run while it goes on, beyond starting and stopping it. Every promise may be rejected with a sentence. */
export interface RunOperator {
  injectFault(fault: Of<'run.injectFault'>['fault']): Promise<ResponseOf<'run.injectFault'>>;
  /** Null heals all. */
  healFault(faultId: string | null): Promise<ResponseOf<'run.healFault'>>;
  pauseGroup(nodeId: string): Promise<unknown>;
  resumeGroup(nodeId: string): Promise<unknown>;
  scaleGroup(nodeId: string, instances: number): Promise<unknown>;
  seek(request: Of<'run.seek'>): Promise<ResponseOf<'run.seek'>>;
  deadLetterCauses(): Promise<ResponseOf<'deadLetters.causes'>>;
  redrive(request: Of<'run.redrive'>): Promise<ResponseOf<'run.redrive'>>;
  cancelRedrive(redriveId: string): Promise<unknown>;
  resumeRedrive(redriveId: string): Promise<unknown>;
}

export function runOperator(connection: Connection, runId: string): RunOperator {
  return {
    injectFault: (fault) => connection.request('run.injectFault', { runId, fault }),
    healFault: (faultId) => connection.request('run.healFault', { runId, faultId }),
    pauseGroup: (nodeId) => connection.request('run.pauseGroup', { runId, nodeId }),
    resumeGroup: (nodeId) => connection.request('run.resumeGroup', { runId, nodeId }),
    scaleGroup: (nodeId, instances) => connection.request('run.scaleGroup', { runId, nodeId, instances }),
    seek: (request) => connection.request('run.seek', { runId, ...request }),
    deadLetterCauses: () => connection.request('deadLetters.causes', { runId, topicId: null }),
    redrive: (request) => connection.request('run.redrive', { runId, ...request }),
    cancelRedrive: (redriveId) => connection.request('run.cancelRedrive', { runId, redriveId }),
    resumeRedrive: (redriveId) => connection.request('run.resumeRedrive', { runId, redriveId }),
  };
}

export function useOperator(runId: string): RunOperator {
  const connection = useConnection();
  return useMemo(() => runOperator(connection, runId), [connection, runId]);
}

export type Asking = {
  /** Which of the things that can be asked here is under way. */
  pending: string | null;
  /** Why the last one did not work, as a sentence. */
  problem: string | null;
  ask: (what: string, work: () => Promise<unknown>) => Promise<void>;
};

/** One request at a time from one place of the page, with its failure told in that place. */
export function useAsking(): Asking {
  const [state, setState] = useState<Omit<Asking, 'ask'>>({ pending: null, problem: null });
  const isBusy = useRef(false);
  const ask = useCallback(async (what: string, work: () => Promise<unknown>): Promise<void> => {
    if (isBusy.current) return;
    isBusy.current = true;
    setState({ pending: what, problem: null });
    try {
      await work();
      setState({ pending: null, problem: null });
    } catch (thrown) {
      setState({ pending: null, problem: toWorkbenchError(thrown).message });
    } finally {
      isBusy.current = false;
    }
  }, []);
  return { ...state, ask };
}
