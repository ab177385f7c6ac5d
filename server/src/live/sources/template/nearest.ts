const DISTANCE_SHARE_MAX = 0.4;

/** The candidate with the fewest typing errors, or undefined when none is close. Compares without regard to case. */
export function nearest(text: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.floor(text.length * DISTANCE_SHARE_MAX) + 1;
  for (const candidate of candidates) {
    const lastPart = candidate.slice(candidate.indexOf('.') + 1);
    const distance = Math.min(
      editDistance(text.toLowerCase(), candidate.toLowerCase()),
      editDistance(text.toLowerCase(), lastPart.toLowerCase()),
    );
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(change, (previous[j] as number) + 1, (current[j - 1] as number) + 1));
    }
    previous = current;
  }
  return previous[b.length] as number;
}
