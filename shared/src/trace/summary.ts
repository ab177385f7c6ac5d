import type { TraceRecord, TraceStatus, TraceSummary } from './record.ts';

/**
 * The line of the trace list, kept up as records arrive: what came before need not be read again.
 *
 * Status, the first that holds:
 * 1. `dead-lettered`: some message of the trace was given up on and dead-lettered. It stays so.
 * 2. `failed`: an attempt failed and was neither tried again nor dead-lettered (skipped, run stopped, or refused).
 * 3. `running`: an attempt or a scheduled retry is under way.
 * 4. `retried`: attempts failed, and each was made good by a later one.
 * 5. `ok`: nothing failed. A message that waits in a topic counts as ok: who will read it is not in the trace.
 */
export function mergeSummary(
  existing: TraceSummary | undefined,
  records: readonly TraceRecord[],
): TraceSummary {
  const first = records[0];
  if (!first) return existing ?? emptySummary('', 0);
  const summary: TraceSummary = existing ? { ...existing } : emptySummary(first.correlationId, first.timeMs);
  for (const record of records) addToSummary(summary, record);
  return summary;
}

/** What of a record its summary takes note of. */
export type SummedRecord = Pick<
  TraceRecord,
  'kind' | 'timeMs' | 'nodeId' | 'messageId' | 'correlationId' | 'messageType' | 'key' | 'attempt'
>;

/** The same for one record, into a summary that nobody else holds. */
export function addToSummary(summary: TraceSummary, record: SummedRecord): void {
  summary.records += 1;
  if (record.timeMs < summary.startedMs) summary.startedMs = record.timeMs;
  if (record.timeMs > summary.lastMs) summary.lastMs = record.timeMs;
  const isRoot = record.kind === 'produced' && record.messageId === record.correlationId;
  if (isRoot || summary.rootNodeId === '') {
    summary.rootNodeId = record.nodeId;
    summary.rootType = record.messageType;
    summary.key = record.key ?? summary.key;
  }
  // A root may get its key only where it is appended, from the topic's path.
  summary.key ??= record.key;
  count(summary, record);
  const isDeadLettered = summary.status === 'dead-lettered' || record.kind === 'dead-lettered';
  summary.status = statusOf(summary, isDeadLettered);
}

export function summarize(records: readonly TraceRecord[]): TraceSummary {
  return mergeSummary(undefined, records);
}

function count(summary: TraceSummary, record: SummedRecord): void {
  switch (record.kind) {
    case 'produced':
    case 'emitted':
      summary.messages += 1;
      break;
    case 'delivered':
      // A second attempt is the retry that was counted as open when it was scheduled.
      if (record.attempt <= 1) summary.open += 1;
      break;
    case 'handled':
    case 'deduplicated':
      close(summary);
      break;
    case 'failed':
    case 'timed-out':
    case 'crashed':
    case 'rejected':
      close(summary);
      summary.failures += 1;
      summary.unresolved += 1;
      break;
    case 'retry-scheduled':
      summary.open += 1;
      summary.unresolved = Math.max(0, summary.unresolved - 1);
      break;
    case 'dead-lettered':
      summary.unresolved = Math.max(0, summary.unresolved - 1);
      break;
    case 'fault-injected':
      summary.faults += 1;
      break;
    // A redelivery replaces the delivery that a crash cut short, which is still counted as open.
    default:
      break;
  }
}

/** Not below zero: after a crash the record of a beginning may be missing where that of its end is kept. */
function close(summary: TraceSummary): void {
  summary.open = Math.max(0, summary.open - 1);
}

function statusOf(summary: TraceSummary, deadLettered: boolean): TraceStatus {
  if (deadLettered) return 'dead-lettered';
  if (summary.unresolved > 0) return 'failed';
  if (summary.open > 0) return 'running';
  return summary.failures > 0 ? 'retried' : 'ok';
}

export function emptySummary(correlationId: string, timeMs: number): TraceSummary {
  return {
    correlationId,
    rootType: '',
    rootNodeId: '',
    key: null,
    startedMs: timeMs,
    lastMs: timeMs,
    records: 0,
    messages: 0,
    failures: 0,
    faults: 0,
    open: 0,
    unresolved: 0,
    status: 'ok',
  };
}
