import { toWorkbenchError, type WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { TraceSummary } from '@millrace/shared/trace/record.ts';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { LiveRun } from '../live/liveRun.ts';
import { ROWS_MS, useSignal } from '../live/useSignal.ts';
import type { RunReader } from '../live/watch.tsx';
import {
  countNew,
  HISTORY_TRACES_MAX,
  isFiltered,
  mergeTraces,
  requestOf,
  type TraceFilter,
} from './traceList.ts';

const PAGE_TRACES = 100;
/** While records stream in, the newest page is read again this often: it corrects what the tail saw only half of. */
const REFRESH_MS = 2_500;

type History = {
  traces: Map<string, TraceSummary>;
  next: string | null;
  total: number;
  begun: number;
  sampledOut: number;
  atForgotten: number;
};
const NO_HISTORY: History = {
  traces: new Map(),
  next: null,
  total: 0,
  begun: 0,
  sampledOut: 0,
  atForgotten: 0,
};

export type TraceListView = {
  rows: readonly TraceSummary[];
  total: number;
  /** Traces that began, and those that sampling left out. */
  begun: number;
  sampledOut: number;
  loading: boolean;
  error: WorkbenchError | null;
  hasMore: boolean;
  /** The list is as long as it gets. */
  full: boolean;
  /** Traces that a paused view holds back. */
  newCount: number;
  loadMore(): void;
  retry(): void;
};

/** History by pages from the server, merged with what streams in; `following` false freezes the rows, not the data. */
export function useTraceList(
  live: LiveRun,
  reader: RunReader,
  filter: TraceFilter,
  following: boolean,
): TraceListView {
  const [history, setHistory] = useState<History>(NO_HISTORY);
  const [loading, setLoading] = useState(true);
  const [error, setError] = useState<WorkbenchError | null>(null);
  const tailVersion = useSignal(live.tail.changed, ROWS_MS);
  // An answer to an older question is dropped.
  const question = useRef(0);

  const read = useCallback(
    async (before: string | null, mode: 'replace' | 'refresh' | 'append'): Promise<void> => {
      const asked = mode === 'replace' ? ++question.current : question.current;
      if (mode !== 'refresh') setLoading(true);
      try {
        const answer = await reader.listTraces({
          limit: PAGE_TRACES,
          ...requestOf(filter),
          ...(before === null ? {} : { before }),
        });
        if (asked !== question.current) return;
        const atForgotten = live.tail.traces.forgotten;
        setHistory((current) => {
          // Traces that went through faster than the tail keeps them would leave a hole below it: begin again on top.
          const holed = mode === 'refresh' && atForgotten !== current.atForgotten;
          const base = mode === 'replace' || holed ? NO_HISTORY : current;
          const traces = new Map(base.traces);
          for (const trace of answer.traces) traces.set(trace.correlationId, trace);
          const next = mode === 'refresh' && !holed && current.traces.size > 0 ? current.next : answer.next;
          const { total, begun, sampledOut } = answer;
          return { traces, next, total, begun, sampledOut, atForgotten };
        });
        setError(null);
      } catch (thrown) {
        if (asked === question.current) setError(toWorkbenchError(thrown));
      } finally {
        if (asked === question.current) setLoading(false);
      }
    },
    [reader, filter, live],
  );

  useEffect(() => {
    setHistory(NO_HISTORY);
    void read(null, 'replace');
  }, [read]);

  const newest = useRef({ tailVersion, refreshed: tailVersion });
  newest.current.tailVersion = tailVersion;
  useEffect(() => {
    if (!following) return;
    const timer = setInterval(() => {
      if (newest.current.refreshed === newest.current.tailVersion) return;
      newest.current.refreshed = newest.current.tailVersion;
      void read(null, 'refresh');
    }, REFRESH_MS);
    return () => clearInterval(timer);
  }, [following, read]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the tail is mutable; its version stands for it.
  const merged = useMemo(
    () => mergeTraces(history.traces.values(), live.tail.traces.all(), filter),
    [history, live, filter, tailVersion],
  );

  const frozen = useFrozen(merged, history, filter, following);
  const full = history.traces.size >= HISTORY_TRACES_MAX;
  return {
    rows: frozen,
    total: Math.max(history.total, isFiltered(filter) ? 0 : frozen.length),
    begun: history.begun,
    sampledOut: history.sampledOut,
    loading,
    error,
    hasMore: history.next !== null && !full,
    full,
    newCount: following ? 0 : countNew(frozen, merged),
    loadMore: () => {
      if (!loading && history.next !== null && !full) void read(history.next, 'append');
    },
    retry: () => void read(null, 'replace'),
  };
}

/** The rows as they were when following stopped; older pages still join at the end. */
function useFrozen(
  merged: readonly TraceSummary[],
  history: History,
  filter: TraceFilter,
  following: boolean,
): readonly TraceSummary[] {
  const held = useRef<{ rows: readonly TraceSummary[]; filter: TraceFilter }>({ rows: merged, filter });
  return useMemo(() => {
    if (following || held.current.filter !== filter) {
      held.current = { rows: merged, filter };
      return merged;
    }
    const last = held.current.rows.at(-1);
    if (!last) {
      held.current = { rows: merged, filter };
      return merged;
    }
    const known = new Set(held.current.rows.map((row) => row.correlationId));
    const older = [...history.traces.values()]
      .filter((row) => row.startedMs <= last.startedMs && !known.has(row.correlationId))
      .sort((a, b) => b.startedMs - a.startedMs);
    if (older.length > 0) held.current = { rows: [...held.current.rows, ...older], filter };
    // Rows stay where they are; what they say of their trace goes on being true.
    const newest = new Map(merged.map((row) => [row.correlationId, row]));
    return held.current.rows.map((row) => newest.get(row.correlationId) ?? row);
  }, [merged, history, filter, following]);
}
