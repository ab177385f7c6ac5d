import { Socket } from 'node:net';
import { toWorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { assertNever } from '@millrace/shared/util/assert.ts';
import { createFrameReader, createFrameWriter } from './frames.ts';
import { type FromHost, PIPE_FD, type Stop, type ToHost } from './hostLink.ts';
import { type Answer, CallStopped, NodeIsolate } from './nodeIsolate.ts';
import { noteText } from './passedTexts.ts';

/**
 * The process that holds the isolates of one run. It exists because V8 ends the whole process for some ways of running
 * out of memory (a Map that grows without end is one), and because some loops cannot be interrupted at all: then only
 * this process ends, its parent blames the right handler, and the run goes on.
 */

const WATCH_MS = 50;
/** What the process needs for itself (about 80 MB) and for texts on their way through it. */
const BASE_MB = 192;
/** What an isolate takes beside the heap that its limit is about. */
const ISOLATE_MB = 16;
const BYTES_PER_MB = 1_048_576;

type Held = {
  isolate: NodeIsolate | null;
  memoryMb: number;
  calls: number;
  /** The last call that was asked for: the next is begun when it has ended. */
  turn: Promise<void>;
  /** A call was stopped. What was under way in the isolate then is in pieces, so none is begun in it any more. */
  stopped: boolean;
};

const held = new Map<number, Held>();
let doomed = false;

const pipe = new Socket({ fd: PIPE_FD });
const writer = createFrameWriter(pipe);

function send(message: FromHost, text = ''): void {
  writer.send(message, text);
}

/** Says why, and ends at once: nothing in this process can be trusted to clean up. */
function die(isolateId: number | null, stop: Stop, message: string): void {
  if (doomed) return;
  doomed = true;
  writer.send({ type: 'doomed', isolateId, stop, message } satisfies FromHost, '', end);
}

function end(): never {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('unreachable');
}

/** V8 polls for interrupts at certain places only; a loop that allocates between them passes every limit. */
function watchMemory(): void {
  let allowedMb = BASE_MB;
  for (const { memoryMb } of held.values()) allowedMb += memoryMb + ISOLATE_MB;
  if (process.memoryUsage.rss() <= allowedMb * BYTES_PER_MB) return;
  const running = [...held].filter(([, { calls }]) => calls > 0);
  const only = running.length === 1 ? running[0] : undefined;
  die(only ? only[0] : null, 'out-of-memory', 'The process holds more memory than all its handlers may.');
}

async function open({ requestId, isolateId, module }: ToHost & { type: 'open' }): Promise<void> {
  const entry: Held = {
    isolate: null,
    memoryMb: module.memoryMb,
    calls: 1,
    turn: Promise.resolve(),
    stopped: false,
  };
  held.set(isolateId, entry);
  try {
    entry.isolate = await NodeIsolate.open(module, (message) =>
      die(isolateId, message.includes('out-of-memory') ? 'out-of-memory' : 'timed-out', message),
    );
    send({ type: 'opened', requestId });
  } catch (thrown) {
    held.delete(isolateId);
    send({ type: 'refused', requestId, error: toWorkbenchError(thrown).toData() });
  } finally {
    entry.calls--;
  }
}

function call(request: ToHost & { type: 'call' }, input: string): void {
  const entry = held.get(request.isolateId);
  if (!entry?.isolate) return gone(request);
  const { isolate } = entry;
  entry.turn = entry.turn.then(async () => {
    if (entry.stopped) send({ type: 'unbegun', requestId: request.requestId });
    else entry.stopped = !(await perform(entry, isolate, request, () => isolate.call(input)));
  });
}

function collect(request: ToHost & { type: 'collect' }): void {
  const entry = held.get(request.isolateId);
  if (!entry?.isolate) return gone(request);
  const { isolate } = entry;
  void perform(entry, isolate, request, () => isolate.collect());
}

function gone({ requestId }: { requestId: number }): void {
  send({ type: 'stopped', requestId, stop: 'crashed', message: 'It is gone.', elapsedUs: 0 });
}

/** False when the isolate was stopped. */
async function perform(
  entry: Held,
  isolate: NodeIsolate,
  { requestId }: { requestId: number },
  act: () => Promise<Answer>,
): Promise<boolean> {
  const startedNs = isolate.wallNs;
  const elapsedUs = (): number => Math.max(0, Number(isolate.wallNs - startedNs) / 1000);
  entry.calls++;
  try {
    const { output, warning } = await act();
    send({ type: 'done', requestId, warning, elapsedUs: elapsedUs() }, output);
    noteText(output);
    return true;
  } catch (thrown) {
    const stop = thrown instanceof CallStopped ? thrown.stop : 'crashed';
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    send({ type: 'stopped', requestId, stop, message, elapsedUs: elapsedUs() });
    return false;
  } finally {
    entry.calls--;
  }
}

function dispose(isolateId: number): void {
  held.get(isolateId)?.isolate?.dispose();
  held.delete(isolateId);
}

function take(request: ToHost, text: string): void {
  switch (request.type) {
    case 'open':
      return void open(request);
    case 'call':
      return call(request, text);
    case 'collect':
      return collect(request);
    case 'dispose':
      return dispose(request.isolateId);
    default:
      return assertNever(request, 'request');
  }
}

pipe.on(
  'data',
  createFrameReader((message, text) => take(message as ToHost, text)),
);
// The other end is gone, and with it whoever could want an answer. What cannot be written is told by 'close' as well.
pipe.on('error', () => {});
pipe.on('close', end);
setInterval(watchMemory, WATCH_MS);
