import { emptyDocument } from '@millrace/shared/flow/document.ts';
import { metricsSnapshot } from '@millrace/shared/trace/testing/metricsSnapshot.ts';
import { describe, expect, it } from 'vitest';
import { groupView, membersText, memberTitle, partitionRanges, showsMembers } from '../../live/groups.ts';
import { LiveRun } from '../../live/liveRun.ts';
import { movedText, NO_SEEK, readSeek } from './seekModel.ts';

function liveGroup(owners: number[], states: ('up' | 'paused' | 'down')[]): LiveRun {
  const live = new LiveRun('run:a');
  live.setDocument(emptyDocument('flow:a', 'A'));
  live.metrics.add(
    metricsSnapshot({
      groups: {
        'node:h': {
          generation: 4,
          paused: false,
          instances: states.map((state) => ({ state, inFlight: 1 })),
          owners: { 'edge:th': owners },
        },
      },
    }),
    0,
  );
  return live;
}

describe('[CG2] a consumer group as the page shows it', () => {
  it('says who owns which partition, and which nobody owns', () => {
    const view = groupView(liveGroup([0, 0, 1, -1], ['up', 'up', 'down']), 'node:h');
    expect(view?.members.map(({ owns }) => owns.map(({ partitions }) => partitions))).toEqual([
      [[0, 1]],
      [[2]],
      [],
    ]);
    expect(view?.orphans).toEqual([{ edgeId: 'edge:th', topic: 'edge:th', partitions: [3] }]);
    expect(membersText(view?.members ?? [])).toBe('2 instances up, 1 down');
    expect(view && memberTitle(view.members[0] as (typeof view.members)[number])).toBe(
      'Instance 0: up, 1 message in flight, owns edge:th 0, 1',
    );
  });

  it('draws no dot for the one instance that every consumer has', () => {
    const shows = (states: ('up' | 'paused' | 'down')[]) => {
      const view = groupView(liveGroup([0], states), 'node:h');
      return view !== null && showsMembers(view);
    };
    expect([shows(['up']), shows(['down']), shows(['up', 'up'])]).toEqual([false, true, true]);
    expect(groupView(liveGroup([0], ['up']), 'node:other')).toBeNull();
  });

  it('draws runs of partitions together', () => {
    expect(partitionRanges([])).toBe('');
    expect(partitionRanges([0, 1, 2, 3, 7, 9, 10])).toBe('0–3, 7, 9, 10');
  });
});

describe('[CG3] where a paused group is moved to', () => {
  it('reads a place or says what is missing', () => {
    expect(readSeek(NO_SEEK)).toEqual({ ok: true, to: { at: 'earliest' } });
    expect(readSeek({ ...NO_SEEK, at: 'offset', offset: '1,200' })).toEqual({
      ok: true,
      to: { at: 'offset', offset: 1200 },
    });
    expect(readSeek({ ...NO_SEEK, at: 'time', time: '2026-01-02T03:04:05Z' })).toEqual({
      ok: true,
      to: { at: 'time', time: '2026-01-02T03:04:05.000Z' },
    });
    for (const offset of ['', '-1', '1.5', 'x'])
      expect(readSeek({ ...NO_SEEK, at: 'offset', offset }).ok, offset).toBe(false);
    expect(readSeek({ ...NO_SEEK, at: 'time', time: '' }).ok).toBe(false);
  });

  it('says what it did to a partition', () => {
    expect([
      movedText({ from: 1200, to: 0 }),
      movedText({ from: 0, to: 3 }),
      movedText({ from: 5, to: 5 }),
    ]).toEqual(['back 1,200', 'on 3', 'stays']);
  });
});
