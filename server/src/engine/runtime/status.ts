import { isFinalRunStatus } from '@millrace/shared/trace/metrics.ts';
import type { EngineError } from '../io.ts';
import type { Core } from './core.ts';
import { cancelPrepared } from './flights.ts';
import { nothingToWrite } from './groups.ts';
import { enqueueLane } from './laneQueue.ts';
import { fetchMore } from './lanes.ts';
import { DRAIN_MS_MAX } from './limits.ts';
import { isRedriving } from './redriveJob.ts';
import { addWake } from './wakes.ts';

/** Rule RN2: created → running ⇄ paused → stopping → stopped | completed | failed. */
export function setStatus(core: Core, status: Core['status'], error: EngineError | null): void {
  if (core.status === status) return;
  core.status = status;
  core.effects.push({ type: 'status', status, error });
}

export function isOver(core: Core): boolean {
  return isFinalRunStatus(core.status);
}

export function pause(core: Core): void {
  if (core.status !== 'running') return;
  setStatus(core, 'paused', null);
  cancelPrepared(core, () => true);
  for (const producer of core.producers) producer.pausedAtMs = core.nowMs;
}

export function resume(core: Core): void {
  if (core.status !== 'paused') return;
  setStatus(core, 'running', null);
  for (const producer of core.producers) {
    if (producer.pausedAtMs !== null) producer.shiftMs += core.nowMs - producer.pausedAtMs;
    producer.pausedAtMs = null;
    producer.pacedMs = core.nowMs;
  }
  wakeAllLanes(core);
}

export function wakeAllLanes(core: Core): void {
  for (const consumer of core.consumers) {
    for (const { lanes } of consumer.subscriptions) {
      for (const lane of lanes) {
        enqueueLane(lane);
        fetchMore(core, lane);
      }
    }
  }
}

/**
 * Rule RN3: producers first, then what the topics still hold for their readers, for a bounded time, then the commit.
 * Asked a second time, or while the run is paused, it waits only for what is being handled.
 */
export function stop(core: Core): void {
  if (core.status === 'running') {
    core.drainUntilMs = core.nowMs + DRAIN_MS_MAX;
    addWake(core.wakes, core.drainUntilMs, { kind: 'producer' });
  } else core.drainUntilMs = null;
  beginEnding(core, 'stopped', null);
}

/** Ends the run once what is being handled is over. `finishEnding` sees the end of it. */
export function beginEnding(core: Core, status: 'stopped' | 'failed', error: EngineError | null): void {
  if (isOver(core)) return;
  // A failure is not forgotten because somebody presses stop while the run drains, nor does it wait for a second one.
  if (core.ending === null || (core.ending.status !== 'failed' && status === 'failed'))
    core.ending = { status, error };
  if (status === 'failed') core.drainUntilMs = null;
  setStatus(core, 'stopping', null);
}

/** Nothing more can be made durable: ends at once. What was not acknowledged is done again by a later run of the log. */
export function failNow(core: Core, error: EngineError): void {
  if (isOver(core)) return;
  core.ending = { status: 'failed', error };
  setStatus(core, 'failed', error);
}

/** Ends a run that drains once nothing is under way, and completes one that has nothing left to do. */
export function finishEnding(core: Core): void {
  if (core.status === 'stopping' && core.ending !== null) {
    if (core.drainUntilMs !== null && (core.nowMs >= core.drainUntilMs || hasDrained(core)))
      core.drainUntilMs = null;
    if (core.drainUntilMs !== null) return;
    cancelPrepared(core, () => true);
    if (!isBusy(core) && nothingToWrite(core)) setStatus(core, core.ending.status, core.ending.error);
    return;
  }
  if (core.status !== 'running' || !isDrained(core)) return;
  const broken = core.producers.find(({ error }) => error !== null);
  core.ending = broken ? { status: 'failed', error: broken.error } : { status: 'completed', error: null };
  setStatus(core, core.ending.status, core.ending.error);
}

function isDrained(core: Core): boolean {
  for (const producer of core.producers) {
    if (producer.error !== null) continue;
    if (producer.planned.operator.endless || !producer.sourceDone || producer.head < producer.buffer.length)
      return false;
  }
  if (isBusy(core) || !nothingToWrite(core) || isRedriving(core)) return false;
  return core.consumers.every(({ timers }) => timers.size === 0) && hasNoBacklog(core);
}

function isBusy(core: Core): boolean {
  return core.flights.size + core.prepared.length > 0;
}

function hasNoBacklog(core: Core): boolean {
  return core.consumers.every(({ subscriptions }) => subscriptions.every(({ backlog }) => backlog === 0));
}

/** A group that was paused hands nothing on; a run that is stopped does not wait for it. */
function hasDrained(core: Core): boolean {
  return core.consumers.every(
    ({ group, subscriptions }) => group.paused || subscriptions.every(({ backlog }) => backlog === 0),
  );
}
