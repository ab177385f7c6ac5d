import { TriangleAlert } from 'lucide-react';
import { plural } from '../live/format.ts';
import type { LiveRun } from '../live/liveRun.ts';
import { FIGURES_MS, useSignal } from '../live/useSignal.ts';
import { classes } from './styles.ts';

/** Says what the trace list cannot show, and that counters are exact all the same (TR2, TR3). */
export function LeftOutNote({ live }: { live: LiveRun }) {
  useSignal(live.tail.changed, FIGURES_MS);
  useSignal(live.metrics.changed, FIGURES_MS);
  const trace = live.metrics.latest?.trace;
  const parts: string[] = [];
  if (trace && trace.expired > 0) parts.push(`${plural(trace.expired, 'older record')} deleted to make room`);
  if (trace && trace.lost > 0) parts.push(`${plural(trace.lost, 'record')} lost before they were stored`);
  if (live.tail.gap > 0) parts.push(`${plural(live.tail.gap, 'record')} missed while not connected`);
  if (live.tail.unreadableFrames > 0)
    parts.push(`${plural(live.tail.unreadableFrames, 'frame')} could not be read`);
  if (parts.length === 0) {
    return live.tail.skipped > 0 ? <SkippedNote records={live.tail.skipped} /> : null;
  }
  if (live.tail.skipped > 0) parts.push(skippedSentence(live.tail.skipped));
  return (
    <p className={classes.leftOut} role="status" data-testid="traces-left-out">
      <TriangleAlert size={13} aria-hidden /> {parts.join('; ')}. Counters on the nodes are exact.
    </p>
  );
}

/** Nothing is missing here in the end: the list reads from the store what did not stream. Soft, but said (TR3). */
function SkippedNote({ records }: { records: number }) {
  return (
    <p className={classes.thinned} role="status" data-testid="traces-left-out">
      {skippedSentence(records)}.
    </p>
  );
}

function skippedSentence(records: number): string {
  return `${plural(records, 'record')} came too fast to be streamed to this tab and ${records === 1 ? 'is' : 'are'} read from the store instead`;
}
