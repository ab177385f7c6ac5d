import type { RunSummary } from '@millrace/shared/protocol/entities.ts';
import type { MetricsSnapshot } from '@millrace/shared/trace/metrics.ts';
import { isActive } from '../live/liveRun.ts';
import type { RunAction, RunGate } from './runStore.ts';

export type StatusTone = 'idle' | 'active' | 'waiting' | 'good' | 'bad';
export type StatusView = { label: string; tone: StatusTone; reason: string | null };

/** What the status pill says. A stall outranks `running`, because nothing moves while storage refuses writes. */
export function statusView(run: RunSummary, metrics: MetricsSnapshot | null): StatusView {
  const stalled = isActive(run.status) ? (metrics?.stalled ?? null) : null;
  if (stalled !== null) return { label: 'Stalled', tone: 'bad', reason: stalled };
  switch (run.status) {
    case 'created':
      if (run.forkedFrom)
        return {
          label: 'Copying…',
          tone: 'waiting',
          reason: 'The messages to be handled again are copied into this run first.',
        };
      return { label: 'Starting…', tone: 'waiting', reason: null };
    case 'running':
      return { label: 'Running', tone: 'active', reason: null };
    case 'paused':
      return { label: 'Paused', tone: 'waiting', reason: null };
    case 'stopping':
      return {
        label: 'Stopping…',
        tone: 'waiting',
        reason: 'Producers have stopped; what is in flight is finished and committed.',
      };
    case 'stopped':
      return { label: 'Stopped', tone: 'idle', reason: null };
    case 'completed':
      return {
        label: 'Completed',
        tone: 'good',
        reason: 'Every producer is done and every message is handled.',
      };
    case 'failed':
      return { label: 'Failed', tone: 'bad', reason: run.error?.message ?? 'It gave no reason.' };
  }
}

/** For each control: null when it can be used, else the sentence that says why not. */
export type Refusals = Record<
  'start' | 'pause' | 'resume' | 'step' | 'stop' | 'apply' | 'fork',
  string | null
>;

export function refusals(active: RunSummary | null, gate: RunGate, pending: RunAction | null): Refusals {
  const busy = pending === null ? null : BUSY[pending];
  const none = 'Nothing is running. Press Run first.';
  const status = active?.status ?? null;
  const stopping = status === 'stopping' ? 'The run is stopping: it finishes what is in flight.' : null;
  const starting = status === 'created' ? 'The run is still starting.' : null;
  const wait = busy ?? (status === null ? none : null) ?? stopping ?? starting;
  return {
    start:
      busy ??
      (status !== null ? 'This flow is running already. Stop it to run the current drawing.' : gate.reason),
    pause: wait ?? (status === 'paused' ? 'The run is paused already.' : null),
    resume: wait ?? (status === 'running' ? 'The run is not paused.' : null),
    step: wait ?? (status === 'running' ? 'Pause the run first: a step handles exactly one message.' : null),
    apply: wait ?? null,
    fork:
      busy ??
      (status !== null
        ? 'This flow is running. Stop the run to handle messages again in a new one.'
        : gate.reason),
    stop: busy ?? (status === null ? none : null) ?? stopping,
  };
}

const BUSY: Record<RunAction, string> = {
  start: 'The run is starting.',
  pause: 'The run is being paused.',
  resume: 'The run is being resumed.',
  step: 'One message is being handled.',
  stop: 'The run is being stopped.',
  delete: 'A run is being deleted.',
  fork: 'A run that handles messages again is being made.',
};

/** How long the run has been going, by the clock of whoever asks. */
export function elapsedMs(run: RunSummary, nowMs: number): number | null {
  if (run.startedMs === null) return null;
  return Math.max(0, (run.endedMs ?? nowMs) - run.startedMs);
}
