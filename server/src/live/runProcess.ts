import { setTimeout as delay } from 'node:timers/promises';
import { toWorkbenchError, type WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { LogLine } from '@millrace/shared/protocol/entities.ts';
import { isFinalRunStatus, type RunStatus } from '@millrace/shared/trace/metrics.ts';
import type { Broker } from '../brokers/broker.ts';
import { createEmbeddedBroker } from '../brokers/embedded/embeddedBroker.ts';
import { openLogReader } from '../brokers/embedded/readOnlyLog.ts';
import { createSandbox } from '../sandbox/isolatedSandbox.ts';
import { isSwitched } from './replacement.ts';
import type { LiveRun } from './run.ts';
import { startRun } from './run.ts';
import type { FromRun, RunBootstrap, RunRequest, ToRun } from './runLink.ts';

/**
 * The process of one run. It lives and dies with its server: when the channel closes (the server was killed), it ends at
 * once, so that two processes never write one log; whatever was acknowledged is on disk already.
 */

/** Log lines wait at most this long, and at most so many wait; the store has all of them. */
const LOG_LINES_PER_TICK_MAX = 200;
const LOCK_WAIT_MS_MAX = 10_000;
const LOCK_RETRY_MS = 25;

let run: LiveRun | null = null;
let ticker: NodeJS.Timeout | null = null;
let framesWanted = false;
let frameCredit = 0;
const pendingLogs: LogLine[] = [];
/** Left out of the live stream since the last tick; the store has them (TR3). */
let droppedLogs = 0;
let ending = false;
let suspending = false;
let copyCancelled = false;

function send(message: FromRun): void {
  if (process.connected) process.send?.(message);
}

function tick(): void {
  if (!run) return;
  send({ type: 'metrics', metrics: run.metrics() });
  if (pendingLogs.length > 0) {
    send({ type: 'logs', lines: pendingLogs.splice(0), dropped: droppedLogs });
    droppedLogs = 0;
  }
}

/** After a crash the last process of this run may need a moment to be gone; its lock goes with it. */
async function openBroker(bootstrap: RunBootstrap): Promise<Broker> {
  const options = { folder: bootstrap.folder, durability: bootstrap.document.settings.durability };
  const giveUpAt = performance.now() + LOCK_WAIT_MS_MAX;
  for (;;) {
    try {
      return await createEmbeddedBroker(options);
    } catch (thrown) {
      const error = toWorkbenchError(thrown);
      if (error.code !== 'DATA_FOLDER_LOCKED' || performance.now() > giveUpAt) throw error;
      await delay(LOCK_RETRY_MS);
    }
  }
}

async function boot(bootstrap: RunBootstrap): Promise<void> {
  const broker = await openBroker(bootstrap);
  const origin = bootstrap.fork ? openLogReader(bootstrap.fork.folder) : null;
  if (origin) send({ type: 'copying' });
  const early: { status: RunStatus; error: { code: WorkbenchError['code']; message: string } | null }[] = [];
  let announce = (status: RunStatus, error: (typeof early)[number]['error']): void => {
    early.push({ status, error });
  };
  const started = await startRun(
    bootstrap,
    { broker, sandbox: createSandbox(), ...(origin ? { origin } : {}) },
    {
      onStatus: (status, error) => announce(status, error),
      onNotice: (notice) => send({ type: 'notice', notice }),
      onLogs: (lines) => {
        pendingLogs.push(...lines);
        const excess = Math.max(0, pendingLogs.length - LOG_LINES_PER_TICK_MAX);
        pendingLogs.splice(0, excess);
        droppedLogs += excess;
      },
      onTraceFrame: (firstSeq, count, frame) => {
        if (!framesWanted || frameCredit <= 0) return;
        frameCredit--;
        send({ type: 'trace-frame', firstSeq, count, frame });
      },
      isCancelled: () => copyCancelled,
    },
  );
  origin?.close();
  if (started === null) {
    ending = true;
    await broker.close();
    sendLast({ type: 'status', status: 'stopped', error: null }, 0);
    return;
  }
  run = started;
  ticker = setInterval(tick, 1000 / bootstrap.framesPerSecond);
  send({ type: 'ready' });
  announce = (status, error) => {
    if (isFinalRunStatus(status)) void end(status, error);
    else send({ type: 'status', status, error });
  };
  for (const { status, error } of early) announce(status, error);
}

/** Whether the log went over to the version of this boot before it failed; asked of the file, which needs no open broker. */
function isVersionOf({ folder, replaces }: RunBootstrap): boolean {
  if (replaces === null) return false;
  const reader = openLogReader(folder);
  try {
    return isSwitched({ state: reader.state() }, replaces.version);
  } catch {
    // A log that cannot be read is no ground for either version; the old one then says what is wrong with it.
    return false;
  } finally {
    reader.close();
  }
}

/** The run is over: everything to disk, the last numbers out, then the status, then the end of the process. */
async function end(
  status: RunStatus,
  error: { code: WorkbenchError['code']; message: string } | null,
): Promise<void> {
  if (ending || !run) return;
  ending = true;
  if (ticker) clearInterval(ticker);
  const finished = run;
  tick();
  await finished.close();
  // Only now is everything in the store that its figures tell of.
  send({ type: 'metrics', metrics: { ...finished.metrics(), status } });
  sendLast({ type: 'status', status, error }, 0);
}

/** Ends the process once the message, and everything before it, has left. */
function sendLast(message: FromRun, exitCode: number): void {
  if (!process.connected) process.exit(exitCode);
  process.send?.(message, undefined, undefined, () => process.exit(exitCode));
}

async function answer(requestId: number, request: RunRequest): Promise<void> {
  try {
    send({ type: 'answer', requestId, ok: true, value: await perform(request) });
  } catch (thrown) {
    const error = toWorkbenchError(thrown);
    // What a suspended run did not begin is asked of the process that comes after this one.
    if (suspending && error.code === 'RUN_NOT_ACTIVE') return;
    send({ type: 'answer', requestId, ok: false, error: error.toData() });
  }
}

async function perform(request: RunRequest): Promise<unknown> {
  if (!run) throw new Error('The run has not started yet.');
  switch (request.type) {
    case 'pause':
      run.pause();
      return null;
    case 'resume':
      run.resume();
      return null;
    case 'step':
      return run.step();
    case 'stop':
      run.stop();
      return null;
    case 'ingest':
      return run.ingest(request.producer, request.messages);
    case 'metrics':
      return run.metrics();
    case 'command':
      return run.command(request.command);
    case 'seek':
      return run.seek(request);
  }
}

async function suspend(): Promise<void> {
  if (ending) return;
  ending = true;
  suspending = true;
  if (ticker) clearInterval(ticker);
  const suspended = run;
  const status = suspended?.metrics().status;
  const idle = (await suspended?.suspend()) ?? false;
  // The last numbers; to stand still for this is not to be paused.
  if (suspended && status) send({ type: 'metrics', metrics: { ...suspended.metrics(), status } });
  sendLast({ type: 'suspended', idle }, 0);
}

process.on('message', (message: ToRun) => {
  switch (message.type) {
    case 'boot':
      boot(message.boot).catch((thrown: unknown) => {
        const switched = isVersionOf(message.boot);
        sendLast({ type: 'boot-failed', error: toWorkbenchError(thrown).toData(), switched }, 1);
      });
      return;
    case 'request':
      void answer(message.requestId, message.request);
      return;
    case 'watch':
      framesWanted = message.traces;
      return;
    case 'frame-credit':
      frameCredit += message.frames;
      return;
    case 'suspend':
      void suspend();
      return;
    case 'cancel-copy':
      copyCancelled = true;
      return;
  }
});

process.on('disconnect', () => process.exit(1));
// A terminal sends Ctrl-C to the whole group; the server decides what becomes of its runs.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
