import type { AttemptOutcome } from '../../io.ts';
import type { Entry, Flight, Lane, Strand } from '../consumer.ts';
import type { Core } from '../core.ts';
import { addWake } from '../wakes.ts';
import { faultsOfKind, fired, firedAt, meetsLane, strikes, strikesMessage } from './fault.ts';

/** What faults do where messages are handed out and outcomes come back. */

/** True while a fault keeps the lane from being handed anything. */
export function isHeld(core: Core, lane: Lane): boolean {
  for (const fault of faultsOfKind(core, 'pause')) {
    if (!meetsLane(fault, lane)) continue;
    if (fault.fired === 0) {
      const place = { topic: lane.topic.planned.topic, partition: lane.partition, offset: lane.finished };
      firedAt(core, fault, lane.consumer.planned.node, place, 'nothing is handed out');
    }
    return true;
  }
  return false;
}

/** Holds the first message of a strand back until it is old enough. False where it may go. */
export function isDelayed(core: Core, strand: Strand, entry: Entry): boolean {
  for (const fault of faultsOfKind(core, 'delay')) {
    const { lane } = strand;
    const { message, appendedAtMs, offset } = entry.stored;
    if (!meetsLane(fault, lane) || !strikesMessage(fault, message)) continue;
    const dueMs = appendedAtMs + fault.spec.delayMs;
    if (dueMs <= core.nowMs) continue;
    if (!strand.held) {
      const place = { topic: lane.topic.planned.topic, partition: lane.partition, offset };
      fired(core, fault, lane.consumer.planned.node, message, place);
    }
    strand.held = true;
    strand.retryAtMs = dueMs;
    addWake(core.wakes, dueMs, { kind: 'strand', strand });
    return true;
  }
  strand.held = false;
  return false;
}

/** How far from the end of its strand a reordered message may land. */
const REORDER_REACH = 8;

/** Where among the waiting messages of its strand a new one is put; its end without a fault. */
export function placeInQueue(core: Core, lane: Lane, entry: Entry): number {
  const { queue, head } = entry.strand;
  for (const fault of faultsOfKind(core, 'reorder')) {
    if (queue.length === head || !meetsLane(fault, lane) || !strikes(core, fault)) continue;
    const { message, offset } = entry.stored;
    const place = { topic: lane.topic.planned.topic, partition: lane.partition, offset };
    fired(core, fault, lane.consumer.planned.node, message, place);
    const reach = Math.min(REORDER_REACH, queue.length - head);
    return queue.length - 1 - core.faultRandom.int(reach);
  }
  return queue.length;
}

/** How long an outcome is held back on its way: `slow` by so much for each message. */
export function lateness(core: Core, flight: Flight): number {
  let lateMs = 0;
  const handled = flight.entries.length + flight.timers.length;
  for (const fault of faultsOfKind(core, 'slow')) {
    if (!meetsLane(fault, flight.lane, flight.instance.index) || !strikes(core, fault)) continue;
    lateMs += fault.spec.delayMs * handled;
    const [entry] = flight.entries;
    if (!entry) continue;
    const { lane } = flight;
    const place = { topic: lane.topic.planned.topic, partition: lane.partition, offset: entry.stored.offset };
    fired(core, fault, lane.consumer.planned.node, entry.stored.message, place);
  }
  return lateMs;
}

/** Attempts that went well end as failed after all. Outcomes after the first that is not ok are gone, as always. */
export function withFailures(core: Core, flight: Flight, outcomes: AttemptOutcome[]): AttemptOutcome[] {
  const { lane, entries, timers } = flight;
  const faults = faultsOfKind(core, 'fail').filter((fault) => meetsLane(fault, lane, flight.instance.index));
  for (const fault of faults) {
    const at = outcomes.findIndex((outcome) => outcome.status === 'ok' && strikes(core, fault));
    if (at < 0) continue;
    const { durationUs, logs } = outcomes[at] as AttemptOutcome;
    const entry = entries[at - timers.length];
    if (entry) {
      const place = {
        topic: lane.topic.planned.topic,
        partition: lane.partition,
        offset: entry.stored.offset,
      };
      const attempt = (entry.attempts?.attempts ?? 0) + 1;
      fired(core, fault, lane.consumer.planned.node, entry.stored.message, place, attempt);
    }
    const error = {
      code: 'FAULT_INJECTED' as const,
      message: `A fault that was injected made this attempt fail (${fault.id}).`,
    };
    return [...outcomes.slice(0, at), { status: 'failed', durationUs, error, logs }];
  }
  return outcomes;
}
