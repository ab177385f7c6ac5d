import { parentPort, workerData } from 'node:worker_threads';
import { frameHeader } from '@millrace/shared/trace/frame.ts';
import { assert } from '@millrace/shared/util/assert.ts';
import type { FromTraces, ToTraces, TraceSetup } from './traceProtocol.ts';
import { openTracesForWriting, traceError } from './traceSchema.ts';
import { createTraceWriter, type TraceArrivals, type TraceWriter } from './traceWriter.ts';

/**
 * The thread that keeps a run's traces and logs. It gathers what arrives for a moment, so that a trace that took part in
 * several frames is written once, and so that a quiet run costs few transactions. Traces are never worth stopping a run:
 * what cannot be kept is counted as lost and reported, and the next moment is tried afresh.
 */
const GATHER_MS = 100;
const GATHER_RECORDS_MAX = 20_000;
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

const NOTHING: TraceArrivals = { frames: [], lost: 0, endSeq: 0, lines: [] };
let arrivals: TraceArrivals = { ...NOTHING, frames: [], lines: [] };
let records = 0;
let timer: NodeJS.Timeout | null = null;
let store: OpenStore | null = null;
let reopenAtMs = 0;

function start(): void {
  try {
    store = openStore();
    const counts = store.writer.counts();
    // The run had numbered more records than were kept: the rest died with its process.
    const lost = Math.max(0, resumeSeq - counts.nextSeq);
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
      counts: { nextSeq: resumeSeq, kept: 0, expired: 0, lost: 0, traces: 0 },
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
  if (taken.frames.length + taken.lines.length + taken.lost === 0) return;
  const frameBytes = taken.frames.reduce((sum, frame) => sum + frame.length, 0);
  arrivals = { ...NOTHING, frames: [], lines: [] };
  const takenRecords = records;
  records = 0;
  try {
    const writer = writerNow();
    writer.keep(taken);
    answer({ type: 'settled', counts: writer.counts(), frameBytes, logLinesLost: 0, error: null });
  } catch (thrown) {
    lastFailure = thrown;
    // Saved with the next transaction that succeeds; until then only reported.
    arrivals.lost = taken.lost + takenRecords;
    arrivals.endSeq = taken.endSeq;
    const counts = store?.writer.counts() ?? { nextSeq: resumeSeq, kept: 0, expired: 0, lost: 0, traces: 0 };
    answer({
      type: 'settled',
      counts: { ...counts, lost: counts.lost + arrivals.lost },
      frameBytes,
      logLinesLost: taken.lines.length,
      error: traceError(thrown).toData(),
    });
  }
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
    case 'logs':
      for (const line of message.lines) arrivals.lines.push(line);
      return gather();
    case 'flush':
      settle();
      return answer({ type: 'flushed', flushId: message.flushId });
    case 'close':
      settle();
      store?.close();
      answer({ type: 'closed' });
      port.close();
  }
}

port.on('message', handle);
start();
