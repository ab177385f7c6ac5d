import { mkdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type ErrorData, WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import { isFinalRunStatus } from '@millrace/shared/trace/metrics.ts';
import { describeExit } from './processEnd.ts';
import type { Replaces } from './replacement.ts';
import { RESTARTS_MAX, RestartLimit } from './restartLimit.ts';
import { RunChild } from './runChild.ts';
import type { FromRun, RunAnswers, RunRequest, ToRun } from './runLink.ts';
import type { Replacement, SupervisedRun, SupervisorEvents } from './supervision.ts';

export type RunHandleOptions = {
  run: SupervisedRun;
  folder: string;
  fileFolders: string[];
  events: SupervisorEvents;
};

/** Trace frames a run process may have on their way to the server. */
const FRAME_CREDIT = 16;
const FRAMES_PER_SECOND = 10;
const SUSPEND_MS_MAX = 8000;

type Pending = { request: RunRequest; resolve(value: unknown): void; reject(error: WorkbenchError): void };
/** What a process is started with. `replaces` until it is decided which of the two documents the run is on. */
type Version = { document: FlowDocument; replaces: Replaces | null };
/** How a process ended that was told to: null when it died instead. */
type Suspended = { idle: boolean } | null;

/** The server's side of one run's process: starts it, starts it again when it dies, and matches answers to requests. */
export class RunHandle {
  /** Resolves when the run is over or suspended; never rejects. */
  readonly over: Promise<void>;
  readonly #options: RunHandleOptions;
  readonly #pending = new Map<number, Pending>();
  #child: RunChild | null = null;
  #ready: Promise<void> = Promise.resolve();
  #nextRequestId = 1;
  readonly #restarts = new RestartLimit();
  #paused: boolean;
  /** A process that comes after the one that was told has to be told again. */
  #stopSent = false;
  #watching = false;
  /**
   * Whether any process of this run was ever ready. A new run whose process dies before that fails its start; one that is
   * resumed has run before, and what kills its process on the way up is no reason to end it.
   */
  #everReady: boolean;
  #finished = false;
  /** A process said why the run cannot begin; another one would say the same. */
  #refused = false;
  #suspending = false;
  #version: Version;
  /** Why the run stayed on the version before, when it was to change over. */
  #refusal: WorkbenchError | null = null;
  /** Set while the process of the old version ends: told when it has, and how. */
  #onSuspended: ((suspended: Suspended) => void) | null = null;
  #suspended: Suspended = null;
  #copying = false;
  #endOver: () => void = () => {};

  constructor(options: RunHandleOptions) {
    this.#options = options;
    const { document, paused, afterCrash, replaces = null } = options.run;
    this.#paused = paused;
    this.#everReady = afterCrash;
    this.#version = { document, replaces };
    this.over = new Promise((resolve) => {
      this.#endOver = resolve;
    });
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  async start(): Promise<Replacement> {
    await mkdir(this.#options.folder, { recursive: true });
    if (this.#suspending) return { refused: null };
    this.#ready = this.#boot(this.#options.run.afterCrash);
    try {
      await this.#whenReady();
      return { refused: this.#refusal };
    } catch (error) {
      this.#finish();
      // The server was told to end before the run had begun: it is as it was, for the next server to start.
      if (this.#suspending) return { refused: null };
      throw error;
    }
  }

  /** Rule RN4. What is asked of the run meanwhile waits for the process that comes. */
  async replace(document: FlowDocument, version: number): Promise<Replacement> {
    await this.#whenReady();
    if (this.#onSuspended || this.#version.replaces)
      throw new WorkbenchError('REPLACEMENT_REFUSED', 'Changes are being applied to this run already.');
    this.#refusal = null;
    this.#ready = this.#changeOver({ document, replaces: { version, previous: this.#version.document } });
    await this.#whenReady();
    return { refused: this.#refusal };
  }

  async #changeOver(next: Version): Promise<void> {
    const suspended = await this.#suspendProcess();
    if (this.#finished)
      throw new WorkbenchError('RUN_NOT_ACTIVE', 'The run ended before the changes were applied.');
    this.#version = next;
    await this.#boot(suspended?.idle !== true);
    // In the order in which they were asked, before anything that waited for this process.
    if (suspended?.idle) for (const [requestId, { request }] of this.#pending) this.#ask(requestId, request);
  }

  /** Ends the process so that another one can take its place. */
  async #suspendProcess(): Promise<Suspended> {
    const child = this.#child;
    this.#suspended = null;
    const over = new Promise<Suspended>((resolve) => {
      this.#onSuspended = resolve;
    });
    this.#send({ type: 'suspend' });
    const killer = setTimeout(() => child?.kill(), SUSPEND_MS_MAX);
    const suspended = await over;
    clearTimeout(killer);
    return suspended;
  }

  /** Starts a process; one that was to change over and cannot is followed by one with the version before. */
  async #boot(afterCrash: boolean): Promise<void> {
    const { replaces } = this.#version;
    try {
      await this.#spawn(afterCrash);
    } catch (thrown) {
      if (replaces === null || !this.#refusal || this.#finished) throw thrown;
      if (this.#suspending) {
        // The next server tries again.
        this.#finish();
        throw thrown;
      }
      this.#version = { document: replaces.previous, replaces: null };
      await this.#spawn(afterCrash);
    }
    this.#version = { ...this.#version, replaces: null };
  }

  async request<Type extends RunRequest['type']>(
    request: Extract<RunRequest, { type: Type }>,
  ): Promise<RunAnswers[Type]> {
    if (request.type === 'stop' && this.#copying) {
      this.#send({ type: 'cancel-copy' });
      await this.over;
      // A stop is answered with nothing.
      return null as RunAnswers[Type];
    }
    await this.#whenReady();
    if (request.type === 'stop') this.#stopSent = true;
    const requestId = this.#nextRequestId++;
    const answer = new Promise<unknown>((resolve, reject) =>
      this.#pending.set(requestId, { request, resolve, reject }),
    );
    this.#ask(requestId, request);
    // The run process answers each request with the type that `RunAnswers` gives for it.
    return (await answer) as RunAnswers[Type];
  }

  /**
   * Waits for the process, and for the one after it when it dies on its way up: what is asked for meanwhile is not lost.
   * Ends with the restarts, which are limited.
   */
  async #whenReady(): Promise<void> {
    for (;;) {
      const ready = this.#ready;
      try {
        await ready;
      } catch (error) {
        if (this.#finished || ready === this.#ready) throw error;
        continue;
      }
      if (this.#finished) throw new WorkbenchError('RUN_NOT_ACTIVE', 'The run is over.');
      if (ready === this.#ready) return;
    }
  }

  watchTraces(watch: boolean): void {
    this.#watching = watch;
    this.#send({ type: 'watch', traces: watch });
  }

  /** Ends the process in good order and leaves the run to be resumed. */
  async suspend(): Promise<void> {
    this.#suspending = true;
    const child = this.#child;
    if (!child || child.isGone) {
      this.#finish();
      return;
    }
    this.#send({ type: 'suspend' });
    const killer = setTimeout(() => child.kill(), SUSPEND_MS_MAX);
    await this.over;
    clearTimeout(killer);
  }

  #ask(requestId: number, request: RunRequest): void {
    this.#send({ type: 'request', requestId, request });
  }

  #spawn(afterCrash: boolean): Promise<void> {
    const { run, folder, fileFolders } = this.#options;
    const { document, replaces } = this.#version;
    const boot = {
      runId: run.runId,
      document,
      folder,
      fileFolders,
      paused: this.#paused,
      afterCrash,
      replaces,
      fork: run.fork ?? null,
      framesPerSecond: FRAMES_PER_SECOND,
    };
    this.#child = new RunChild(boot, {
      onReady: () => {
        this.#everReady = true;
        this.#copying = false;
        this.#send({ type: 'frame-credit', frames: FRAME_CREDIT });
        if (this.#watching) this.#send({ type: 'watch', traces: true });
      },
      onRefused: (error, switched) => {
        if (replaces !== null && !switched && !this.#suspending) {
          this.#refusal = error;
          return 'goes-on';
        }
        this.#refused = true;
        this.#finished = true;
        return 'is-over';
      },
      onMessage: (message) => this.#hear(message),
      onExit: (code, signal) => this.#onExit(code, signal),
    });
    return this.#child.started;
  }

  #hear(message: Exclude<FromRun, { type: 'ready' | 'boot-failed' }>): void {
    const { events, run } = this.#options;
    switch (message.type) {
      case 'answer': {
        const pending = this.#pending.get(message.requestId);
        this.#pending.delete(message.requestId);
        if (message.ok) pending?.resolve(message.value);
        else pending?.reject(WorkbenchError.fromData(message.error));
        return;
      }
      case 'suspended':
        this.#suspended = { idle: message.idle };
        return;
      case 'copying':
        // From here on a process that dies is followed by one that goes on with the copy.
        this.#everReady = true;
        this.#copying = true;
        return;
      case 'status':
        if (this.#suspending) return;
        // A process that gives way to the next one stands still first; the run does not.
        if (this.#onSuspended && !isFinalRunStatus(message.status)) return;
        if (message.status === 'paused') this.#paused = true;
        if (message.status === 'running') this.#paused = false;
        if (isFinalRunStatus(message.status)) this.#finished = true;
        events.status(run.runId, message.status, message.error);
        return;
      case 'metrics':
        events.metrics(run.runId, message.metrics);
        return;
      case 'trace-frame':
        this.#send({ type: 'frame-credit', frames: 1 });
        events.traceFrame(run.runId, message.firstSeq, message.count, message.frame);
        return;
      case 'logs':
        events.logs(run.runId, message.lines, message.dropped);
        return;
      case 'notice':
        events.notice(run.runId, message.notice);
        return;
    }
  }

  #onExit(code: number | null, signal: NodeJS.Signals | null): void {
    const onSuspended = this.#onSuspended;
    this.#onSuspended = null;
    this.#copying = false;
    // What it did not begin is asked of the process that comes.
    if (onSuspended && this.#suspended?.idle && !this.#finished && !this.#suspending) {
      onSuspended(this.#suspended);
      return;
    }
    const error = this.#finished
      ? new WorkbenchError('RUN_NOT_ACTIVE', 'The run ended before it answered.')
      : new WorkbenchError('RUN_PROCESS_DIED', 'The process of the run died before it answered.', {
          retryable: true,
        });
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
    if (this.#finished || this.#suspending || !this.#everReady) {
      this.#finish();
      onSuspended?.(null);
      return;
    }
    if (onSuspended) {
      onSuspended(this.#suspended);
      return;
    }
    this.#restart(describeExit(code, signal));
  }

  /** Rule RN3: what is committed stays, what was in flight is redelivered. */
  #restart(how: string): void {
    const { events, run } = this.#options;
    const said = this.#child?.lastWords ?? '';
    const delayMs = this.#restarts.delayAfterDeath(performance.now());
    if (delayMs === null) {
      const error: ErrorData = {
        code: 'RUN_PROCESS_DIED',
        message:
          `The process of this run died ${RESTARTS_MAX} times within a minute (${how}) and was given up. ${said}`.trim(),
      };
      events.status(run.runId, 'failed', error);
      this.#finish();
      return;
    }
    const message =
      `The process of this run died (${how}) and was started again from what is committed; what was in flight is delivered again. ${said}`.trim();
    events.notice(run.runId, { timeMs: Date.now(), level: 'warning', message });
    events.restarted(run.runId, this.#restarts.total);
    this.#ready = delay(delayMs).then(() => {
      // The server may have ended meanwhile; a process started now would keep the log from the next server.
      if (this.#finished) throw new WorkbenchError('RUN_NOT_ACTIVE', 'The run was left to be resumed.');
      return this.#boot(true);
    });
    this.#ready.then(
      () => {
        if (this.#stopSent) void this.request({ type: 'stop' }).catch(() => {});
      },
      (thrown: unknown) => {
        // An early death is followed by `#onExit`; only a refused boot is final.
        if (!this.#refused || this.#suspending) return;
        const error =
          thrown instanceof WorkbenchError
            ? thrown.toData()
            : { code: 'RUN_PROCESS_DIED' as const, message: String(thrown) };
        events.status(run.runId, 'failed', error);
      },
    );
  }

  #finish(): void {
    this.#finished = true;
    this.#endOver();
  }

  #send(message: ToRun): void {
    this.#child?.send(message);
  }
}
