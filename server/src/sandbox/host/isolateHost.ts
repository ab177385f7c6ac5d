import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { assertNever } from '@millrace/shared/util/assert.ts';
import type { SandboxModule } from '../sandbox.ts';
import { createFrameReader, createFrameWriter, type FrameWriter } from './frames.ts';
import { type FromHost, PIPE_FD, type Stop, type ToHost } from './hostLink.ts';

/** After a death that several may have caused, this many calls run one at a time, so that the next one has a culprit. */
const CAREFUL_CALLS = 256;
const STDERR_CHARS_MAX = 4000;
const HOST_FILE = fileURLToPath(new URL('./hostProcess.ts', import.meta.url));

export type CallAnswer = { output: string; warning: string | null; elapsedUs: number };

/**
 * A call that did not end by itself. `bystander`: its process died, and not because of it, or nobody knows yet.
 * `unbegun`: the call before it ended the isolate.
 */
export class CallEnded extends Error {
  readonly stop: Stop | 'bystander' | 'unbegun';
  readonly elapsedUs: number;

  constructor(stop: Stop | 'bystander' | 'unbegun', message: string, elapsedUs: number) {
    super(message);
    this.stop = stop;
    this.elapsedUs = elapsedUs;
  }
}

/** One isolate of the host; worthless once the process it lived in is gone. */
export interface HostedIsolate {
  readonly lost: boolean;
  /** Both reject with CallEnded. Calls that are under way together are begun one after the other. */
  call(input: string): Promise<CallAnswer>;
  collect(): Promise<CallAnswer>;
  dispose(): void;
}

type Pending = {
  isolateId: number;
  resolve(answer: CallAnswer): void;
  reject(error: Error): void;
};

type Generation = {
  process: ChildProcess;
  writer: FrameWriter;
  /** In the order of the requests. */
  pending: Map<number, Pending>;
  doom: (FromHost & { type: 'doomed' }) | null;
  stderr: string;
  gone: boolean;
};

/** Starts the process that holds isolates, starts it again when it died, and finds out whose fault that was. */
export class IsolateHost {
  #generation: Generation | null = null;
  #nextId = 1;
  #carefulCalls = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  /** Rejects with HANDLER_COMPILE_FAILED, or with CallEnded when the process dies meanwhile. */
  async open(module: SandboxModule): Promise<HostedIsolate> {
    const generation = this.#start();
    const isolateId = this.#nextId++;
    await this.#request(generation, isolateId, (requestId) => ({
      type: 'open',
      requestId,
      isolateId,
      module,
    }));
    return {
      get lost() {
        return generation.gone;
      },
      call: (input) =>
        this.#inTurn(() =>
          this.#request(
            generation,
            isolateId,
            (requestId) => ({ type: 'call', requestId, isolateId }),
            input,
          ),
        ),
      collect: () =>
        this.#request(generation, isolateId, (requestId) => ({ type: 'collect', requestId, isolateId })),
      dispose: () => {
        if (!generation.gone) generation.writer.send({ type: 'dispose', isolateId } satisfies ToHost, '');
      },
    };
  }

  /** Of the process that holds the isolates; null while there is none. */
  get pid(): number | null {
    return this.#generation?.process.pid ?? null;
  }

  /** Resolves when the process is gone. */
  async close(): Promise<void> {
    this.#closed = true;
    const generation = this.#generation;
    if (!generation) return;
    const closed = once(generation.process, 'close');
    generation.process.kill('SIGKILL');
    await closed;
  }

  #inTurn<Result>(act: () => Promise<Result>): Promise<Result> {
    if (this.#carefulCalls === 0) return act();
    this.#carefulCalls--;
    const mine = this.#turn.then(act);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  #request(
    generation: Generation,
    isolateId: number,
    make: (requestId: number) => ToHost,
    text = '',
  ): Promise<CallAnswer> {
    const requestId = this.#nextId++;
    return new Promise((resolve, reject) => {
      if (generation.gone) {
        reject(new CallEnded('bystander', 'The process of the handlers ended.', 0));
        return;
      }
      generation.pending.set(requestId, { isolateId, resolve, reject });
      generation.writer.send(make(requestId), text);
    });
  }

  #start(): Generation {
    if (this.#closed) throw new WorkbenchError('RUN_NOT_ACTIVE', 'The sandbox of this run is closed.');
    if (this.#generation) return this.#generation;
    // isolated-vm refuses to share V8's startup snapshot.
    const flags = ['--no-node-snapshot', '--disable-warning=ExperimentalWarning'];
    const child = spawn(process.execPath, [...flags, HOST_FILE], {
      // Nothing of this process's environment concerns handler code, and its local time is the same everywhere.
      env: { TZ: 'UTC', LANG: 'C.UTF-8' },
      // The last is the pipe of the frames; elsewhere than on Windows 'overlapped' is 'pipe'.
      stdio: ['ignore', 'ignore', 'pipe', 'overlapped'],
    });
    const pipe = child.stdio[PIPE_FD] as Duplex;
    const generation: Generation = {
      process: child,
      writer: createFrameWriter(pipe),
      pending: new Map(),
      doom: null,
      stderr: '',
      gone: false,
    };
    this.#generation = generation;
    pipe.on(
      'data',
      createFrameReader((message, text) => this.#onMessage(generation, message as FromHost, text)),
    );
    // A process that ends takes its end of the pipe with it; 'close' tells of it when all it said was read.
    pipe.on('error', () => {});
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      generation.stderr = (generation.stderr + text).slice(-STDERR_CHARS_MAX);
    });
    child.on('error', (error) => {
      child.kill('SIGKILL');
      this.#onExit(generation, error.message);
    });
    child.on('close', (code, signal) => this.#onExit(generation, `${signal ?? `exit code ${code}`}`));
    return generation;
  }

  #onMessage(generation: Generation, message: FromHost, text: string): void {
    if (message.type === 'doomed') {
      generation.doom = message;
      return;
    }
    const pending = generation.pending.get(message.requestId);
    if (!pending) return;
    generation.pending.delete(message.requestId);
    switch (message.type) {
      case 'done':
        return pending.resolve({ output: text, warning: message.warning, elapsedUs: message.elapsedUs });
      case 'opened':
        return pending.resolve({ output: '', warning: null, elapsedUs: 0 });
      case 'refused':
        return pending.reject(WorkbenchError.fromData(message.error));
      case 'stopped':
        return pending.reject(new CallEnded(message.stop, message.message, message.elapsedUs));
      case 'unbegun':
        return pending.reject(unbegun());
      default:
        assertNever(message, 'answer');
    }
  }

  #onExit(generation: Generation, how: string): void {
    if (generation.gone) return;
    generation.gone = true;
    if (this.#generation === generation) this.#generation = null;
    const { doom } = generation;
    const suspects = new Set([...generation.pending.values()].map(({ isolateId }) => isolateId));
    const [only] = suspects;
    const culprit = doom?.isolateId ?? (suspects.size === 1 ? only : undefined);
    if (culprit === undefined && suspects.size > 1) this.#carefulCalls = CAREFUL_CALLS;
    const stop = doom?.stop ?? (ranOutOfMemory(generation.stderr) ? 'out-of-memory' : 'crashed');
    const message = doom?.message ?? `It ended (${how})${lastWords(generation.stderr)}.`;
    const begun = new Set<number>();
    for (const { isolateId, reject } of generation.pending.values()) {
      if (this.#closed) reject(new WorkbenchError('RUN_NOT_ACTIVE', 'The sandbox of this run is closed.'));
      else if (begun.has(isolateId)) reject(unbegun());
      else reject(new CallEnded(isolateId === culprit ? stop : 'bystander', message, 0));
      begun.add(isolateId);
    }
    generation.pending.clear();
  }
}

function unbegun(): CallEnded {
  return new CallEnded('unbegun', 'The call before it ended the isolate.', 0);
}

/** V8 says so on its way out. */
function ranOutOfMemory(stderr: string): boolean {
  return /out of memory|heap limit|invalid (table|array|size)/i.test(stderr);
}

/** The line of its error output that says most. */
function lastWords(stderr: string): string {
  const line = stderr.split('\n').find((text) => /error|fatal/i.test(text));
  return line === undefined ? '' : `: ${line.trim().replace(/\.$/, '')}`;
}
