import type { Core, Lane } from './core.ts';
import { storeAttempts } from './failures.ts';
import { touchLane } from './groups.ts';
import { enqueueLane } from './lanes.ts';

/**
 * Going carefully after a crash. A message whose handling kills the whole process leaves no outcome behind, and would kill
 * every process after it. So after a crash, until every lane of sandboxed code has passed the offsets that can have been
 * in flight, one invocation at a time is under way in the whole run, and which messages it holds is written down, durably,
 * before it begins. If the process dies again, the note says where: a batch is then taken apart message by message, and
 * a single message gets the crash counted as an attempt, so that it reaches the dead letters in the end (DL2, DL4).
 */
export function mustCare(core: Core, lane: Lane): boolean {
  return core.careful.active && lane.consumer.planned.operator.runtime === 'sandbox';
}

/** True when the lane may invoke now; otherwise it is called again when that is so. */
export function takeCare(core: Core, lane: Lane, messages: number): boolean {
  const { careful } = core;
  if (careful.holder === lane) return true;
  if (careful.holder !== null) return false;
  careful.holder = lane;
  careful.count = lane.finished < lane.suspectUntil ? 1 : messages;
  storeAttempts(core, lane, careful.count);
  lane.gate = core.writes.open.number;
  touchLane(core, lane);
  return false;
}

/** A step chose another lane: what was noted for the holder has not begun. */
export function giveUpCare(core: Core, lane: Lane): void {
  const { holder } = core.careful;
  if (holder !== null && holder !== lane && holder.flight === null) core.careful.holder = null;
}

/** The invocation is over: the next lane may go, and once all have passed the dangerous offsets, all may. */
export function releaseCare(core: Core, lane: Lane): void {
  const { careful } = core;
  if (careful.holder !== lane) return;
  careful.holder = null;
  lookForEndOfCare(core);
  wakeSandboxLanes(core);
}

export function lookForEndOfCare(core: Core): void {
  const { careful } = core;
  if (!careful.active || careful.holder !== null) return;
  for (const consumer of core.consumers) {
    if (consumer.planned.operator.runtime !== 'sandbox') continue;
    for (const { lanes } of consumer.subscriptions) {
      // A message that waits for its retry has been survived; the run does not crawl for as long as it waits.
      if (lanes.some((lane) => lane.finished < lane.carefulUntil && lane.retryAtMs <= core.nowMs)) return;
    }
  }
  careful.active = false;
}

function wakeSandboxLanes(core: Core): void {
  for (const consumer of core.consumers) {
    if (consumer.planned.operator.runtime !== 'sandbox') continue;
    for (const { lanes } of consumer.subscriptions) for (const lane of lanes) enqueueLane(lane);
  }
}
