import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { decodeFrame } from '@millrace/shared/trace/frame.ts';
import type { TraceRecord } from '@millrace/shared/trace/record.ts';
import { summarize } from '@millrace/shared/trace/summary.ts';
import { traceRecord } from '@millrace/shared/trace/testing/traceRecord.ts';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTracedMessages, type TracedMessage } from './testing/traceRecords.ts';
import { createTracePipeline, type TracePipeline, type TracePipelineOptions } from './tracePipeline.ts';
import { openTraceReader, type TraceReader } from './traceReader.ts';

let folder: string;
const open: { close(): unknown }[] = [];
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-trace-'));
});
afterEach(async () => {
  for (const closable of open.splice(0)) await closable.close();
  await rm(folder, { recursive: true });
});

async function start(over: Partial<TracePipelineOptions> = {}): Promise<TracePipeline> {
  const pipeline = await createTracePipeline({
    folder,
    resumeSeq: 0,
    traceRatePerSecond: 0,
    slowTraceMs: 1000,
    onFrame: () => {},
    onTrouble: (error) => {
      throw error;
    },
    ...over,
  });
  open.push(pipeline);
  return pipeline;
}

function reader(): TraceReader {
  const opened = openTraceReader(folder);
  open.push(opened);
  return opened;
}

const messageOf = createTracedMessages(1);
const messages = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => messageOf(from + index));
const logLine = (message: string) => ({
  timeMs: 5,
  level: 'info' as const,
  nodeId: 'node:handler',
  message,
  messageId: 'm',
  correlationId: null,
});

describe('keeping and reading traces', () => {
  it('reads as empty before anything was written', () => {
    const traces = reader();
    expect(traces.list({ limit: 10 })).toEqual({
      traces: [],
      next: null,
      total: 0,
      begun: 0,
      sampledOut: 0,
    });
    expect(traces.get('x')).toEqual({ records: [], truncated: 0, missing: 0 });
    expect(traces.tail(-1, 10)).toEqual({ frames: [], gap: 0, nextSeq: 0 });
    expect(traces.logs(10)).toEqual([]);
  });

  it('[TR5] numbers records without gaps and hands the same frames to watchers and to disk', async () => {
    const seen: { firstSeq: number; records: TraceRecord[] }[] = [];
    const pipeline = await start({ onFrame: (_seq, _count, frame) => seen.push(decodeFrame(frame)) });
    const all = messages(700).flatMap(({ records }) => records);
    for (let from = 0; from < all.length; from += 90) pipeline.push(all.slice(from, from + 90));
    await pipeline.flush();
    expect(seen.flatMap(({ records }) => records)).toEqual(all);
    const tail = reader().tail(-1, 100_000);
    expect(tail.frames.map(({ frame }) => decodeFrame(frame))).toEqual(seen);
    expect(tail).toMatchObject({ gap: 0, nextSeq: 2800 });
    expect(pipeline.stats()).toMatchObject({ lastSeq: 2799, kept: 2800, expired: 0, lost: 0 });
  });

  it('[TR5] resumes in the middle of a frame', async () => {
    const pipeline = await start();
    const all = messages(500).flatMap(({ records }) => records);
    pipeline.push(all);
    await pipeline.flush();
    const { frames, gap } = reader().tail(1233, 5);
    expect(gap).toBe(0);
    expect(frames).toHaveLength(1);
    expect(frames[0]).toMatchObject({ firstSeq: 1234, count: 766 });
    expect(decodeFrame(frames[0]!.frame).records).toEqual(all.slice(1234, 2000));
    expect(reader().tail(1999, 5)).toEqual({ frames: [], gap: 0, nextSeq: 2000 });
  });

  it('gives back any records, by trace, with the summary of their list line', async () => {
    const kinds = ['produced', 'delivered', 'handled', 'failed', 'retry-scheduled', 'dead-lettered'] as const;
    const anyRecord = fc
      .record({
        kind: fc.constantFrom(...kinds),
        timeMs: fc.integer({ min: 0, max: 1e12 }),
        nodeId: fc.constantFrom('a', 'b', 'ç', '節'),
        messageId: fc.string({ minLength: 1, unit: 'binary' }),
        correlationId: fc.constantFrom('one', 'two', 'drei ü', '四'),
        key: fc.option(fc.string()),
        attempt: fc.nat(5),
        detail: fc.option(fc.string()),
      })
      .map(traceRecord);
    let base = 0;
    const pipeline = await start();
    const everything: TraceRecord[] = [];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(anyRecord, { maxLength: 20 }), { maxLength: 5 }), async (pushes) => {
        for (const records of pushes) {
          pipeline.push(records);
          everything.push(...records);
          base += records.length;
        }
        await pipeline.flush();
        const traces = reader();
        for (const correlationId of new Set(everything.map((record) => record.correlationId))) {
          const own = everything.filter((record) => record.correlationId === correlationId);
          expect(traces.get(correlationId)).toEqual({ records: own, truncated: 0, missing: 0 });
          expect(traces.list({ limit: 1, text: correlationId }).traces).toEqual([summarize(own)]);
        }
        traces.close();
      }),
      { numRuns: 30 },
    );
    expect(pipeline.stats()).toMatchObject({ kept: base, lost: 0 });
  });
});

describe('the list of traces', () => {
  async function fill(): Promise<{ traces: TraceReader; ids: string[] }> {
    const pipeline = await start();
    const made = messages(300);
    for (const { records } of made) pipeline.push(records);
    const broken = { messageId: made[7]!.id, timeMs: made[7]!.timeMs };
    pipeline.push([
      traceRecord({
        kind: 'emitted',
        ...broken,
        messageId: 'given-id-17',
        correlationId: made[9]!.id,
        nodeId: 'node:rare',
      }),
      traceRecord({ kind: 'failed', ...broken, nodeId: 'node:handler', errorCode: 'HANDLER_THREW' }),
      traceRecord({ kind: 'dead-lettered', ...broken, nodeId: 'node:handler' }),
      traceRecord({
        kind: 'produced',
        messageId: 'own-root',
        messageType: 'Invoice_Paid',
        timeMs: 1_700_000_000_400,
      }),
    ]);
    await pipeline.flush();
    return { traces: reader(), ids: made.map(({ id }) => id) };
  }
  const idsOf = (listed: ReturnType<TraceReader['list']>) =>
    listed.traces.map(({ correlationId }) => correlationId);

  it('pages from the newest to the oldest', async () => {
    const { traces, ids } = await fill();
    const collected: string[] = [];
    let before: string | undefined;
    for (;;) {
      const page = traces.list({ limit: 70, ...(before === undefined ? {} : { before }) });
      expect(page.total).toBe(301);
      collected.push(...idsOf(page));
      if (page.next === null) break;
      before = page.next;
    }
    expect(collected).toEqual([...ids, 'own-root'].reverse());
  });

  it('finds by correlation id, message id, key and part of a type', async () => {
    const { traces, ids } = await fill();
    const find = (text: string) => idsOf(traces.list({ limit: 100, text }));
    expect(find(ids[3]!)).toEqual([ids[3]]);
    expect(find('given-id-17')).toEqual([ids[9]]);
    expect(find('customer-3')).toHaveLength(30);
    expect(find('invoice_p')).toEqual(['own-root']);
    expect(find('invoice%')).toEqual([]);
    expect(find('nothing like it')).toEqual([]);
    expect(find('01900000-0000-7000-8000-000000000000')).toEqual([]);
  });

  it('finds by status and by node', async () => {
    const { traces, ids } = await fill();
    expect(idsOf(traces.list({ limit: 10, status: 'dead-lettered' }))).toEqual([ids[7]]);
    expect(idsOf(traces.list({ limit: 10, status: 'failed' }))).toEqual([]);
    expect(idsOf(traces.list({ limit: 10, nodeId: 'node:rare' }))).toEqual([ids[9]]);
    expect(idsOf(traces.list({ limit: 10, nodeId: 'node:unknown' }))).toEqual([]);
    expect(idsOf(traces.list({ limit: 10, nodeId: 'node:source', status: 'dead-lettered' }))).toEqual([
      ids[7],
    ]);
  });

  it('finds by key, type of any message, duration and error code', async () => {
    const pipeline = await start();
    const at = 1_700_000_000_000;
    const trace = (id: string, tookMs: number, over: Partial<TraceRecord> = {}) => [
      traceRecord({ kind: 'produced', messageId: id, timeMs: at, key: `key-${id}` }),
      traceRecord({
        kind: 'handled',
        messageId: id,
        correlationId: id,
        nodeId: 'node:h',
        timeMs: at + tookMs,
        ...over,
      }),
    ];
    pipeline.push(trace('quick', 3));
    pipeline.push(trace('slow', 700, { messageType: 'order.shipped' }));
    pipeline.push(trace('broken', 20, { kind: 'failed', errorCode: 'HANDLER_THREW' }));
    await pipeline.flush();
    const traces = reader();
    const find = (query: Omit<Parameters<TraceReader['list']>[0], 'limit'>) =>
      idsOf(traces.list({ limit: 10, ...query }));
    expect(find({ durationMsMin: 700 })).toEqual(['slow']);
    expect(find({ durationMsMin: 20 })).toEqual(['broken', 'slow']);
    expect(find({ errorCode: 'HANDLER_THREW' })).toEqual(['broken']);
    expect(find({ errorCode: 'HANDLER_TIMED_OUT' })).toEqual([]);
    expect(find({ key: 'key-quick' })).toEqual(['quick']);
    expect(find({ type: 'SHIPPED' })).toEqual(['slow']);
    expect(find({ type: 'order' })).toEqual(['broken', 'slow', 'quick']);
    expect(find({ text: 'shipped', durationMsMin: 1 })).toEqual(['slow']);
    expect(find({ type: 'order', errorCode: 'HANDLER_THREW', durationMsMin: 50 })).toEqual([]);
  });

  it('adds to a trace whose root comes a second time, or long after it was forgotten', async () => {
    const first = await start();
    const [one, two] = messages(2) as [TracedMessage, TracedMessage];
    first.push([...one.records, ...two.records]);
    await first.close();
    const second = await start({ resumeSeq: 8 });
    second.push([...one.records, ...one.records.slice(2)]);
    await second.flush();
    const traces = reader();
    const all = [...one.records, ...one.records, ...one.records.slice(2)];
    expect(traces.get(one.id).records).toEqual(all);
    expect(traces.list({ limit: 10, text: one.id }).traces).toEqual([summarize(all)]);
    expect(traces.list({ limit: 10 }).total).toBe(2);
  });

  it('refuses a cursor that is none', async () => {
    const { traces } = await fill();
    expect(() => traces.list({ limit: 1, before: 'yesterday' })).toThrow(
      expect.objectContaining({ code: 'REQUEST_INVALID' }),
    );
  });
});

describe('sampled traces', () => {
  const at = 1_700_000_000_000;
  const trace = (id: string) => [
    traceRecord({ kind: 'produced', messageId: id, timeMs: at }),
    traceRecord({ kind: 'delivered', messageId: id, nodeId: 'node:h', timeMs: at, attempt: 1 }),
    traceRecord({ kind: 'handled', messageId: id, nodeId: 'node:h', timeMs: at, attempt: 1 }),
  ];
  const failure = (id: string) =>
    traceRecord({ kind: 'failed', messageId: id, nodeId: 'node:h', timeMs: at, errorCode: 'HANDLER_THREW' });
  const sampling = { traceRatePerSecond: 10, nowMs: () => 0 };
  const pushTraces = (pipeline: TracePipeline, count: number, label: string): void => {
    for (let i = 0; i < count; i++) pipeline.push(trace(`${label}-${i}`));
  };

  it('[TR2] [TR3] stores whole traces, and counts exactly what is left out, over a restart, too', async () => {
    const first = await start(sampling);
    pushTraces(first, 1000, 'a');
    first.push([failure('a-999')]);
    await first.close();
    const { kept, lost, sampling: counts } = first.stats();
    expect(counts.share).toBeLessThan(1 / 8);
    expect(counts.tracesBegun).toBe(1000);
    expect(counts.promoted).toBe(1);
    expect(kept + lost + counts.recordsOut).toBe(3001);
    expect(first.recordsGiven()).toBe(3001);

    const listed = reader().list({ limit: 500 });
    expect(listed).toMatchObject({
      begun: 1000,
      sampledOut: counts.tracesOut,
      total: 1000 - counts.tracesOut,
    });
    for (const { correlationId, records } of listed.traces)
      expect(records, correlationId).toBe(correlationId === 'a-999' ? 4 : 3);
    expect(listed.traces[0]).toMatchObject({ correlationId: 'a-999', status: 'failed' });

    const second = await start({ ...sampling, resumeSeq: 3001 });
    expect(second.stats()).toMatchObject({ kept, lost: 0, sampling: { ...counts, share: 1 } });
    pushTraces(second, 10, 'b');
    await second.flush();
    expect(second.recordsGiven()).toBe(3031);
    expect(second.stats().sampling.tracesBegun).toBe(1010);
    await second.close();
    // Seven more were given out than the store ever heard of.
    const third = await start({ ...sampling, resumeSeq: 3038 });
    expect(third.stats()).toMatchObject({ kept: kept + 30, lost: 7 });
    expect(third.recordsGiven()).toBe(3038);
  });

  it('[TR3] says how many records of a promoted trace were gone', async () => {
    const pipeline = await start({
      ...sampling,
      samplerLimits: { ring: { recordsMax: 64, bytesMax: 1e6 } },
    });
    pushTraces(pipeline, 500, 'a');
    pushTraces(pipeline, 100, 'b');
    pipeline.push([failure('a-400')]);
    await pipeline.flush();
    const traces = reader();
    expect(traces.get('a-400')).toMatchObject({ records: [{ kind: 'failed' }], missing: 3, truncated: 0 });
    expect(pipeline.stats().sampling).toMatchObject({ promoted: 1, incomplete: 1 });
  });
});

describe('limits and failures', () => {
  it('[TR3] passes over a damaged chunk, counts it and goes on with those after it', async () => {
    const pipeline = await start();
    pipeline.push(messages(10).flatMap(({ records }) => records));
    await pipeline.close();
    const database = new DatabaseSync(path.join(folder, 'trace.db'));
    database.exec(`UPDATE chunks SET frame = substr(frame, 1, 40) || zeroblob(length(frame) - 40);
      UPDATE counts SET indexed_seq = 0; DELETE FROM traces`);
    database.close();
    const again = await start({ resumeSeq: 40 });
    const more = messages(5, 10);
    again.push(more.flatMap(({ records }) => records));
    await again.flush();
    expect(again.stats()).toMatchObject({ lastSeq: 59, kept: 20, lost: 40 });
    expect(reader().get(more[0]!.id).records).toEqual(more[0]!.records);
  });

  it('[TR3] is bounded in bytes', async () => {
    const pipeline = await start({ limits: { bytesMax: 20_000 } });
    for (let from = 0; from < 2000; from += 250) {
      pipeline.push(messages(250, from).flatMap(({ records }) => records));
      await pipeline.flush();
    }
    const { kept, expired } = pipeline.stats();
    expect(kept + expired).toBe(8000);
    expect(kept).toBeGreaterThanOrEqual(1000);
    expect(kept).toBeLessThan(3000);
  });

  it('reads the traces of a run that ended under an older program', async () => {
    const pipeline = await start();
    const made = messages(3);
    pipeline.push(made.flatMap(({ records }) => records));
    await pipeline.close();
    const database = new DatabaseSync(path.join(folder, 'trace.db'));
    database.exec(`
      CREATE TABLE nodes (code INTEGER PRIMARY KEY, node_id TEXT NOT NULL UNIQUE);
      INSERT INTO nodes SELECT code, name FROM names WHERE kind = 'node';
      INSERT INTO root_types SELECT name FROM names WHERE kind = 'type';
      DROP TABLE names;
      ${['types', 'errors', 'missing', 'faults'].map((column) => `ALTER TABLE traces DROP COLUMN ${column};`).join('')}
      ${['bytes', 'traces_begun', 'traces_out', 'records_out', 'promoted', 'incomplete', 'left_out']
        .map((column) => `ALTER TABLE counts DROP COLUMN ${column};`)
        .join('')}
      PRAGMA user_version = 1`);
    database.close();
    const traces = reader();
    expect(traces.list({ limit: 10, nodeId: 'node:handler' }).traces).toHaveLength(3);
    expect(traces.list({ limit: 10, type: 'placed' }).traces).toHaveLength(3);
    expect(traces.list({ limit: 10 })).toMatchObject({ total: 3, begun: 3, sampledOut: 0 });
    expect(traces.get(made[1]!.id).records).toEqual(made[1]!.records);
  });

  it('lists the traces of a program that did not count faults, and goes on with them', async () => {
    const pipeline = await start();
    const [made] = messages(1) as [TracedMessage];
    pipeline.push(made.records);
    await pipeline.close();
    const database = new DatabaseSync(path.join(folder, 'trace.db'));
    database.exec('ALTER TABLE traces DROP COLUMN faults; PRAGMA user_version = 2');
    database.close();
    expect(reader().list({ limit: 10 }).traces).toEqual([summarize(made.records)]);
    const fault = traceRecord({ ...made.records.at(-1), kind: 'fault-injected' });
    const after = await start({ resumeSeq: pipeline.stats().lastSeq + 1 });
    after.push([fault, fault]);
    await after.flush();
    expect(reader().list({ limit: 10 }).traces).toMatchObject([{ correlationId: made.id, faults: 2 }]);
  });

  it('[TR3] expires the oldest records and counts them', async () => {
    const pipeline = await start({ limits: { recordsMax: 3000, logLinesMax: 10 } });
    const made = messages(2000);
    for (let from = 0; from < made.length; from += 250) {
      pipeline.push(made.slice(from, from + 250).flatMap(({ records }) => records));
      await pipeline.flush();
    }
    const stats = pipeline.stats();
    expect(stats.kept).toBeLessThanOrEqual(3000);
    expect(stats.kept + stats.expired).toBe(8000);
    const traces = reader();
    expect(traces.get(made[0]!.id)).toEqual({ records: [], truncated: 0, missing: 0 });
    expect(traces.get(made[1999]!.id).records).toEqual(made[1999]!.records);
    expect(traces.list({ limit: 1 }).total).toBe(stats.kept / 4);
    expect(traces.tail(-1, 1).gap).toBe(stats.expired);
    for (let line = 0; line < 30; line++) pipeline.log([logLine(`line ${line}`)]);
    await pipeline.flush();
    expect(traces.logs(100).map(({ seq }) => seq)).toEqual([21, 22, 23, 24, 25, 26, 27, 28, 29, 30]);
  });

  it('[TR3] goes on numbering after a restart, and counts what a crash took', async () => {
    const first = await start();
    first.push(messages(100).flatMap(({ records }) => records));
    expect(first.log([logLine('before')])).toEqual([{ ...logLine('before'), seq: 1 }]);
    await first.close();

    const second = await start({ resumeSeq: 400 });
    expect(second.stats()).toMatchObject({ lastSeq: 399, kept: 400, expired: 0, lost: 0 });
    await second.close();

    const third = await start({ resumeSeq: 417 });
    expect(third.stats()).toMatchObject({ lastSeq: 416, kept: 400, expired: 0, lost: 17 });
    third.push(messages(1, 500)[0]!.records);
    expect(third.log([logLine('after')])).toEqual([{ ...logLine('after'), seq: 2 }]);
    await third.close();
    expect(reader().tail(399, 10)).toMatchObject({ gap: 17, nextSeq: 421 });

    const fourth = await start({ resumeSeq: 421 });
    expect(fourth.stats()).toMatchObject({ lastSeq: 420, kept: 404, expired: 0, lost: 17 });
  });

  it('[TR3] runs on without a store that cannot be opened, reports it once and counts what it cannot keep', async () => {
    await writeFile(
      path.join(folder, 'trace.db'),
      'this is no database, but it is long enough to be looked at'.repeat(20),
    );
    const troubles: WorkbenchError[] = [];
    const frames: number[] = [];
    const pipeline = await start({
      onTrouble: (error) => troubles.push(error),
      onFrame: (_seq, count) => frames.push(count),
    });
    for (let round = 0; round < 3; round++) {
      pipeline.push(messages(10).flatMap(({ records }) => records));
      await pipeline.flush();
    }
    expect(troubles.map(({ code }) => code)).toEqual(['STORAGE_CORRUPT']);
    expect(frames).toEqual([40, 40, 40]);
    expect(pipeline.stats()).toMatchObject({ lastSeq: 119, kept: 0, lost: 120 });
  });

  it('[TR3] cuts an endless log line and says so', async () => {
    const pipeline = await start();
    const [line] = pipeline.log([logLine('x'.repeat(10_000))]);
    expect(line?.message).toMatch(/^x{8192}… \(1808 more characters\)$/);
  });

  it('is read while it is written', async () => {
    const pipeline = await start();
    const traces = reader();
    const made = messages(5000);
    let seen = 0;
    for (let from = 0; from < made.length; from += 100) {
      pipeline.push(made.slice(from, from + 100).flatMap(({ records }) => records));
      if (from % 1000 === 0) await pipeline.flush();
      const { traces: newest, total } = traces.list({ limit: 3 });
      expect(total).toBeGreaterThanOrEqual(seen);
      seen = total;
      for (const { correlationId, records } of newest)
        expect(traces.get(correlationId).records).toHaveLength(records);
    }
    await pipeline.flush();
    expect(traces.list({ limit: 1 }).total).toBe(5000);
  });
});
