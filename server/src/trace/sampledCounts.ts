/** Everything that sampling left out or brought back, exact since the sampler was made. */
export type SampledCounts = {
  /** Traces that began. */
  tracesBegun: number;
  /** Of these, those of which nothing was kept. */
  tracesOut: number;
  /** Records that were not kept. */
  recordsOut: number;
  /** Traces brought back because they failed or were slow. */
  promoted: number;
  /** Promoted or kept traces of which the beginning was gone already. */
  incomplete: number;
  /** Traces in trouble, or slow, that were more than can be promoted. */
  leftOut: number;
};

export function noSampledCounts(): SampledCounts {
  return { tracesBegun: 0, tracesOut: 0, recordsOut: 0, promoted: 0, incomplete: 0, leftOut: 0 };
}

export function sampledTogether(a: SampledCounts, b: SampledCounts): SampledCounts {
  return combined(a, b, (left, right) => left + right);
}

export function sampledSince(before: SampledCounts, now: SampledCounts): SampledCounts {
  return combined(before, now, (left, right) => right - left);
}

function combined(
  a: SampledCounts,
  b: SampledCounts,
  combine: (a: number, b: number) => number,
): SampledCounts {
  return {
    tracesBegun: combine(a.tracesBegun, b.tracesBegun),
    tracesOut: combine(a.tracesOut, b.tracesOut),
    recordsOut: combine(a.recordsOut, b.recordsOut),
    promoted: combine(a.promoted, b.promoted),
    incomplete: combine(a.incomplete, b.incomplete),
    leftOut: combine(a.leftOut, b.leftOut),
  };
}
