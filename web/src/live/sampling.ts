import type { TraceFigures } from '@millrace/shared/trace/metrics.ts';
import { exactNumber, plural } from './format.ts';

export type Sampling = {
  /** Share of new traces kept at the moment. */
  share: number;
  begun: number;
  out: number;
  incomplete: number;
  leftOut: number;
};

/** What a run that goes on says of itself; null before it has said anything. */
export function samplingOf(trace: TraceFigures | undefined): Sampling | null {
  if (!trace) return null;
  const { share, tracesBegun, tracesOut, incomplete, leftOut } = trace.sampling;
  return { share, begun: tracesBegun, out: tracesOut, incomplete, leftOut };
}

/** Says how many of the traces are kept, and what is kept besides; null when it is all of them. */
export function samplingSentence({ share, begun, out, incomplete, leftOut }: Sampling): string | null {
  if (share >= 1 && out <= 0) return null;
  const parts: string[] = [];
  if (share < 1) parts.push(`1 of ${exactNumber(Math.round(1 / share))} new traces is kept`);
  if (out > 0)
    parts.push(`${exactNumber(Math.max(0, begun - out))} of ${plural(begun, 'trace')} kept so far`);
  const sentences = [`${parts.join(', ')}; failed, retried and slow ones always.`];
  if (leftOut > 0)
    sentences.push(`${plural(leftOut, 'failed or slow trace')} came too fast to be kept beyond the sample.`);
  if (incomplete > 0)
    sentences.push(
      incomplete === 1
        ? '1 trace lacks its beginning.'
        : `${plural(incomplete, 'trace')} lack their beginning.`,
    );
  return `${sentences.join(' ')} Counters are exact.`;
}
