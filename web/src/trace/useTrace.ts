import { toWorkbenchError, type WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { buildTrace, type TraceModel } from '@millrace/shared/trace/spans.ts';
import { useEffect, useMemo, useState } from 'react';
import type { LiveRun } from '../live/liveRun.ts';
import { useSignal } from '../live/useSignal.ts';
import type { RunReader } from '../live/watch.tsx';

/** A trace that is still growing is read again at most this often. */
const REREAD_MS = 700;

type Answer = Awaited<ReturnType<RunReader['getTrace']>>;
export type TraceState = {
  model: TraceModel | null;
  /** Records that the answer left out because the trace is too long. */
  truncated: number;
  /** Records of its beginning that sampling had left out before it turned out worth keeping. */
  missing: number;
  loading: boolean;
  error: WorkbenchError | null;
};

/** One trace, read from the server and read again while records of it stream in. */
export function useTrace(live: LiveRun, reader: RunReader, correlationId: string): TraceState {
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [error, setError] = useState<WorkbenchError | null>(null);
  useSignal(live.changed);

  useEffect(() => {
    let dropped = false;
    let busy = false;
    let recordsRead = -1;
    const recordsNow = (): number => live.tail.traces.get(correlationId)?.summary.records ?? 0;
    const read = async (): Promise<void> => {
      busy = true;
      recordsRead = recordsNow();
      try {
        const value = await reader.getTrace(correlationId);
        if (dropped) return;
        setAnswer(value);
        setError(null);
      } catch (thrown) {
        if (!dropped) setError(toWorkbenchError(thrown));
      } finally {
        busy = false;
      }
    };
    void read();
    const timer = setInterval(() => {
      if (!busy && recordsNow() !== recordsRead) void read();
    }, REREAD_MS);
    return () => {
      dropped = true;
      clearInterval(timer);
    };
  }, [reader, live, correlationId]);

  const graph = live.graph;
  const model = useMemo(() => {
    if (!answer || answer.records.length === 0) return null;
    return buildTrace(answer.records, { nameOf: (nodeId) => graph?.nodes.get(nodeId)?.name });
  }, [answer, graph]);
  return {
    model,
    truncated: answer?.truncated ?? 0,
    missing: answer?.missing ?? 0,
    loading: answer === null && error === null,
    error,
  };
}
