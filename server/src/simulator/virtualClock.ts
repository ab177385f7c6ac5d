/** Virtual time: what is planned happens in the order of (time, sequence), at once, however far apart it lies. */
export type VirtualClock<Happening> = {
  readonly nowMs: number;
  plan(atMs: number, happening: Happening): void;
  /** Moves time to the next happening and takes it; null when nothing is planned. */
  next(): Happening | null;
  peekMs(): number | null;
  /** Moves time on without anything happening. */
  advanceTo(atMs: number): void;
  /** Takes everything that is planned, in its order. */
  clear(): { atMs: number; happening: Happening }[];
};

type Entry<Happening> = { atMs: number; sequence: number; happening: Happening };

export function createVirtualClock<Happening>(startMs: number): VirtualClock<Happening> {
  let nowMs = startMs;
  let sequence = 0;
  let heap: Entry<Happening>[] = [];

  const isBefore = (a: Entry<Happening>, b: Entry<Happening>): boolean =>
    a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);

  const siftUp = (from: number): void => {
    const rising = heap[from] as Entry<Happening>;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Entry<Happening>;
      if (!isBefore(rising, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = rising;
  };

  const siftDown = (): void => {
    const sinking = heap[0] as Entry<Happening>;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right && isBefore(right, heap[child] as Entry<Happening>)) child++;
      const below = heap[child] as Entry<Happening>;
      if (!isBefore(below, sinking)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = sinking;
  };

  return {
    get nowMs() {
      return nowMs;
    },
    plan(atMs, happening) {
      heap.push({ atMs: Math.max(atMs, nowMs), sequence: sequence++, happening });
      siftUp(heap.length - 1);
    },
    next() {
      const first = heap[0];
      if (!first) return null;
      const last = heap.pop() as Entry<Happening>;
      if (heap.length > 0) {
        heap[0] = last;
        siftDown();
      }
      nowMs = first.atMs;
      return first.happening;
    },
    peekMs: () => heap[0]?.atMs ?? null,
    advanceTo(atMs) {
      nowMs = Math.max(nowMs, atMs);
    },
    clear() {
      const left = heap.sort((a, b) => (isBefore(a, b) ? -1 : 1));
      heap = [];
      return left;
    },
  };
}
