import { parentPort, workerData } from 'node:worker_threads';
import { frameHeader } from '@millrace/shared/trace/frame.ts';
import { assert } from '@millrace/shared/util/assert.ts';
import { noSampledCounts, sampledTogether } from './sampledCounts.ts';
import type { FromTraces, ToTraces, TraceSetup } from './traceProtocol.ts';
import { noCounts, openTracesForWriting, traceError } from './traceSchema.ts';
import { createTraceWriter, type TraceArrivals, type TraceWriter } from './traceWriter.ts';

/**
 * The thread that keeps a run's traces and logs. What arrives is gathered for a moment and kept as it is, which is cheap;
 * the list of traces follows with a limited share of this thread's time, so that in a flood it lags instead of taking
 * from the run the processor that it needs (TR4). Traces are never worth stopping a run: what cannot be kept is counted
 * as lost and reported, and the next moment is tried afresh.
 */
const GATHER_MS = 100;
const GATHER_RECORDS_MAX = 50_000;
const INDEX_RECORDS_PER_STEP = 20_000;
/** The list rests this many times as long as it worked. */
const INDEX_REST_RATIO = 2;
/** How long a store that could not be opened is left alone. */
const REOPEN_MS = 2000;

assert(parentPort, 'the trace thread is started as a worker');
const port = parentPort;
const { folder, resumeSeq, limits } = workerData as TraceSetup;
const answer = (message: FromTraces): void => port.postMessage(message);

type OpenStore = { writer: TraceWriter; nextLogSeq: number; close(): void };

function openStore(): OpenStore {
  const database = openTracesForWriting(folder);
  try {
    const writer = createTraceWriter(database, limits);
    const row = database.prepare('SELECT coalesce(max(seq), 0) + 1 AS seq FROM log_lines').get();
    return { writer, nextLogSeq: Number(row?.seq), close: () => database.close() };
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

const nothing = (): TraceArrivals => ({
  frames: [],
  lost: 0,
  endSeq: 0,
  sampled: null,
  incomplete: [],
  lines: [],
});
let arrivals = nothing();
let records = 0;
let timer: NodeJS.Timeout | null = null;
let indexTimer: NodeJS.Timeout | null = null;
let store: OpenStore | null = null;
let reopenAtMs = 0;

function start(): void {
  try {
    store = openStore();
    const counts = store.writer.counts();
    // The run had given out more records than were kept or sampled out: the rest died with its process.
    const lost = Math.max(0, resumeSeq - counts.nextSeq - counts.sampled.recordsOut);
    const nextSeq = counts.nextSeq + lost;
    answer({
      type: 'started',
      counts: { ...counts, nextSeq, lost: counts.lost + lost },
      nextLogSeq: store.nextLogSeq,
      error: null,
    });
    if (lost > 0) leaveOut(lost, nextSeq);
  } catch (thrown) {
    reopenAtMs = performance.now() + REOPEN_MS;
    answer({
      type: 'started',
      counts: noCounts(resumeSeq),
      nextLogSeq: 1,
      error: traceError(thrown).toData(),
    });
  }
}

function leaveOut(count: number, endSeq: number): void {
  arrivals.lost += count;
  arrivals.endSeq = Math.max(arrivals.endSeq, endSeq);
  gather();
}

function writerNow(): TraceWriter {
  if (store === null) {
    if (performance.now() < reopenAtMs) throw lastFailure;
    reopenAtMs = performance.now() + REOPEN_MS;
    store = openStore();
  }
  return store.writer;
}

let lastFailure: unknown = new Error('the trace store is not open');

function settle(): void {
  if (timer) clearTimeout(timer);
  timer = null;
  const taken = arrivals;
  if (taken.frames.length + taken.lines.length + taken.lost === 0 && taken.sampled === null) return;
  const frameBytes = taken.frames.reduce((sum, frame) => sum + frame.length, 0);
  arrivals = nothing();
  const takenRecords = records;
  records = 0;
  try {
    const writer = writerNow();
    writer.keep(taken);
    answer({ type: 'settled', counts: writer.counts(), frameBytes, logLinesLost: 0, error: null });
    indexTimer ??= setTimeout(indexSome, GATHER_MS);
  } catch (thrown) {
    lastFailure = thrown;
    // Saved with the next transaction that succeeds; until then only reported.
    arrivals.lost = taken.lost + takenRecords;
    arrivals.endSeq = taken.endSeq;
    arrivals.sampled = taken.sampled;
    const counts = store?.writer.counts() ?? noCounts(resumeSeq);
    answer({
      type: 'settled',
      counts: { ...counts, lost: counts.lost + arrivals.lost },
      frameBytes,
      logLinesLost: taken.lines.length,
      error: traceError(thrown).toData(),
    });
  }
}

function indexSome(): void {
  indexTimer = null;
  const startedMs = performance.now();
  try {
    if (!store?.writer.index(INDEX_RECORDS_PER_STEP)) return;
  } catch {
    // A full disk, which keeping will meet as well and report; the list goes on from where it stands.
  }
  const restMs = Math.max(GATHER_MS, (performance.now() - startedMs) * INDEX_REST_RATIO);
  indexTimer = setTimeout(indexSome, restMs);
}

/** So that all that was kept can be found. */
function indexAll(): void {
  if (indexTimer) clearTimeout(indexTimer);
  indexTimer = null;
  try {
    while (store?.writer.index(INDEX_RECORDS_PER_STEP));
  } catch {
    // As above.
  }
  // Chunks that turned out damaged have changed them.
  if (store !== null && arrivals.lost === 0)
    answer({ type: 'settled', counts: store.writer.counts(), frameBytes: 0, logLinesLost: 0, error: null });
}

function gather(): void {
  if (records >= GATHER_RECORDS_MAX) settle();
  else timer ??= setTimeout(settle, GATHER_MS);
}

function handle(message: ToTraces): void {
  switch (message.type) {
    case 'frame': {
      const { firstSeq, count } = frameHeader(message.frame);
      arrivals.frames.push(message.frame);
      arrivals.endSeq = Math.max(arrivals.endSeq, firstSeq + count);
      records += count;
      return gather();
    }
    case 'lost':
      return leaveOut(message.records, message.endSeq);
    case 'sampled':
      arrivals.sampled = sampledTogether(arrivals.sampled ?? noSampledCounts(), message.change);
      for (const trace of message.incomplete) arrivals.incomplete.push(trace);
      return gather();
    case 'logs':
      for (const line of message.lines) arrivals.lines.push(line);
      return gather();
    case 'flush':
      settle();
      indexAll();
      return answer({ type: 'flushed', flushId: message.flushId });
    case 'close':
      settle();
      indexAll();
      store?.close();
      answer({ type: 'closed' });
      port.close();
  }
}

port.on('message', handle);
start();
