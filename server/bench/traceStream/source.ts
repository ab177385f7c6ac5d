import { createTracedMessages } from '../../src/trace/testing/traceRecords.ts';
import { createTracePipeline } from '../../src/trace/tracePipeline.ts';

/**
 * Stands for the process of a run in the benchmark of the stream: gives out trace records at a set rate through the trace
 * pipeline of a run, and hands the frames over while there is credit, as `runProcess.ts` does. Started by the benchmark.
 */
const [folder = '', recordsPerSecond = '50000'] = process.argv.slice(2);
const TICK_MS = 10;
const RECORDS_PER_MESSAGE = 4;

let isWatched = false;
let credit = 16;
let skippedFrames = 0;
const pipeline = await createTracePipeline({
  folder,
  resumeSeq: 0,
  traceRatePerSecond: 0,
  slowTraceMs: 1000,
  onFrame(firstSeq, count, frame) {
    if (!isWatched) return;
    if (credit <= 0) {
      skippedFrames++;
      return;
    }
    credit--;
    if (process.connected) process.send?.({ type: 'trace-frame', firstSeq, count, frame });
  },
  onTrouble: (error) => process.stderr.write(`${error.message}\n`),
});

const messageOf = createTracedMessages(1);
let given = 0;
const startedMs = performance.now();
setInterval(() => {
  const due = ((performance.now() - startedMs) * Number(recordsPerSecond)) / 1000;
  const records = [];
  for (; given < due; given += RECORDS_PER_MESSAGE) records.push(...messageOf(given).records);
  pipeline.push(records);
}, TICK_MS);

process.on('message', (message: { type: 'watch'; on: boolean } | { type: 'credit' } | { type: 'ask' }) => {
  if (message.type === 'watch') isWatched = message.on;
  else if (message.type === 'credit') credit++;
  else {
    const { user, system } = process.threadCpuUsage();
    process.send?.({ type: 'figures', atMs: performance.now(), given, cpuUs: user + system, skippedFrames });
  }
});
process.on('disconnect', () => process.exit(0));
process.send?.({ type: 'ready' });
