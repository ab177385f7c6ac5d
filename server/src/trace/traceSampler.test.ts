import type { Message } from '@millrace/shared/message/message.ts';
import type { TraceRecord } from '@millrace/shared/trace/record.ts';
import {
  expandEntries,
  type RecordRun,
  recordOfRun,
  type TraceEntry,
} from '@millrace/shared/trace/recordRun.ts';
import { traceRecord } from '@millrace/shared/trace/testing/traceRecord.ts';
import { createRandom } from '@millrace/shared/util/random.ts';
import { describe, expect, it } from 'vitest';
import { createTraceSampler, type SamplerOptions, type TraceSampler } from './traceSampler.ts';

const START_MS = 1_700_000_000_000;
const SEEDS = Array.from({ length: 10 }, (_, index) => index + 1);

const root = (id: string, timeMs = START_MS) => traceRecord({ kind: 'produced', messageId: id, timeMs });
const step = (
  kind: TraceRecord['kind'],
  correlationId: string,
  timeMs = START_MS,
  over: Partial<TraceRecord> = {},
) => traceRecord({ kind, messageId: `${correlationId}/m`, correlationId, timeMs, attempt: 1, ...over });

const messageNumber = (number: number): Message => ({
  id: `message-${number}`,
  source: '/flows/test/nodes/source',
  type: 'test.made',
  timeMs: number,
  key: `key-${number % 7}`,
  correlationId: `message-${number}`,
  causationId: null,
  data: '{}',
});
const runOf = (
  kind: TraceRecord['kind'],
  messages: Message[],
  timeMs: number,
  attempt: number,
): RecordRun => ({
  kind,
  timeMs,
  nodeId: `node:${kind}`,
  topic: kind === 'produced' ? null : 'node:topic',
  partition: kind === 'produced' ? -1 : 0,
  attempt,
  durationUs: 0,
  messages,
  offsets: messages.map(({ timeMs: offset }) => (kind === 'produced' ? -1 : offset)),
});

/** Drives the ratio down with so many other traces per 100 ms, for a second; the time after it. */
function crowd(sampler: TraceSampler, tracesPerTick: number, fromMs = 0, label = 'crowd'): number {
  for (let tick = 0; tick < 10; tick++) {
    const nowMs = fromMs + tick * 100;
    for (let i = 0; i < tracesPerTick; i++)
      sampler.sample([root(`${label}-${tick}-${i}`, START_MS + nowMs)], nowMs);
  }
  return fromMs + 1000;
}

/** An id that the sampler leaves out at the ratio it has now. */
function leaveOut(sampler: TraceSampler, nowMs: number, label = 'out'): string {
  for (let i = 0; ; i++) {
    const id = `${label}-${i}`;
    if (sampler.sample([root(id, START_MS + nowMs)], nowMs).length === 0) return id;
  }
}

/** A load that comes and goes: traces of several records each, interleaved; some fail. Says what became of every record. */
function runLoad(seed: number, options: Partial<SamplerOptions> = {}) {
  const random = createRandom(seed);
  const sampler = createTraceSampler({ ratePerSecond: 50, slowMs: 5000, ...options });
  const given = new Map<string, number>();
  const kept = new Map<string, TraceRecord[]>();
  const shares = new Set<number>();
  let live: { id: string; left: number; fails: boolean }[] = [];
  let traces = 0;
  let records = 0;
  for (let tick = 0; tick < 400; tick++) {
    const nowMs = tick * 25;
    const batch: TraceRecord[] = [];
    const isBusy = Math.floor(tick / 80) % 2 === 1;
    for (let n = random.int(isBusy ? 40 : 3); n > 0; n--) {
      const id = `trace-${traces++}`;
      batch.push(root(id, START_MS + nowMs));
      live.push({ id, left: 1 + random.int(8), fails: random.int(20) === 0 });
    }
    for (const trace of live) {
      if (random.int(3) > 0) continue;
      trace.left--;
      const kind = trace.left === 0 && trace.fails ? 'failed' : 'handled';
      batch.push(step(kind, trace.id, START_MS + nowMs));
    }
    live = live.filter(({ left }) => left > 0);
    for (const { correlationId } of batch) given.set(correlationId, (given.get(correlationId) ?? 0) + 1);
    records += batch.length;
    for (const record of sampler.sample(batch, nowMs)) {
      const own = kept.get(record.correlationId) ?? [];
      own.push(record);
      kept.set(record.correlationId, own);
    }
    shares.add(sampler.share());
  }
  return { sampler, given, kept, shares, traces, records };
}

describe('sampling of whole traces', () => {
  it('[TR2] [TR4] hands everything on up to the budget, and at any rate with a budget of 0', () => {
    const sampler = createTraceSampler({ ratePerSecond: 1000, slowMs: 1000 });
    const unlimited = createTraceSampler({ ratePerSecond: 0, slowMs: 1000 });
    for (let tick = 0; tick < 50; tick++) {
      const batch = Array.from({ length: 80 }, (_, i) => root(`t-${tick}-${i}`));
      expect(sampler.sample(batch, tick * 100)).toEqual(batch);
      const many = Array.from({ length: 5000 }, (_, i) => root(`u-${tick}-${i}`));
      expect(unlimited.sample(many, tick * 100)).toHaveLength(many.length);
    }
    expect(sampler.share()).toBe(1);
    expect(sampler.counts()).toMatchObject({ tracesBegun: 4000, tracesOut: 0, recordsOut: 0 });
    expect(unlimited.counts()).toMatchObject({ tracesBegun: 250_000, tracesOut: 0 });
  });

  it.each(SEEDS)('[TR2] decides of records in runs as of the same records one by one (seed %i)', (seed) => {
    const random = createRandom(seed);
    const options = {
      ratePerSecond: 40,
      slowMs: 400,
      limits: { ring: { recordsMax: 100_000, bytesMax: 1e9 }, tracesMax: 256, slowPerSecondMax: 5 },
    };
    const [ofRuns, ofRecords] = [createTraceSampler(options), createTraceSampler(options)];
    let made = 0;
    let live: Message[] = [];
    for (let tick = 0; tick < 300; tick++) {
      const nowMs = tick * 20;
      const entries: TraceEntry[] = [];
      const fresh = Array.from({ length: random.int(tick % 100 < 50 ? 30 : 2) }, () => messageNumber(made++));
      if (fresh.length > 0) entries.push(runOf('produced', fresh, START_MS + nowMs, 0));
      live.push(...fresh);
      if (live.length > 0 && random.int(6) === 0)
        entries.push(recordOfRun(runOf('failed', live, START_MS + nowMs, 1), random.int(live.length)));
      const handled = live.filter(() => random.int(3) === 0);
      if (handled.length > 0) entries.push(runOf('handled', handled, START_MS + nowMs, 1));
      live = live.filter((message) => !handled.includes(message) || random.int(2) === 0);
      expect(ofRuns.sample(entries, nowMs)).toEqual(ofRecords.sample(expandEntries(entries), nowMs));
      expect(ofRuns.counts()).toEqual(ofRecords.counts());
      expect(ofRuns.takeIncomplete()).toEqual(ofRecords.takeIncomplete());
    }
    expect(ofRuns.counts().promoted).toBeGreaterThan(0);
    expect(ofRuns.counts().recordsOut).toBeGreaterThan(1000);
  });

  it.each(SEEDS)('[TR2] keeps a trace whole or not at all while the ratio changes (seed %i)', (seed) => {
    const { sampler, given, kept, shares, traces, records } = runLoad(seed);
    expect(shares.size).toBeGreaterThan(2);
    let keptRecords = 0;
    for (const [id, own] of kept) {
      expect(own, id).toHaveLength(given.get(id) as number);
      expect(own[0]?.kind).toBe('produced');
      keptRecords += own.length;
    }
    expect(kept.size).toBeLessThan(traces);
    const counts = sampler.counts();
    expect(counts).toMatchObject({
      tracesBegun: traces,
      tracesOut: traces - kept.size,
      recordsOut: records - keptRecords,
      incomplete: 0,
      leftOut: 0,
    });
  });

  it.each(SEEDS)('[TR2] keeps every trace that fails, whatever the ratio (seed %i)', (seed) => {
    const all = runLoad(seed, { ratePerSecond: 0 });
    const failed = [...all.kept].filter(([, own]) => own.some(({ kind }) => kind === 'failed'));
    const { kept, sampler } = runLoad(seed);
    expect(failed.length).toBeGreaterThan(10);
    for (const [id, own] of failed) expect(kept.get(id), id).toEqual(own);
    expect(sampler.counts().promoted).toBeGreaterThan(0);
  });

  it('[TR2] goes down in powers of two to stay near the budget, and back up when it is quiet', () => {
    const sampler = createTraceSampler({ ratePerSecond: 100, slowMs: 1000 });
    const nowMs = crowd(sampler, 160);
    const before = sampler.counts();
    crowd(sampler, 160, nowMs, 'second');
    expect(sampler.share()).toBe(1 / 16);
    const counts = sampler.counts();
    const keptInSecond = counts.tracesBegun - before.tracesBegun - (counts.tracesOut - before.tracesOut);
    expect(keptInSecond).toBeGreaterThan(50);
    expect(keptInSecond).toBeLessThan(200);
    for (let i = 1; i <= 30; i++) sampler.sample([], nowMs + 1000 + i * 100);
    expect(sampler.share()).toBe(1);
  });

  it('[TR2] does not wait for the end of a window when a burst comes', () => {
    const sampler = createTraceSampler({ ratePerSecond: 100, slowMs: 1000 });
    const burst = Array.from({ length: 50_000 }, (_, i) => root(`b-${i}`));
    expect(sampler.sample(burst, 0).length).toBeLessThan(400);
  });

  it.each([
    'failed',
    'timed-out',
    'crashed',
    'rejected',
    'retry-scheduled',
    'dead-lettered',
    'skipped',
    'fault-injected',
    'redriven',
  ] as const)(
    '[TR2] brings back a trace that was left out when it is %s, from its first record on',
    (kind) => {
      const sampler = createTraceSampler({ ratePerSecond: 10, slowMs: 1000 });
      const nowMs = crowd(sampler, 200);
      const id = leaveOut(sampler, nowMs);
      const delivered = step('delivered', id, START_MS + nowMs);
      expect(sampler.sample([delivered], nowMs)).toEqual([]);
      const trouble = step(kind, id, START_MS + nowMs);
      const after = step('handled', id, START_MS + nowMs);
      const out = sampler.counts();
      expect(sampler.sample([trouble, after], nowMs)).toEqual([
        root(id, START_MS + nowMs),
        delivered,
        trouble,
        after,
      ]);
      expect(sampler.counts()).toEqual({
        ...out,
        tracesOut: out.tracesOut - 1,
        recordsOut: out.recordsOut - 2,
        promoted: 1,
      });
    },
  );

  it.each(['rejected', 'failed'] as const)(
    '[TR2] keeps what begins and ends as %s, because it was no message, as a trace of which nothing is missing',
    (kind) => {
      const sampler = createTraceSampler({ ratePerSecond: 10, slowMs: 1000 });
      const nowMs = crowd(sampler, 200);
      const before = sampler.counts();
      const ids = Array.from({ length: 20 }, (_, index) => `stranded-${index}`);
      const records = ids.map((id) => traceRecord({ kind, messageId: id, correlationId: id, attempt: 0 }));
      expect(sampler.sample(records, nowMs)).toEqual(records);
      const { tracesBegun, tracesOut, incomplete } = sampler.counts();
      expect(tracesBegun).toBe(before.tracesBegun + ids.length);
      expect({ tracesOut, incomplete }).toEqual({ tracesOut: before.tracesOut, incomplete: 0 });
    },
  );

  it('[TR2] counts duplicates without keeping their traces', () => {
    const sampler = createTraceSampler({ ratePerSecond: 10, slowMs: 1000 });
    const nowMs = crowd(sampler, 200);
    const id = leaveOut(sampler, nowMs);
    expect(sampler.sample([step('deduplicated', id, START_MS + nowMs)], nowMs)).toEqual([]);
  });

  it('[TR2] keeps a trace that takes longer than the limit, and one with an attempt that does', () => {
    const sampler = createTraceSampler({ ratePerSecond: 10, slowMs: 200 });
    const nowMs = crowd(sampler, 200);
    const begunMs = START_MS + nowMs;
    const slow = leaveOut(sampler, nowMs, 'slow');
    expect(sampler.sample([step('delivered', slow, begunMs + 200)], nowMs)).toEqual([]);
    expect(sampler.sample([step('handled', slow, begunMs + 201)], nowMs)).toHaveLength(3);
    const busy = leaveOut(sampler, nowMs, 'busy');
    const attempt = step('handled', busy, begunMs + 1, { durationUs: 200_001 });
    expect(sampler.sample([attempt], nowMs)).toHaveLength(2);
    expect(sampler.counts().promoted).toBe(2);
  });

  it('[TR3] promotes so many traces per second and counts what the limit leaves out', () => {
    const sampler = createTraceSampler({
      ratePerSecond: 10,
      slowMs: 1000,
      limits: { troublePerSecondMax: 50, slowPerSecondMax: 5 },
    });
    let nowMs = crowd(sampler, 200);
    let keptInAll = 0;
    const lengths = new Set<number>();
    for (let second = 1; second <= 3; second++) {
      let keptInSecond = 0;
      for (let i = 0; i < 10_000; i++) {
        const id = `error-${second}-${i}`;
        const batch = [root(id, START_MS + nowMs), step('failed', id, START_MS + nowMs)];
        batch.push(step('dead-lettered', id, START_MS + nowMs));
        const length = sampler.sample(batch, nowMs).length;
        lengths.add(length);
        if (length > 0) keptInSecond++;
      }
      expect(keptInSecond).toBeLessThan(50 + 60);
      keptInAll += keptInSecond;
      nowMs += 1000;
    }
    // Whole or not at all, here too.
    expect([...lengths].sort()).toEqual([0, 3]);
    const { promoted, leftOut } = sampler.counts();
    expect(promoted).toBe(150);
    expect(leftOut).toBe(30_000 - keptInAll);
  });

  it('[TR2] keeps slow traces from using up the room of those in trouble', () => {
    const sampler = createTraceSampler({
      ratePerSecond: 10,
      slowMs: 100,
      limits: { slowPerSecondMax: 3 },
    });
    const nowMs = crowd(sampler, 200);
    const ids = Array.from({ length: 20 }, (_, i) => leaveOut(sampler, nowMs, `s${i}`));
    const late = ids.map((id) => step('handled', id, START_MS + nowMs + 500));
    expect(new Set(sampler.sample(late, nowMs).map(({ correlationId }) => correlationId)).size).toBe(3);
    expect(sampler.counts().leftOut).toBe(17);
    const failed = sampler.sample([step('failed', ids[19]!, START_MS + nowMs + 501)], nowMs);
    expect(failed.map(({ kind }) => kind)).toEqual(['produced', 'handled', 'failed']);
    expect(sampler.counts().leftOut).toBe(16);
  });

  it('[TR3] holds a bounded number of records, and marks a trace whose beginning is gone', () => {
    const sampler = createTraceSampler({
      ratePerSecond: 10,
      slowMs: 1e9,
      limits: { ring: { recordsMax: 1000, bytesMax: 1e9 } },
    });
    const nowMs = crowd(sampler, 200);
    const id = leaveOut(sampler, nowMs);
    sampler.sample([step('delivered', id)], nowMs);
    const others = Array.from({ length: 999 }, () => step('handled', leaveOut(sampler, nowMs, 'other')));
    sampler.sample(others, nowMs);
    sampler.sample([step('handled', id)], nowMs);
    const kept = sampler.sample([step('failed', id)], nowMs);
    expect(kept.map(({ kind }) => kind)).toEqual(['handled', 'failed']);
    expect(sampler.takeIncomplete()).toEqual([{ correlationId: id, missing: 2 }]);
    expect(sampler.takeIncomplete()).toEqual([]);
    expect(sampler.counts().incomplete).toBe(1);
  });

  it('[TR2] remembers kept traces for longer than it remembers others', () => {
    const sampler = createTraceSampler({
      ratePerSecond: 10,
      slowMs: 1e9,
      limits: { tracesMax: 100, keptTracesMax: 5000 },
    });
    expect(sampler.sample([root('early')], 0)).toHaveLength(1);
    const nowMs = crowd(sampler, 500);
    expect(sampler.share()).toBeLessThan(1);
    expect(sampler.sample([step('handled', 'early')], nowMs)).toHaveLength(1);
  });

  it('keeps what belongs to no message', () => {
    const sampler = createTraceSampler({ ratePerSecond: 10, slowMs: 1000 });
    const nowMs = crowd(sampler, 200);
    const rebalanced = traceRecord({ kind: 'rebalanced', messageId: '', correlationId: '' });
    expect(sampler.sample([rebalanced], nowMs)).toEqual([rebalanced]);
  });
});
