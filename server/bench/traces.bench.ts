import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { RequestOf } from '@millrace/shared/protocol/catalog.ts';
import { encodeFrame } from '@millrace/shared/trace/frame.ts';
import type { TraceRecord } from '@millrace/shared/trace/record.ts';
import type { Handlers } from '../src/gateway/handlers.ts';
import type { Client } from '../src/gateway/ports.ts';
import { createRunStreams } from '../src/gateway/runStreams.ts';
import { createSockets } from '../src/gateway/sockets.ts';
import { createTracedMessages } from '../src/trace/testing/traceRecords.ts';
import { openTraceReader } from '../src/trace/traceReader.ts';
import { createTraceSampler } from '../src/trace/traceSampler.ts';
import { openTracesForWriting } from '../src/trace/traceSchema.ts';
import { createTraceWriter } from '../src/trace/traceWriter.ts';

/**
 * The way of a trace record, part by part, in processor time: through the sampler, into a frame, into the store and its list.
 * Then all together at 50,000 records a second: a process that gives them out, this process as the server, and real pages
 * on a socket, one that reads and one that never acknowledges.
 */
const RECORDS = 200_000;
const ROUNDS = 5;
const SEARCHES = 20;
const FRAME_RECORDS = 3000;
const STREAM_RECORDS_PER_SECOND = 50_000;
const STREAM_MS = 5000;
const MIB = 1024 * 1024;

type Line = { name: string; value: number; unit: string; against?: string; ratio?: number };
const print = (line: Line): void => {
  const value = Number(line.value.toPrecision(4));
  const ratio = line.ratio === undefined ? {} : { ratio: Number(line.ratio.toPrecision(3)) };
  process.stdout.write(`${JSON.stringify({ ...line, value, ...ratio })}\n`);
};

const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** Processor time of this thread, per record. */
function cpuUsPerRecord(records: number, work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / records;
}

const folders: string[] = [];
function newFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'millrace-bench-'));
  folders.push(folder);
  return folder;
}

function batches(): TraceRecord[][] {
  const messageOf = createTracedMessages(1);
  const records = Array.from({ length: RECORDS / 4 }, (_, index) => messageOf(index).records).flat();
  return Array.from({ length: Math.ceil(RECORDS / FRAME_RECORDS) }, (_, index) =>
    records.slice(index * FRAME_RECORDS, (index + 1) * FRAME_RECORDS),
  );
}

function samplerCost(ratePerSecond: number): number {
  const sampler = createTraceSampler({ ratePerSecond, slowMs: 1000 });
  let nowMs = 0;
  // Once to fill what it remembers, so that the second time is what a run pays all day.
  let cost = 0;
  for (let pass = 0; pass < 2; pass++) {
    const all = batches();
    cost = cpuUsPerRecord(RECORDS, () => {
      for (const records of all) {
        nowMs += 30;
        sampler.sample(records, nowMs);
      }
    });
  }
  return cost;
}

function parts(): void {
  const figures = { kept: [], sampled: [], encode: [], keep: [], index: [], search: [] } as Record<
    string,
    number[]
  >;
  for (let round = 0; round < ROUNDS; round++) {
    figures.kept?.push(samplerCost(0));
    figures.sampled?.push(samplerCost(10));
    const all = batches();
    const frames: Uint8Array[] = [];
    figures.encode?.push(
      cpuUsPerRecord(RECORDS, () => {
        let firstSeq = 0;
        for (const records of all) {
          frames.push(encodeFrame({ firstSeq, records }));
          firstSeq += records.length;
        }
      }),
    );
    const folder = newFolder();
    const database = openTracesForWriting(folder);
    const writer = createTraceWriter(database, { recordsMax: 1e9, bytesMax: 1e12, logLinesMax: 1 });
    figures.keep?.push(
      cpuUsPerRecord(RECORDS, () => {
        for (let i = 0; i < frames.length; i += 4)
          writer.keep({
            frames: frames.slice(i, i + 4),
            lost: 0,
            endSeq: 0,
            sampled: null,
            incomplete: [],
            lines: [],
          });
      }),
    );
    figures.index?.push(
      cpuUsPerRecord(RECORDS, () => {
        while (writer.index(20_000));
      }),
    );
    database.close();
    const reader = openTraceReader(folder);
    const wanted = all[7]?.[500]?.messageId ?? '';
    figures.search?.push(
      cpuUsPerRecord(SEARCHES, () => {
        for (let i = 0; i < SEARCHES; i++) reader.list({ limit: 10, text: wanted });
      }) / 1000,
    );
    reader.close();
  }
  const of = (name: string): number => median(figures[name] ?? []);
  const line = (name: string, value: number): void => print({ name, value, unit: 'µs CPU/record' });
  line('traces.sampler.every-trace-kept', of('kept'));
  line('traces.sampler.nearly-all-left-out', of('sampled'));
  print({
    name: 'traces.encode',
    value: of('encode'),
    unit: 'µs CPU/record',
    against: 'traces.sampler.nearly-all-left-out',
    ratio: of('encode') / of('sampled'),
  });
  line('traces.store.keep', of('keep'));
  line('traces.store.list', of('index'));
  print({ name: 'traces.store', value: 1e6 / (of('keep') + of('index')), unit: 'records/s of CPU' });
  print({ name: 'traces.search-by-message-id', value: of('search'), unit: 'ms CPU' });
}

type Figures = { type: 'figures' } & Record<string, number>;

function start(script: string, ...parameters: string[]): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL(`./traceStream/${script}`, import.meta.url)), parameters, {
    serialization: 'advanced',
    execArgv: ['--no-node-snapshot'],
  });
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${script} ended with ${code}`)));
    child.once('message', () => resolve(child));
  });
}

function ask(child: ChildProcess): Promise<Figures> {
  return new Promise((resolve) => {
    const listen = (message: Figures): void => {
      if (message.type !== 'figures') return;
      child.off('message', listen);
      resolve(message);
    };
    child.on('message', listen);
    child.send({ type: 'ask' });
  });
}

async function stream(): Promise<void> {
  const http = createServer();
  const folder = newFolder();
  const reader = openTraceReader(folder);
  let skippedAtServer = 0;
  const streams = createRunStreams({
    watchTraces: (_runId, on) => source.send({ type: 'watch', on }),
    traces: () => reader,
    onSkipped: (records) => {
      skippedAtServer += records;
    },
    onLogsDropped: () => {},
  });
  const sockets = createSockets({
    http,
    origins: () => ({ isLoopback: true, allowed: [] }),
    log: { badRequest: () => {}, failed: (_event, error) => console.error(error), refused: console.error },
    onDisconnect: (client) => streams.disconnected(client),
  });
  const watch = ({ runId, ...options }: RequestOf<'run.watch'>, client: Client) =>
    streams.watch(client, runId, options);
  // The only request that these pages make, and as much of its answer as they read.
  sockets.serve({ 'run.watch': watch } as unknown as Handlers);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const source = await start('source.ts', folder, String(STREAM_RECORDS_PER_SECOND));
  source.on('message', (message: { type: string; firstSeq: number; count: number; frame: Uint8Array }) => {
    if (message.type !== 'trace-frame') return;
    source.send({ type: 'credit' });
    streams.traceFrame('run:bench', message.firstSeq, message.count, message.frame);
  });
  const measure = async (page: ChildProcess | null) => {
    await delay(1000);
    const [source0, page0] = [await ask(source), page && (await ask(page))];
    const [cpu0, rss0, ms0] = [process.cpuUsage(), process.memoryUsage().rss, performance.now()];
    await delay(STREAM_MS);
    const seconds = (performance.now() - ms0) / 1000;
    const cpu = process.cpuUsage(cpu0);
    const rssMiB = (process.memoryUsage().rss - rss0) / MIB;
    const [source1, page1] = [await ask(source), page && (await ask(page))];
    // By the clock of whoever counts: on a busy machine an answer may be long in coming.
    const per = (after: Figures | null, before: Figures | null, key: string): number =>
      (((after?.[key] ?? 0) - (before?.[key] ?? 0)) * 1000) / ((after?.atMs ?? 1) - (before?.atMs ?? 0));
    return {
      givenPerSecond: per(source1, source0, 'given'),
      sourceMsPerSecond: per(source1, source0, 'cpuUs') / 1000,
      serverMsPerSecond: (cpu.user + cpu.system) / 1000 / seconds,
      receivedPerSecond: per(page1, page0, 'records'),
      framesPerSecond: per(page1, page0, 'frames'),
      rssMiB,
    };
  };

  const unwatched = await measure(null);
  const reads = await start('page.ts', address, 'reads');
  const read = await measure(reads);
  const sleeps = await start('page.ts', address, 'sleeps');
  const slept = await measure(reads);
  const asleep = await ask(sleeps);
  print({ name: 'stream.given', value: read.givenPerSecond, unit: 'records/s' });
  print({
    name: 'stream.received-by-page',
    value: read.receivedPerSecond,
    unit: 'records/s',
    against: 'stream.given',
    ratio: read.receivedPerSecond / read.givenPerSecond,
  });
  print({ name: 'stream.frames', value: read.framesPerSecond, unit: 'frames/s' });
  print({ name: 'stream.server', value: read.serverMsPerSecond, unit: 'ms CPU/s' });
  print({
    name: 'stream.run-process-with-page',
    value: read.sourceMsPerSecond,
    unit: 'ms CPU/s',
    against: 'without a page',
    ratio: read.sourceMsPerSecond / unwatched.sourceMsPerSecond,
  });
  print({
    name: 'stream.received-beside-sleeping-page',
    value: slept.receivedPerSecond,
    unit: 'records/s',
    against: 'stream.received-by-page',
    ratio: slept.receivedPerSecond / read.receivedPerSecond,
  });
  print({ name: 'stream.frames-to-sleeping-page', value: asleep.frames ?? 0, unit: 'frames' });
  print({ name: 'stream.server-growth-by-sleeping-page', value: slept.rssMiB, unit: 'MiB' });
  print({ name: 'stream.left-out-for-sleeping-page', value: skippedAtServer, unit: 'records told so far' });
  const end = (child: ChildProcess): void => {
    child.removeAllListeners('exit');
    child.disconnect();
  };
  end(reads);
  end(sleeps);
  streams.close();
  await sockets.close();
  end(source);
  reader.close();
}

try {
  parts();
  await stream();
} finally {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}
