import type { ErrorCode } from '@millrace/shared/errors/codes.ts';
import type { RequestOf } from '@millrace/shared/protocol/catalog.ts';
import type { TraceStatus, TraceSummary } from '@millrace/shared/trace/record.ts';
import type { LiveTrace } from '../live/liveTraces.ts';

/** What traces are asked for; each part that is set has to hold. */
export type TraceFilter = {
  text: string;
  status: TraceStatus | null;
  nodeId: string | null;
  key: string | null;
  type: string | null;
  durationMsMin: number | null;
  errorCode: ErrorCode | null;
};

export const NO_FILTER: TraceFilter = {
  text: '',
  status: null,
  nodeId: null,
  key: null,
  type: null,
  durationMsMin: null,
  errorCode: null,
};

/** Traces read from the server and kept in the list; a narrower filter reaches further back. */
export const HISTORY_TRACES_MAX = 5_000;

export function isFiltered(filter: TraceFilter): boolean {
  return Object.keys(requestOf(filter)).length > 0;
}

/** The filter as the server takes it. */
export function requestOf(filter: TraceFilter): Omit<RequestOf<'trace.list'>, 'runId' | 'limit'> {
  const { status, nodeId, key, type, durationMsMin, errorCode } = filter;
  const text = filter.text.trim();
  return {
    ...(text === '' ? {} : { text }),
    ...(status === null ? {} : { status }),
    ...(nodeId === null ? {} : { nodeId }),
    ...(key === null ? {} : { key }),
    ...(type === null ? {} : { type }),
    ...(durationMsMin === null ? {} : { durationMsMin }),
    ...(errorCode === null ? {} : { errorCode }),
  };
}

/** The same question that the server answers for stored traces, asked of one that streams in. */
export function matches(filter: TraceFilter, trace: LiveTrace): boolean {
  const { summary } = trace;
  const { status, nodeId, key, type, durationMsMin, errorCode } = filter;
  if (status !== null && summary.status !== status) return false;
  if (nodeId !== null && !trace.nodeIds.has(nodeId)) return false;
  if (key !== null && summary.key !== key) return false;
  if (type !== null && !hasType(trace, type)) return false;
  if (durationMsMin !== null && summary.lastMs - summary.startedMs < durationMsMin) return false;
  if (errorCode !== null && !trace.errorCodes.has(errorCode)) return false;
  const text = filter.text.trim();
  if (text === '') return true;
  if (summary.correlationId === text || trace.messageIds.has(text) || trace.keys.has(text)) return true;
  return hasType(trace, text);
}

function hasType(trace: LiveTrace, part: string): boolean {
  const wanted = part.toLowerCase();
  for (const type of trace.types) if (type.toLowerCase().includes(wanted)) return true;
  return false;
}

/**
 * One list, newest first. A trace that both know is taken from whoever has seen more of it: the tail may have joined
 * in its middle, the server's answer may be older than the tail.
 */
export function mergeTraces(
  history: Iterable<TraceSummary>,
  live: Iterable<LiveTrace>,
  filter: TraceFilter,
): TraceSummary[] {
  const merged = new Map<string, TraceSummary>();
  for (const summary of history) merged.set(summary.correlationId, summary);
  for (const trace of live) {
    const known = merged.get(trace.summary.correlationId);
    if (known && known.records >= trace.summary.records) continue;
    if (matches(filter, trace)) merged.set(trace.summary.correlationId, trace.summary);
    // It was listed for what it no longer is, such as still running.
    else if (known) merged.delete(trace.summary.correlationId);
  }
  return [...merged.values()].sort(newestFirst);
}

export function newestFirst(a: TraceSummary, b: TraceSummary): number {
  if (a.startedMs !== b.startedMs) return b.startedMs - a.startedMs;
  return a.correlationId < b.correlationId ? 1 : a.correlationId > b.correlationId ? -1 : 0;
}

/** Traces of `now` that `shown` does not have: what a paused view has not shown yet. */
export function countNew(shown: readonly TraceSummary[], now: readonly TraceSummary[]): number {
  const known = new Set(shown.map((summary) => summary.correlationId));
  const newest = shown[0]?.startedMs ?? Number.NEGATIVE_INFINITY;
  let count = 0;
  for (const summary of now) {
    // Sorted newest first: below the newest shown there is only what was listed or paged away.
    if (summary.startedMs < newest) break;
    if (!known.has(summary.correlationId)) count++;
  }
  return count;
}

export const STATUS_LABEL: Record<TraceStatus, string> = {
  ok: 'ok',
  running: 'running',
  retried: 'retried',
  failed: 'failed',
  'dead-lettered': 'dead-lettered',
};
export const TRACE_STATUSES = Object.keys(STATUS_LABEL) as TraceStatus[];
