import type { AttemptHistory, Entry, Lane } from './consumer.ts';
import type { Core, WriteGroup } from './core.ts';
import { putState } from './stateStore.ts';

/**
 * What a commit cannot say of a partition, durable in the same write: which messages past it are over, which have failed how
 * often, which are noted as being under way after a crash, and which were committed before they were handled.
 */
export type LaneEntry = {
  /** The commit it goes with; any other entry is left over from another position. */
  offset: number;
  /** Ranges [from, to) of offsets that are over. */
  done: [number, number][];
  tries: [number, AttemptHistory][];
  noted: number[];
  taken: number[];
};

export const LANE_STORE = 'lane';

export function saveLane(core: Core, lane: Lane, group: WriteGroup, offset: number): void {
  if (lane.closedTries.length > 0)
    lane.closedTries = lane.closedTries.filter((own) => own.group >= group.number);
  if (lane.closedDone.length > 0)
    lane.closedDone = lane.closedDone.filter((own) => own.group >= group.number);
  if (isPlain(lane)) {
    if (lane.entryStored) putState(core, LANE_STORE, lane.entryKey, null);
    lane.entryStored = false;
    return;
  }
  const { noted, taken } = lane;
  const entry: LaneEntry = { offset, done: [], tries: [], noted, taken };
  for (const { offset: over } of lane.closedDone) addDone(entry, over);
  for (const { offset: over, history } of lane.closedTries) entry.tries.push([over, history]);
  for (let i = lane.head; i < lane.window.length; i++)
    addToEntry(entry, lane, lane.window[i] as Entry, group);
  addUnread(entry, lane);
  putState(core, LANE_STORE, lane.entryKey, JSON.stringify(entry));
  lane.entryStored = true;
}

/** Nothing to say beyond the commit. */
function isPlain(lane: Lane): boolean {
  const { ahead, tried, closedTries, closedDone, noted, taken, restoredDone, restoredTries } = lane;
  const listed = closedTries.length + closedDone.length + noted.length + taken.length;
  return ahead + tried + listed + restoredDone.size + restoredTries.size === 0;
}

/** What an earlier process said of messages that this one has not read yet holds on. */
function addUnread(entry: LaneEntry, { restoredDone, restoredTries }: Lane): void {
  for (const offset of [...restoredDone].sort((a, b) => a - b)) addDone(entry, offset);
  entry.tries.push(...restoredTries);
}

function addDone({ done }: LaneEntry, offset: number): void {
  const last = done.at(-1);
  if (last && last[1] === offset) last[1] = offset + 1;
  else done.push([offset, offset + 1]);
}

function addToEntry(
  entry: LaneEntry,
  lane: Lane,
  { phase, stored, attempts, doneGroup }: Entry,
  group: WriteGroup,
): void {
  const { offset } = stored;
  if (phase === 'done') {
    // At least once: what this write brings about is committed, and said to be over, by the next.
    if (lane.consumer.planned.guarantee === 'at-least-once' && doneGroup >= group.number) return;
    addDone(entry, offset);
  } else if (attempts !== null) entry.tries.push([offset, attempts]);
}

/** Takes back what was written; answers what was committed first and may not have been handled (DL1). */
export function restoreLane(
  core: Core,
  lane: Lane,
  entry: LaneEntry | undefined,
  afterCrash: boolean,
): number[] {
  if (entry === undefined) return [];
  lane.entryStored = true;
  if (entry.offset !== lane.finished) return entry.taken;
  for (const [from, to] of entry.done)
    for (let offset = from; offset < to; offset++) lane.restoredDone.add(offset);
  for (const [offset, history] of entry.tries) lane.restoredTries.set(offset, history);
  if (afterCrash && lane.consumer.planned.operator.runtime === 'sandbox') {
    const [alone] = entry.noted;
    if (entry.noted.length === 1 && alone !== undefined) core.crashedLanes.push(lane);
    lane.suspects = new Set(entry.noted);
  }
  return entry.taken;
}
