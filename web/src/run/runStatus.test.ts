import type { LogLine, RunSummary } from '@millrace/shared/protocol/entities.ts';
import { zeroCounters } from '@millrace/shared/trace/metrics.ts';
import { metricsSnapshot } from '@millrace/shared/trace/testing/metricsSnapshot.ts';
import { describe, expect, it } from 'vitest';
import { Ring } from '../live/ring.ts';
import { filterLines } from './logFilter.ts';
import { elapsedMs, refusals, statusView } from './runStatus.ts';
import { activeRun, shownRunId, withRun } from './runStore.ts';

function run(id: string, status: RunSummary['status'], createdMs = 0): RunSummary {
  return {
    id,
    flowId: 'flow:a',
    flowName: 'A',
    version: 1,
    engine: 'embedded',
    durability: 'fsync',
    seed: 1,
    status,
    createdMs,
    startedMs: createdMs,
    endedMs: null,
    restarts: 0,
    forkedFrom: null,
    error: null,
    counters: { 'node:p': zeroCounters() },
  };
}
const READY = { runnable: true, reason: null };

describe('run controls', () => {
  it('[RN2] refuses what the run cannot do now, with a reason', () => {
    const nothing = refusals(null, READY, null);
    expect(nothing.start).toBeNull();
    expect(
      [nothing.pause, nothing.step, nothing.stop].every((reason) => reason?.includes('Nothing is running')),
    ).toBe(true);
    const running = refusals(run('run:1', 'running'), READY, null);
    expect([running.pause, running.stop]).toEqual([null, null]);
    expect(running.step).toContain('Pause the run first');
    const paused = refusals(run('run:1', 'paused'), READY, null);
    expect([paused.resume, paused.step, paused.stop]).toEqual([null, null, null]);
    const stopping = refusals(run('run:1', 'stopping'), READY, null);
    expect([stopping.pause, stopping.stop].every((reason) => reason?.includes('stopping'))).toBe(true);
  });

  it('says what keeps the drawing from running', () => {
    expect(refusals(null, { runnable: false, reason: 'One error.' }, null).start).toBe('One error.');
  });

  it('[RN2] shows a stall and a failure with their reasons', () => {
    const metrics = metricsSnapshot({ runId: 'run:1', stalled: 'The disk is full.' });
    expect(statusView(run('run:1', 'running'), metrics)).toMatchObject({
      label: 'Stalled',
      reason: 'The disk is full.',
    });
    expect(statusView(run('run:1', 'stopped'), metrics).label).toBe('Stopped');
    const failed = {
      ...run('run:1', 'failed'),
      error: { code: 'STORAGE_CORRUPT' as const, message: 'The log is damaged.' },
    };
    expect(statusView(failed, null)).toMatchObject({ label: 'Failed', reason: 'The log is damaged.' });
    expect(elapsedMs({ ...failed, startedMs: 5, endedMs: 25 }, 1_000)).toBe(20);
  });

  it('[RN5] follows the active run unless another was picked', () => {
    const runs = [run('run:old', 'completed', 1), run('run:now', 'running', 2)].reduce<RunSummary[]>(
      withRun,
      [],
    );
    expect(activeRun(runs)?.id).toBe('run:now');
    expect(shownRunId({ runs, pickedRunId: null })).toBe('run:now');
    expect(shownRunId({ runs, pickedRunId: 'run:old' })).toBe('run:old');
    expect(shownRunId({ runs, pickedRunId: 'run:gone' })).toBe('run:now');
    expect(withRun(runs, run('run:now', 'stopped', 2)).map((one) => [one.id, one.status])).toEqual([
      ['run:now', 'stopped'],
      ['run:old', 'completed'],
    ]);
  });
});

describe('log filter', () => {
  it('keeps lines of the level and above, by text or node name, up to where the view is held', () => {
    const lines = new Ring<LogLine>(3);
    const add = (seq: number, level: LogLine['level'], message: string): void =>
      lines.push({ seq, timeMs: 0, level, nodeId: 'node:h', message, messageId: null, correlationId: null });
    add(0, 'error', 'gone');
    add(1, 'debug', 'detail');
    add(2, 'warn', 'Card declined');
    add(3, 'error', 'boom');
    const found = (filter: Parameters<typeof filterLines>[2], until = lines.next): number[] =>
      filterLines(lines, until, filter, () => 'Payment').map((line) => line.seq);
    expect(found({ level: 'debug', text: '', nodeId: null })).toEqual([1, 2, 3]);
    expect(found({ level: 'warn', text: '', nodeId: null })).toEqual([2, 3]);
    expect(found({ level: 'debug', text: 'CARD', nodeId: null })).toEqual([2]);
    expect(found({ level: 'debug', text: 'payment', nodeId: null }, 3)).toEqual([1, 2]);
    expect(found({ level: 'debug', text: '', nodeId: 'node:x' })).toEqual([]);
  });
});
