import { toWorkbenchError, WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { Message } from '@millrace/shared/message/message.ts';
import type { ResponseOf } from '@millrace/shared/protocol/catalog.ts';
import type { RunStatus } from '@millrace/shared/trace/metrics.ts';
import type { TraceEntry } from '@millrace/shared/trace/recordRun.ts';
import { assertNever } from '@millrace/shared/util/assert.ts';
import type { Broker } from '../brokers/broker.ts';
import type { Engine } from '../engine/engine.ts';
import type {
  AttemptOutcome,
  EngineAnswers,
  EngineCommand,
  EngineEffect,
  EngineError,
  EngineInput,
  EngineLog,
  Invocation,
  RestoredRun,
} from '../engine/io.ts';
import type { Source } from './sources/source.ts';
import type { WallClock } from './wallClock.ts';

/** Runs the attempts of one consumer node: the sandbox for code, a sink for files and logs. */
export type Invoker = (invocation: Invocation, nowMs: number) => Promise<AttemptOutcome[]>;

export type LiveDriverParts = {
  engine: Engine;
  broker: Broker;
  clock: WallClock;
  invokers: ReadonlyMap<string, Invoker>;
  sources: ReadonlyMap<string, Source>;
  /** An instance has crashed: what its code keeps in memory is to be forgotten. */
  onReset(node: string, instance: number): void;
  onTrace(entries: TraceEntry[]): void;
  onLog(lines: EngineLog[]): void;
  onStatus(status: RunStatus, error: EngineError | null): void;
  onStalled(reason: string | null): void;
};

export type Accepted = { id: string; topic: string; partition: number; offset: number };
/** `dropped` were left out because a reader is full and the producer is set to drop (TP6). */
export type Ingested = { accepted: Accepted[]; dropped: number };

/** Node cannot sleep longer than this in one timer; a longer wait is slept in parts. */
const TIMER_MS_MAX = 2_000_000_000;

/**
 * Performs the effects of the engine core in real time: the only place where the pure core meets a clock, a broker, the
 * sandbox and the files. It decides nothing; every outcome goes back to the core as an input.
 */
export class LiveDriver {
  readonly #parts: LiveDriverParts;
  readonly #queue: EngineInput[] = [];
  readonly #replies = new Map<
    number,
    { resolve(ingested: Ingested): void; reject(error: WorkbenchError): void }
  >();
  readonly #answers = new Map<
    number,
    { resolve(value: EngineAnswers[EngineCommand['type']]): void; reject(error: WorkbenchError): void }
  >();
  readonly #steps = new Map<number, (stepped: ResponseOf<'run.step'>) => void>();
  #nextRequestId = 1;
  #stepping = false;
  #closed = false;
  #timer: NodeJS.Timeout | null = null;
  /** Operations whose outcome the core still waits for. */
  #outstanding = 0;
  #idleWaiters: (() => void)[] = [];

  constructor(parts: LiveDriverParts) {
    this.#parts = parts;
  }

  start(restored: RestoredRun, paused: boolean): void {
    this.#feed({ type: 'start', restored, paused, nowMs: this.#now() });
  }

  pause(): void {
    this.#feed({ type: 'pause', nowMs: this.#now() });
  }

  resume(): void {
    this.#feed({ type: 'resume', nowMs: this.#now() });
  }

  stop(): void {
    this.#feed({ type: 'stop', nowMs: this.#now() });
  }

  /** Resolves when the one message is finished and its effects are durable. */
  step(): Promise<ResponseOf<'run.step'>> {
    if (this.#closed) return Promise.reject(hasEnded());
    const requestId = this.#nextRequestId++;
    return new Promise((resolve) => {
      this.#steps.set(requestId, resolve);
      this.#feed({ type: 'step-one', requestId, nowMs: this.#now() });
    });
  }

  /** Resolves when the messages are durable (TP3). */
  ingest(producer: string, messages: Message[]): Promise<Ingested> {
    if (this.#closed) return Promise.reject(hasEnded());
    const requestId = this.#nextRequestId++;
    return new Promise((resolve, reject) => {
      this.#replies.set(requestId, { resolve, reject });
      this.#feed({ type: 'ingested', requestId, producer, messages, nowMs: this.#now() });
    });
  }

  /** Resolves with what the core answers, once it is durable. */
  command<Type extends EngineCommand['type']>(
    command: Extract<EngineCommand, { type: Type }>,
  ): Promise<EngineAnswers[Type]> {
    if (this.#closed) return Promise.reject(hasEnded());
    const requestId = this.#nextRequestId++;
    const answer = new Promise<EngineAnswers[EngineCommand['type']]>((resolve, reject) => {
      this.#answers.set(requestId, { resolve, reject });
      this.#feed({ type: 'command', requestId, command, nowMs: this.#now() });
    });
    // The core answers each command with the type that `EngineAnswers` gives for it.
    return answer as Promise<EngineAnswers[Type]>;
  }

  /** Resolves when nothing is under way, or false when that takes longer than `timeoutMs`. */
  whenIdle(timeoutMs: number): Promise<boolean> {
    if (this.#outstanding === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), timeoutMs);
      this.#idleWaiters.push(() => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }

  /** Takes no more inputs. What is under way ends unheard; nothing acknowledged depends on it. */
  close(): void {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    for (const waiting of [...this.#replies.values(), ...this.#answers.values()]) waiting.reject(hasEnded());
    this.#replies.clear();
    this.#answers.clear();
    for (const resolve of this.#steps.values())
      resolve({ nodeId: null, messageId: null, correlationId: null });
    this.#steps.clear();
  }

  #now(): number {
    return this.#parts.clock.nowMs();
  }

  /** Inputs that arrive while the core steps wait their turn, so that `step` is never entered twice. */
  #feed(input: EngineInput): void {
    if (this.#closed) return;
    this.#queue.push(input);
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined && !this.#closed; next = this.#queue.shift()) {
        for (const effect of this.#parts.engine.step(next)) this.#perform(effect);
      }
    } finally {
      this.#stepping = false;
    }
  }

  #perform(effect: EngineEffect): void {
    switch (effect.type) {
      case 'wake':
        return this.#wake(effect.atMs);
      case 'fetch':
        return this.#fetch(effect);
      case 'invoke':
        return this.#invoke(effect);
      case 'write':
        return this.#write(effect);
      case 'read-source':
        return this.#readSource(effect);
      case 'reply':
        return this.#reply(effect);
      case 'stepped': {
        const { requestId, nodeId, messageId, correlationId } = effect;
        this.#steps.get(requestId)?.({ nodeId, messageId, correlationId });
        this.#steps.delete(requestId);
        return;
      }
      case 'answer': {
        const waiting = this.#answers.get(effect.requestId);
        this.#answers.delete(effect.requestId);
        if (effect.ok) waiting?.resolve(effect.value);
        else waiting?.reject(new WorkbenchError(effect.error.code, effect.error.message));
        return;
      }
      case 'reset-instance':
        return this.#parts.onReset(effect.node, effect.instance);
      case 'maintain':
        return this.#maintain();
      case 'trace':
        return this.#parts.onTrace(effect.entries);
      case 'log':
        return this.#parts.onLog(effect.lines);
      case 'status':
        return this.#parts.onStatus(effect.status, effect.error);
      case 'stalled':
        return this.#parts.onStalled(effect.reason);
      default:
        assertNever(effect, 'effect');
    }
  }

  #wake(atMs: number | null): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    if (atMs === null) return;
    const delayMs = Math.min(Math.max(0, atMs - this.#now()), TIMER_MS_MAX);
    this.#timer = setTimeout(() => this.#feed({ type: 'tick', nowMs: this.#now() }), delayMs);
  }

  #fetch(effect: Extract<EngineEffect, { type: 'fetch' }>): void {
    const { fetchId } = effect;
    this.#track(
      this.#parts.broker.read(effect),
      ({ messages, end }) => ({ type: 'fetched', fetchId, messages, end, nowMs: this.#now() }),
      (error) => ({
        type: 'fetch-failed',
        fetchId,
        error: engineError(error),
        ...deletedRange(error),
        nowMs: this.#now(),
      }),
    );
  }

  #maintain(): void {
    this.#track(
      this.#parts.broker.maintain(this.#now()),
      ({ changed, more }) => ({ type: 'maintained', changed, more, nowMs: this.#now() }),
      // Nothing was deleted; it is tried again in time.
      () => ({ type: 'maintained', changed: [], more: false, nowMs: this.#now() }),
    );
  }

  #invoke(effect: Extract<EngineEffect, { type: 'invoke' }>): void {
    const { invocationId } = effect;
    const invoker = this.#parts.invokers.get(effect.node);
    const outcomes = invoker
      ? invoker(effect, this.#now())
      : Promise.reject(new WorkbenchError('INTERNAL', `Nothing runs the node ${effect.node}.`));
    this.#track(
      outcomes,
      (done) => ({ type: 'invoked', invocationId, outcomes: done, nowMs: this.#now() }),
      (error) => ({
        type: 'invoked',
        invocationId,
        outcomes: [{ status: 'crashed', durationUs: 0, error: engineError(error), logs: [] }],
        nowMs: this.#now(),
      }),
    );
  }

  #write(effect: Extract<EngineEffect, { type: 'write' }>): void {
    const { writeId, appends, commits, state } = effect;
    this.#track(
      this.#parts.broker.write({ appends, commits, state, nowMs: this.#now() }),
      ({ bases }) => ({ type: 'written', writeId, bases, nowMs: this.#now() }),
      (error) => ({
        type: 'write-failed',
        writeId,
        error: engineError(error),
        retryable: error.retryable,
        nowMs: this.#now(),
      }),
    );
  }

  #readSource(effect: Extract<EngineEffect, { type: 'read-source' }>): void {
    const { readId, producer, cursor, itemsMax } = effect;
    const source = this.#parts.sources.get(producer);
    const read = source
      ? source.read(cursor, itemsMax)
      : Promise.reject(new WorkbenchError('INTERNAL', `Nothing feeds the producer ${producer}.`));
    this.#track(
      read,
      ({ items, done }) => ({ type: 'sourced', readId, items, done, nowMs: this.#now() }),
      (error) => ({ type: 'source-failed', readId, error: engineError(error), nowMs: this.#now() }),
    );
  }

  #reply(effect: Extract<EngineEffect, { type: 'reply' }>): void {
    const waiting = this.#replies.get(effect.requestId);
    this.#replies.delete(effect.requestId);
    if (!waiting) return;
    if (effect.ok) waiting.resolve({ accepted: effect.accepted, dropped: effect.dropped });
    else waiting.reject(new WorkbenchError(effect.error.code, effect.error.message));
  }

  #track<Value>(
    operation: Promise<Value>,
    onValue: (value: Value) => EngineInput,
    onError: (error: WorkbenchError) => EngineInput,
  ): void {
    this.#outstanding++;
    operation
      .then(onValue, (thrown: unknown) => onError(toWorkbenchError(thrown)))
      .then(
        (input) => {
          this.#outstanding--;
          this.#feed(input);
          this.#announceIdle();
        },
        // Only a broken invariant inside `step` arrives here; the run cannot be trusted to go on.
        (thrown: unknown) => {
          this.#closed = true;
          const error = toWorkbenchError(thrown);
          this.#parts.onStatus('failed', {
            ...engineError(error),
            ...(error.stack ? { stack: error.stack } : {}),
          });
        },
      );
  }

  #announceIdle(): void {
    if (this.#outstanding > 0) return;
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const announce of waiters) announce();
  }
}

function hasEnded(): WorkbenchError {
  return new WorkbenchError('RUN_NOT_ACTIVE', 'The run has ended.');
}

/** Rule TP4: what a broker says of an offset that is not in the log any more. */
function deletedRange({ code, details }: WorkbenchError): { deleted?: { start: number; end: number } } {
  const { start, end } = details ?? {};
  if (code !== 'OFFSET_OUT_OF_RANGE' || typeof start !== 'number' || typeof end !== 'number') return {};
  return { deleted: { start, end } };
}

function engineError(error: WorkbenchError): EngineError {
  return { code: error.code, message: error.message };
}
