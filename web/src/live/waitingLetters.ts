import type { DeadLetterFigures, MetricsSnapshot } from '@millrace/shared/trace/metrics.ts';

/** The dead letters of a run, of all its topics together. */
export function waitingLetters({
  deadLetters,
  nodes,
}: Pick<MetricsSnapshot, 'deadLetters' | 'nodes'>): DeadLetterFigures {
  const topics = Object.values(deadLetters);
  if (topics.length > 0) {
    return {
      waiting: topics.reduce((sum, { waiting }) => sum + waiting, 0),
      sentBack: topics.reduce((sum, { sentBack }) => sum + sentBack, 0),
    };
  }
  // Of a run that is over and was kept without its last metrics there are counters only.
  const counters = Object.values(nodes);
  const sentBack = counters.reduce((sum, { redriven }) => sum + redriven, 0);
  const given = counters.reduce((sum, { deadLettered }) => sum + deadLettered, 0);
  return { waiting: Math.max(0, given - sentBack), sentBack };
}
