import { describe, expect, it } from 'vitest';
import { flow, listSource } from '../simulator/testing/flowBuilder.ts';
import { runVirtual } from '../simulator/virtualRun.ts';

const TOTAL = 600;
const KEPT = 50;

/** A reader that stands still while retention passes it by, then goes on as its policy says. */
function run(whenDeleted: 'earliest' | 'latest' | 'stop') {
  const document = flow()
    .node('replay', 'source', { speed: { mode: 'rate', ratePerSecond: 100 } })
    .node('topic', 'in', { partitions: 1, retentionMessages: KEPT })
    .node('log', 'sink', { whenDeleted })
    .edges('source > in', 'in > sink')
    .settings({ backlogMessagesMax: 10_000 })
    .document();
  const node = 'node:sink';
  // Paused from 1 s to 20 s, and moved back to the start, which is deleted by then.
  const result = runVirtual({
    document,
    seed: 1,
    sources: { 'node:source': listSource(TOTAL, (index) => ({ id: `item-${index}` })) },
    commands: [
      { afterMs: 1000, type: 'command', command: { type: 'pause-group', node } },
      {
        afterMs: 15_000,
        type: 'command',
        command: { type: 'seek', node, positions: [{ topic: 'node:in', partition: 0, offset: 0 }] },
      },
      { afterMs: 20_000, type: 'command', command: { type: 'resume-group', node } },
    ],
  });
  const offsets = (result.delivered[node] ?? []).map(({ offset }) => offset);
  const { start = -1, end = -1 } = result.log.offsets('node:in')[0] ?? {};
  return { result, offsets, start, end, counters: result.view.nodes[node] };
}

describe('a reader whose next offset was deleted', () => {
  it('[TP4] earliest: goes on with the first that is left, and what it missed is counted and traced', () => {
    const { result, offsets, start, counters } = run('earliest');
    expect(result.view.status).toBe('completed');
    expect(offsets.filter((offset) => offset >= start)).toEqual(
      Array.from({ length: TOTAL - start }, (_, index) => start + index),
    );
    expect(start).toBeGreaterThan(400);
    expect(counters?.expired).toBeGreaterThanOrEqual(
      start - (offsets.findLast((offset) => offset < start) ?? 0) - 1,
    );
    const traced = result.traces.find(({ kind, nodeId }) => kind === 'expired' && nodeId === 'node:sink');
    expect(traced?.detail).toMatch(
      /^Offsets \d+ to \d+ were deleted before they were read; goes on at \d+\.$/,
    );
  });

  it('[TP4] [TR3] latest: goes on at the end, and all that it passes over is counted', () => {
    const { result, offsets, counters } = run('latest');
    expect(result.view.status).toBe('completed');
    expect(offsets.every((offset) => offset < TOTAL - KEPT)).toBe(true);
    expect(result.view.subscriptions['edge:2']).toMatchObject({ committed: [TOTAL], lag: 0 });
    expect(counters?.expired).toBe(TOTAL);
  });

  it('[TP4] stop: ends the run as failed, with the offsets it could not read', () => {
    const { result } = run('stop');
    expect(result.statuses.at(-1)).toMatchObject({ status: 'failed', error: { code: 'OFFSET_DELETED' } });
    expect(result.statuses.at(-1)?.error?.message).toContain('is to read offset 0 of in, partition 0');
  });
});
