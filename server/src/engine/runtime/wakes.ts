import type { Wake, WakeEntry, WakeHeap } from './core.ts';

export function createWakeHeap(): WakeHeap {
  return { entries: [], order: 0 };
}

export function nextWakeMs(heap: WakeHeap): number | null {
  return heap.entries[0]?.atMs ?? null;
}

export function addWake(heap: WakeHeap, atMs: number, wake: Wake): void {
  const { entries } = heap;
  const added: WakeEntry = { atMs, order: heap.order++, wake };
  let at = entries.length;
  entries.push(added);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = entries[parent] as WakeEntry;
    if (!isBefore(added, above)) break;
    entries[at] = above;
    at = parent;
  }
  entries[at] = added;
}

/** Takes the first entry that is due, or null. */
export function takeDueWake(heap: WakeHeap, nowMs: number): Wake | null {
  const { entries } = heap;
  const first = entries[0];
  if (first === undefined || first.atMs > nowMs) return null;
  const last = entries.pop() as WakeEntry;
  if (entries.length > 0) siftDown(entries, last);
  return first.wake;
}

function siftDown(entries: WakeEntry[], sinking: WakeEntry): void {
  const { length } = entries;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= length) break;
    if (child + 1 < length && isBefore(entries[child + 1] as WakeEntry, entries[child] as WakeEntry)) child++;
    const below = entries[child] as WakeEntry;
    if (!isBefore(below, sinking)) break;
    entries[at] = below;
    at = child;
  }
  entries[at] = sinking;
}

function isBefore(a: WakeEntry, b: WakeEntry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
