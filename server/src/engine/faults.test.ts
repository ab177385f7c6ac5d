import { FAULT_KINDS, type FaultKind, type FaultTarget } from '@millrace/shared/faults/fault.ts';
import { describe, expect, it } from 'vitest';
import { flow, listSource } from '../simulator/testing/flowBuilder.ts';
import { runVirtual, type VirtualRunOptions } from '../simulator/virtualRun.ts';

const TOTAL = 200;
const START_MS = 1_767_225_600_000;

const TARGETS: Record<FaultKind, FaultTarget> = {
  crash: { nodeId: 'node:work', instance: 0 },
  pause: { nodeId: 'node:work' },
  slow: { nodeId: 'node:work' },
  fail: { nodeId: 'node:work' },
  duplicate: { edgeId: 'edge:1' },
  delay: { edgeId: 'edge:2' },
  reorder: { edgeId: 'edge:2' },
  'lost-acks': { nodeId: 'node:in' },
  'refuse-appends': { nodeId: 'node:in' },
  corrupt: { edgeId: 'edge:1' },
};

function run(kind: FaultKind | null, rate = 1, extra: Partial<VirtualRunOptions> = {}) {
  const document = flow()
    .node('replay', 'source', { speed: { mode: 'rate', ratePerSecond: 200 } })
    .node('topic', 'in', { partitions: 2 })
    .node('log', 'work', { instances: 2, retry: PATIENT })
    .edges('source > in', 'in > work')
    .document();
  const spec = kind && { kind, target: TARGETS[kind], rate, delayMs: 100, durationMs: 400 };
  return runVirtual({
    document,
    seed: 1,
    sources: {
      'node:source': listSource(TOTAL, (index) => ({ id: `item-${index}`, key: `k${index % 10}` })),
    },
    ...(spec ? { faultPlan: [{ kind: 'injected', fromMs: 200, toMs: 600, spec }] } : {}),
    ...extra,
  });
}

const PATIENT = {
  attemptsMax: 100,
  backoff: 'fixed' as const,
  delayMs: 20,
  delayMsMax: 20,
  jitter: 0,
  order: 'in-order' as const,
  exceptFor: '',
};
const between = (from: number, to: number, timeMs: number): boolean =>
  timeMs >= START_MS + from && timeMs < START_MS + to;

describe('injected faults', () => {
  it.each(FAULT_KINDS)('[SM2] %s fires, says how often, heals, and the run goes on to its end', (kind) => {
    const result = run(kind, kind === 'fail' ? 0.5 : 1);
    expect(result.fired[kind]).toBeGreaterThan(0);
    const traced = result.traces.filter((record) => record.kind === 'fault-injected');
    expect(traced).toHaveLength(result.fired[kind] as number);
    expect(result.view.status).toBe('completed');
    expect(result.view.faults).toEqual([]);
    expect(new Set(result.delivered['node:work']?.map(({ message }) => message.id)).size).toBe(TOTAL);
  });

  it('[SM2] pause: nothing is handed out while it lasts', () => {
    const seen = run('pause').traces.filter(({ kind }) => kind === 'delivered');
    expect(seen.filter(({ timeMs }) => between(210, 600, timeMs))).toEqual([]);
    expect(seen.filter(({ timeMs }) => between(0, 200, timeMs)).length).toBeGreaterThan(0);
  });

  it('[SM2] slow: outcomes come later by so much for each message', () => {
    const slow = run('slow').traces.filter(({ kind }) => kind === 'handled');
    const during = slow.filter(({ timeMs }) => between(210, 600, timeMs)).length;
    expect(during).toBeLessThan(30);
  });

  it('[SM2] fail: attempts end as failed and are tried again', () => {
    const result = run('fail', 0.5);
    const { failed = 0, retried = 0 } = result.view.nodes['node:work'] ?? {};
    expect(failed).toBe(result.fired.fail);
    expect(retried).toBe(failed);
    expect(result.traces.some(({ errorCode }) => errorCode === 'FAULT_INJECTED')).toBe(true);
  });

  it.each(['duplicate', 'lost-acks'] as const)(
    '[SM2] [MS2] %s: messages are there twice, under one id',
    (kind) => {
      const result = run(kind);
      const ends = result.log.offsets('node:in').reduce((sum, { end }) => sum + end, 0);
      expect(ends).toBe(TOTAL + (result.fired[kind] as number));
      expect(result.view.nodes['node:in']).toMatchObject({ in: ends });
      expect(result.view.nodes['node:source']).toMatchObject({ out: TOTAL });
    },
  );

  it('[SM2] delay: messages are handed out so long after their append, in order', () => {
    const result = run('delay');
    const appended = new Map(
      result.traces.flatMap(({ kind, messageId, timeMs }) =>
        kind === 'appended' ? [[messageId, timeMs]] : [],
      ),
    );
    const during = result.traces.filter(
      ({ kind, timeMs }) => kind === 'delivered' && between(210, 600, timeMs),
    );
    expect(during.length).toBeGreaterThan(0);
    for (const { messageId, timeMs } of during)
      expect(timeMs - (appended.get(messageId) as number)).toBeGreaterThanOrEqual(100);
    for (const partition of [0, 1]) {
      const offsets = result.delivered['node:work']
        ?.filter((own) => own.partition === partition)
        .map(({ offset }) => offset);
      expect(offsets).toEqual([...(offsets ?? [])].sort((a, b) => a - b));
    }
  });

  it('[SM2] reorder: another order, and nothing missing', () => {
    const result = run('reorder', 1, {});
    const offsets =
      result.delivered['node:work']?.filter(({ partition }) => partition === 0).map(({ offset }) => offset) ??
      [];
    expect([...offsets].sort((a, b) => a - b)).toEqual(offsets.map((_, index) => index));
  });

  it('[SM2] [TP6] refuse-appends: the producer waits and loses nothing', () => {
    const result = run('refuse-appends');
    const appended = result.traces.filter(({ kind }) => kind === 'appended');
    expect(appended.filter(({ timeMs }) => between(215, 600, timeMs))).toEqual([]);
    expect(result.view.nodes['node:source']).toMatchObject({ out: TOTAL, dropped: 0 });
  });

  it('[SM2] corrupt: the payload is not what was sent', () => {
    const mangled = run('corrupt').delivered['node:work']?.filter(({ message }) =>
      message.data.includes('corrupted'),
    );
    expect(mangled?.length).toBe(run('corrupt').fired.corrupt);
  });

  it('[SM2] a fault goes on after a restart, and a new one gets an id of its own', () => {
    const spec = { kind: 'slow' as const, target: TARGETS.slow, rate: 1, delayMs: 1, durationMs: null };
    const result = run(null, 1, {
      faultPlan: [
        { kind: 'injected', fromMs: 0, toMs: 900, spec },
        { kind: 'process-crash', fromMs: 50, toMs: 50 },
        ...[60, 61, 62, 63, 64, 65].map((fromMs) => ({ kind: 'injected' as const, fromMs, toMs: 900, spec })),
      ],
      untilMs: 800,
    });
    const ids = result.view.faults.map(({ id }) => id);
    expect(ids).toHaveLength(7);
    expect(new Set(ids).size).toBe(7);
  });

  it('[SM2] a place that cannot have the fault is refused with what to choose', () => {
    const spec = {
      kind: 'crash' as const,
      target: { nodeId: 'node:in' },
      rate: 1,
      delayMs: 0,
      durationMs: null,
    };
    const command = { type: 'inject-fault' as const, fault: spec };
    const result = run(null, 1, { commands: [{ afterMs: 0, type: 'command', command }] });
    expect(result.answers[0]).toMatchObject({ ok: false, error: { code: 'FAULT_INVALID' } });
  });
});

describe('faults of the surroundings', () => {
  it('[SM2] a clock that jumps forward and back, slow storage and a full disk lose nothing', () => {
    const span = { fromMs: 100, toMs: 600 };
    const fired: Record<string, number> = {};
    for (const skewMs of [-4000, 4000]) {
      const result = run(null, 1, {
        faultPlan: [
          { kind: 'clock-skew', skewMs, ...span },
          { kind: 'slow-storage', delayMs: 30, ...span },
          { kind: 'writes-refused', share: 0.5, ...span },
        ],
      });
      expect(result.view.status).toBe('completed');
      expect(result.delivered['node:work']).toHaveLength(TOTAL);
      for (const [kind, times] of Object.entries(result.fired)) fired[kind] = (fired[kind] ?? 0) + times;
    }
    for (const kind of ['clock-skew', 'slow-storage', 'writes-refused'])
      expect(fired[kind]).toBeGreaterThan(0);
  });
});
