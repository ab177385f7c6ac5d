import type { AttemptHistory, Entry, Lane } from './consumer.ts';
import type { Core } from './core.ts';
import { touchLane } from './groups.ts';
import { storedBytes } from './laneQueue.ts';

/** Rule CG4: an entry is over. What is finished without a gap becomes the lane's next commit. */
export function finishEntry(core: Core, lane: Lane, entry: Entry): void {
  entry.phase = 'done';
  entry.doneGroup = core.writes.open.number;
  if (entry.attempts !== null) closeTries(lane, entry, entry.attempts);
  lane.windowBytes -= storedBytes(entry.stored);
  lane.finishedMessages++;
  lane.unacknowledged++;
  lane.ahead++;
  lane.endedUnsaid = true;
  settleWindow(core, lane);
  touchLane(core, lane);
}

/** Rule DL3: a crash before the commit (DL1, at least once) has its last attempt done again, and no attempt more. */
function closeTries(lane: Lane, entry: Entry, history: AttemptHistory): void {
  lane.tried--;
  entry.attempts = null;
  if (lane.consumer.planned.guarantee !== 'at-least-once') return;
  lane.closedTries.push({ offset: entry.stored.offset, history, group: entry.doneGroup });
}

const COMPACT_AT = 512;

/** Moves on over what is over at the front of the window. */
export function settleWindow(core: Core, lane: Lane): void {
  const { window } = lane;
  const isLate = lane.consumer.planned.guarantee === 'at-least-once';
  const group = core.writes.open.number;
  let { head } = lane;
  while (head < window.length && (window[head] as Entry).phase === 'done') {
    const { stored, doneGroup } = window[head] as Entry;
    lane.finished = stored.offset + 1;
    // It was noted as over; the write that now closes the gap before it does not commit it yet.
    if (isLate && doneGroup < group) lane.closedDone.push({ offset: stored.offset, group });
    lane.ahead--;
    head++;
  }
  if (head === window.length) {
    window.length = 0;
    head = 0;
    if (lane.jumpTo > lane.finished) lane.finished = lane.jumpTo;
  } else if (head >= COMPACT_AT) {
    window.splice(0, head);
    head = 0;
  }
  lane.head = head;
}
