import { assert, assertNever } from '@millrace/shared/util/assert.ts';
import type { EngineEffect, EngineInput, EngineView } from './io.ts';
import { onWriteFailed, onWritten } from './runtime/acknowledge.ts';
import { buildCore, type EngineOptions } from './runtime/build.ts';
import { onCommand } from './runtime/commands.ts';
import type { Core } from './runtime/core.ts';
import { pumpLanes } from './runtime/dispatch.ts';
import { onFaultDue } from './runtime/faults/commands.ts';
import { pumpPrepared } from './runtime/flights.ts';
import { pumpSeeks } from './runtime/groupCommands.ts';
import { pumpWrites } from './runtime/groups.ts';
import { onIngested, pumpIngests } from './runtime/ingest.ts';
import { enqueueLane } from './runtime/laneQueue.ts';
import { fetchMore, onFetched, onFetchFailed } from './runtime/lanes.ts';
import { onMaintained, pumpMaintenance } from './runtime/maintenance.ts';
import { onInvoked, settleCrashed } from './runtime/outcomes.ts';
import { onSourced, onSourceFailed, pumpProducers } from './runtime/producers.ts';
import { RecordList } from './runtime/recordList.ts';
import { isRedriveFetch, onRedriveFetched, onRedriveFetchFailed, pumpRedrives } from './runtime/redrive.ts';
import { restore } from './runtime/restore.ts';
import {
  beginEnding,
  failNow,
  finishEnding,
  isOver,
  pause,
  resume,
  setStatus,
  stop,
  wakeAllLanes,
} from './runtime/status.ts';
import { onStepOne, pumpSteps } from './runtime/steps.ts';
import { onRetryDue, onStrandDue } from './runtime/strands.ts';
import { onTimerDue } from './runtime/timers.ts';
import { viewOf } from './runtime/view.ts';
import { nextWakeMs, takeDueWake } from './runtime/wakes.ts';

export type { EngineOptions };

/** The production core and the simulated one: the same code, driven by whoever holds it. */
export interface Engine {
  /** Takes one input and answers what is to be done. Never entered twice at once. */
  step(input: EngineInput): EngineEffect[];
  /** Reading it changes nothing. What a node says of itself is about `nowMs`; without it, about the last input. */
  view(nowMs?: number): EngineView;
}

export function createEngine(options: EngineOptions): Engine {
  const core = buildCore(options);
  return {
    step: (input) => step(core, input),
    view: (nowMs = core.nowMs) => viewOf(core, nowMs),
  };
}

function step(core: Core, input: EngineInput): EngineEffect[] {
  core.effects = [];
  core.records = new RecordList();
  core.lines = [];
  // A clock that is set back does not turn the core's time around.
  core.nowMs = Math.max(core.nowMs, input.nowMs);
  accept(core, input);
  if (core.status !== 'created') pump(core);
  return deliver(core);
}

function accept(core: Core, input: EngineInput): void {
  switch (input.type) {
    case 'start':
      return start(core, input);
    case 'tick':
      // The wake-up the driver had is used up, whether anything was due or it came early.
      core.wakeAtMs = undefined;
      return;
    case 'pause':
      return pause(core);
    case 'resume':
      return resume(core);
    case 'step-one':
      return onStepOne(core, input.requestId);
    case 'stop':
      return stop(core);
    case 'fetched':
      if (isRedriveFetch(core, input.fetchId)) return onRedriveFetched(core, input.fetchId, input.messages);
      return onFetched(core, input.fetchId, input.messages);
    case 'fetch-failed': {
      if (isRedriveFetch(core, input.fetchId))
        return onRedriveFetchFailed(core, input.fetchId, input.error, input.deleted);
      const end = onFetchFailed(core, input.fetchId, input.error, input.deleted);
      if (end?.finishFirst) beginEnding(core, 'failed', end.error);
      else if (end) failNow(core, end.error);
      return;
    }
    case 'invoked':
      return onInvoked(core, input.invocationId, input.outcomes);
    case 'written':
      return onWritten(core, input.writeId, input.bases);
    case 'write-failed':
      return onWriteFailed(core, input.writeId, input.error, input.retryable);
    case 'sourced':
      return onSourced(core, input.readId, input.items, input.done);
    case 'source-failed':
      return onSourceFailed(core, input.readId, input.error);
    case 'ingested':
      return onIngested(core, input.requestId, input.producer, input.messages);
    case 'command':
      return onCommand(core, input.requestId, input.command);
    case 'maintained':
      return onMaintained(core, input.changed, input.more);
    default:
      assertNever(input, 'input');
  }
}

function start(core: Core, { restored, paused }: Extract<EngineInput, { type: 'start' }>): void {
  assert(core.status === 'created', `a run that is ${core.status} cannot be started`);
  restore(core, restored);
  setStatus(core, paused ? 'paused' : 'running', null);
  for (const producer of core.producers) {
    producer.pacedMs = core.nowMs;
    producer.pausedAtMs = paused ? core.nowMs : null;
  }
  wakeAllLanes(core);
}

/** Does everything that can be done now. The order matters: what frees room comes before what takes it. */
function pump(core: Core): void {
  takeWakes(core);
  if (!isOver(core)) {
    settleCrashed(core);
    pumpIngests(core);
    pumpProducers(core);
    pumpRedrives(core);
    pumpMaintenance(core);
    pumpSeeks(core);
    pumpPrepared(core);
    if (core.status === 'running' || core.drainUntilMs !== null) pumpLanes(core);
    pumpWrites(core);
    finishEnding(core);
  }
  pumpSteps(core);
  if (isOver(core)) refuseLate(core);
  else pumpWrites(core);
}

/** Whoever still waits for something of a run that is over is told so. */
function refuseLate(core: Core): void {
  pumpIngests(core);
  pumpRedrives(core);
}

function takeWakes(core: Core): void {
  for (
    let wake = takeDueWake(core.wakes, core.nowMs);
    wake !== null;
    wake = takeDueWake(core.wakes, core.nowMs)
  ) {
    if (wake.kind === 'lane') {
      enqueueLane(wake.lane);
      fetchMore(core, wake.lane);
    } else if (wake.kind === 'timer') onTimerDue(core, wake.timer);
    else if (wake.kind === 'strand') onStrandDue(wake.strand);
    else if (wake.kind === 'fault') onFaultDue(core, wake.id);
    else if (wake.kind === 'late') onInvoked(core, wake.invocationId, wake.outcomes);
    else if (wake.kind === 'retry') onRetryDue(core, wake.lane, wake.entry);
  }
}

function deliver(core: Core): EngineEffect[] {
  const { effects } = core;
  if (core.records.length > 0) {
    core.tracesEmitted += core.records.length;
    effects.push({ type: 'trace', entries: core.records.entries });
  }
  if (core.lines.length > 0) effects.push({ type: 'log', lines: core.lines });
  const nextMs = isOver(core) ? null : nextWakeMs(core.wakes);
  const atMs = nextMs === null ? null : Math.ceil(nextMs);
  if (atMs !== core.wakeAtMs && !(atMs === null && core.wakeAtMs === undefined)) {
    core.wakeAtMs = atMs;
    effects.push({ type: 'wake', atMs });
  }
  return effects;
}
