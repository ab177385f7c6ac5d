import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { RUN_EXEC_ARGV, runEnvironment } from './childProcess.ts';
import { describeExit, lastLine, onceHeardOut } from './processEnd.ts';
import type { FromRun, RunBootstrap, ToRun } from './runLink.ts';

/** What a dying process said last, kept for the notice. */
const STDERR_TAIL_MAX = 4000;

export type RunChildEvents = {
  /** Before `started` resolves. */
  onReady(): void;
  /**
   * It says why the run cannot begin; `switched` when its log belongs to the new version already. Answers what becomes of
   * the run: one that goes on with another process hears nothing of the end of this one.
   */
  onRefused(error: WorkbenchError, switched: boolean): 'goes-on' | 'is-over';
  onMessage(message: Exclude<FromRun, { type: 'ready' | 'boot-failed' }>): void;
  /** Once, after all that it said was heard. */
  onExit(code: number | null, signal: NodeJS.Signals | null): void;
};

/** One process of a run, from its start to its end. */
export class RunChild {
  /** Resolves when the process is ready; rejected when it refuses, or ends before it is. */
  readonly started: Promise<void>;
  readonly #process: ChildProcess;
  #stderrTail = '';

  constructor(boot: RunBootstrap, events: RunChildEvents) {
    const script = fileURLToPath(new URL('./runProcess.ts', import.meta.url));
    this.#process = fork(script, [], {
      execArgv: RUN_EXEC_ARGV,
      env: runEnvironment(),
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#process.stderr?.on('data', (chunk: Buffer) => {
      this.#stderrTail = (this.#stderrTail + chunk.toString('utf8')).slice(-STDERR_TAIL_MAX);
    });
    this.started = this.#whenStarted(events);
    this.send({ type: 'boot', boot });
  }

  get pid(): number | null {
    return this.#process.pid ?? null;
  }

  get isGone(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** The last line it wrote to its error stream. */
  get lastWords(): string {
    return lastLine(this.#stderrTail);
  }

  send(message: ToRun): void {
    if (this.#process.connected) this.#process.send(message, () => {});
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }

  #whenStarted({ onReady, onRefused, onMessage, onExit }: RunChildEvents): Promise<void> {
    const child = this.#process;
    let settled = false;
    let goesOn = false;
    return new Promise((resolve, reject) => {
      const fail = (message: string, cause?: unknown): void => {
        if (!settled) reject(new WorkbenchError('RUN_PROCESS_DIED', message, { cause }));
        settled = true;
      };
      child.on('message', (message: FromRun) => {
        if (message.type === 'ready') {
          settled = true;
          onReady();
          resolve();
        } else if (message.type === 'boot-failed') {
          settled = true;
          const error = WorkbenchError.fromData(message.error);
          goesOn = onRefused(error, message.switched) === 'goes-on';
          // Another process takes its place, as soon as this one is gone.
          if (goesOn) onceHeardOut(child, () => reject(error));
          else reject(error);
        } else onMessage(message);
      });
      // A process that cannot even be started; its 'exit' may never come.
      child.on('error', (cause) => {
        if (child.pid === undefined) onExit(null, null);
        fail(`The process of the run could not be started: ${cause.message}`, cause);
      });
      onceHeardOut(child, (code, signal) => {
        fail(
          `The process of the run ended before it was ready (${describeExit(code, signal)}). ${this.lastWords}`,
        );
        if (!goesOn) onExit(code, signal);
      });
    });
  }
}
