import { describe, expect, it } from 'vitest';
import { flow, listSource } from '../simulator/testing/flowBuilder.ts';
import { runVirtual, type VirtualCommand } from '../simulator/virtualRun.ts';
import type { EngineCommand } from './io.ts';

const TOTAL = 40;

function run(commands: VirtualCommand[], config: object = {}, crashesAfterMs: number[] = []) {
  const document = flow()
    .node('replay', 'source', { speed: { mode: 'full' } })
    .node('topic', 'in', { partitions: 1 })
    .node('log', 'sink', config)
    .edges('source > in', 'in > sink')
    .document();
  // An item that is due late keeps the run going.
  const items = listSource(TOTAL, (index) => ({ id: `item-${index}` }));
  const result = runVirtual({
    document,
    seed: 1,
    sources: { 'node:source': items },
    commands,
    faults: { crashesAfterMs },
  });
  return { result, offsets: (result.delivered['node:sink'] ?? []).map(({ offset }) => offset) };
}

const ask = (afterMs: number, command: EngineCommand): VirtualCommand => ({
  afterMs,
  type: 'command',
  command,
});
const node = 'node:sink';
const seekTo = (offset: number): EngineCommand => ({
  type: 'seek',
  node,
  positions: [{ topic: 'node:in', partition: 0, offset }],
});
const all = Array.from({ length: TOTAL }, (_, index) => index);

describe('moving a group', () => {
  it('[CG3] is refused while the group runs', () => {
    const { result, offsets } = run([ask(0, seekTo(0))]);
    expect(result.answers[0]).toMatchObject({ ok: false, error: { code: 'GROUP_NOT_PAUSED' } });
    expect(offsets).toEqual(all);
  });

  it('[CG3] back to the earliest: everything is handed out again, traced as redelivered', () => {
    for (const guarantee of ['exactly-once', 'at-least-once', 'at-most-once']) {
      const { result, offsets } = run(
        [
          ask(0, { type: 'scale-group', node, instances: 1 }),
          { afterMs: 15, type: 'pause' },
          ask(30, seekTo(0)),
          { afterMs: 60, type: 'resume' },
        ],
        { guarantee, retry: SLOW_RETRY },
      );
      const moved = result.answers.find(({ ok }) => ok && result.answers.length > 0);
      expect(moved).toBeDefined();
      const seen = result.traces.filter(({ kind }) => kind === 'delivered' || kind === 'redelivered');
      const again = seen.filter(({ kind }) => kind === 'redelivered').map(({ offset }) => offset);
      expect(again.length).toBeGreaterThan(0);
      expect(again).toEqual(all.slice(0, again.length));
      expect(offsets.slice(-TOTAL)).toEqual(all);
      expect(result.view.status).toBe('completed');
    }
  });

  it('[CG3] on to the end, or to an offset: what lies between is not handed out', () => {
    const at = (offset: number) =>
      run([
        ask(0, { type: 'pause-group', node }),
        ask(30, seekTo(offset)),
        ask(60, { type: 'resume-group', node }),
      ]);
    expect(at(TOTAL).offsets).toEqual([]);
    expect(at(30).offsets).toEqual(all.slice(30));
    expect(at(30).result.view.subscriptions['edge:2']).toMatchObject({ committed: [TOTAL], lag: 0 });
  });

  it('[CG3] is durable when it is answered, whatever the guarantee', () => {
    for (const guarantee of ['exactly-once', 'at-least-once', 'at-most-once']) {
      for (let afterMs = 31; afterMs < 60; afterMs++) {
        const commands = [
          ask(0, { type: 'pause-group', node }),
          ask(30, seekTo(30)),
          ask(200, { type: 'resume-group', node }),
        ];
        const { result, offsets } = run(commands, { guarantee }, [afterMs]);
        const answered = result.answers.some(({ ok, requestId }) => ok && requestId === 2);
        if (answered) expect(offsets, `${guarantee}, a crash after ${afterMs} ms`).toEqual(all.slice(30));
      }
    }
  });
});

const SLOW_RETRY = {
  attemptsMax: 1,
  backoff: 'fixed' as const,
  delayMs: 0,
  delayMsMax: 0,
  jitter: 0,
  order: 'in-order' as const,
  exceptFor: '',
};
