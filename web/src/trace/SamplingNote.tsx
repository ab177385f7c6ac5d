import { isActive, type LiveRun } from '../live/liveRun.ts';
import { samplingOf, samplingSentence } from '../live/sampling.ts';
import { FIGURES_MS, useSignal } from '../live/useSignal.ts';
import { classes } from './styles.ts';

type Props = { live: LiveRun; begun: number; sampledOut: number };

/** Which of the traces are here, where it is not all of them (TR2). */
export function SamplingNote({ live, begun, sampledOut }: Props) {
  useSignal(live.metrics.changed, FIGURES_MS);
  const now = samplingOf(live.metrics.latest?.trace);
  const sentence = samplingSentence({
    share: now !== null && isActive(live.status) ? now.share : 1,
    begun: Math.max(begun, now?.begun ?? 0),
    out: Math.max(sampledOut, now?.out ?? 0),
    incomplete: now?.incomplete ?? 0,
    leftOut: now?.leftOut ?? 0,
  });
  if (sentence === null) return null;
  return (
    <p className={classes.thinned} role="status" data-testid="traces-sampled">
      {sentence}
    </p>
  );
}
