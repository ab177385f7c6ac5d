import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import type { Message } from '@millrace/shared/message/message.ts';
import { isFinalRunStatus } from '@millrace/shared/trace/metrics.ts';
import type { TraceRecord } from '@millrace/shared/trace/record.ts';
import { assert } from '@millrace/shared/util/assert.ts';
import { createRandom, type Random } from '@millrace/shared/util/random.ts';
import { createMemoryLog, type MemoryLog } from '../brokers/memory/memoryLog.ts';
import { createEngine, type Engine } from '../engine/engine.ts';
import type {
  AttemptOutcome,
  EngineCommand,
  EngineEffect,
  EngineError,
  EngineInput,
  EngineLog,
  EngineView,
  Invocation,
  PayloadCheck,
  SourceItem,
} from '../engine/io.ts';
import type { Native } from '../engine/natives/native.ts';
import { nativeOf } from '../engine/natives/registry.ts';
import { buildPlan, type ExecutionPlan } from '../engine/plan/plan.ts';
import { invokeNative, type NativeHandler } from './nativeHandler.ts';
import { restoredFrom } from './restoredFrom.ts';
import { createTraceDigest } from './traceDigest.ts';
import { createVirtualClock, type VirtualClock } from './virtualClock.ts';

/** What a producer reads from, as a pure function: the same cursor gives the same items. */
export type VirtualSource = (
  cursor: string | null,
  itemsMax: number,
) => { items: SourceItem[]; done: boolean };

/** Shares are between 0 and 1, and drawn from the run's seed. */
export type VirtualFaults = {
  /** Writes that storage refuses, as a full disk does. */
  writesRefused?: number;
  /** Attempts that end as failed though the code would not. */
  attemptsFailed?: number;
  /** Times after the start at which the process dies and is started again. */
  crashesAfterMs?: number[];
  /** The process dies while this holds for an invocation; for messages that kill. */
  killedBy?: (invocation: Invocation) => boolean;
};

export type VirtualCommand = { afterMs: number } & (
  | { type: 'pause' | 'resume' | 'stop' }
  | { type: 'step' }
  | { type: 'command'; command: EngineCommand }
  | { type: 'ingest'; producer: string; messages: Message[] }
);

export type VirtualRunOptions = {
  document: FlowDocument;
  seed: number;
  sources: Record<string, VirtualSource>;
  /** Node id → code. Kinds that are code of the engine's own run as they are; sinks that are not named take everything. */
  handlers?: Record<string, NativeHandler>;
  /** Runs invocations instead of `handlers`: a real sandbox, for one. */
  invoke?: (invocation: Invocation, nowMs: number) => AttemptOutcome[];
  checkPayload?: PayloadCheck;
  commands?: VirtualCommand[];
  paused?: boolean;
  faults?: VirtualFaults;
  /** Ends the run, as a kill does, at this virtual time after the start. */
  untilMs?: number;
  startMs?: number;
  /** Goes on from what an earlier run left. */
  log?: MemoryLog;
};

export type VirtualRunResult = {
  digest: string;
  traces: TraceRecord[];
  view: EngineView;
  log: MemoryLog;
  plan: ExecutionPlan;
  lines: EngineLog[];
  replies: Extract<EngineEffect, { type: 'reply' }>[];
  steps: Extract<EngineEffect, { type: 'stepped' }>[];
  answers: Extract<EngineEffect, { type: 'answer' }>[];
  statuses: { status: EngineView['status']; error: EngineError | null }[];
  /** Node id → deliveries that ended ok, in order. */
  delivered: Record<string, Invocation['deliveries']>;
  endedMs: number;
  crashes: number;
  refusedWrites: number;
};

type Happening =
  | { type: 'input'; make: () => EngineInput }
  | { type: 'write'; effect: Extract<EngineEffect, { type: 'write' }>; refused: boolean }
  | { type: 'wake'; atMs: number }
  | { type: 'command'; command: VirtualCommand }
  | { type: 'crash' };

/** 2026-01-01T00:00:00Z: runs that give no time of their own all begin then. */
const DEFAULT_START_MS = 1_767_225_600_000;
/** More than any test asks for; a run that needs more does not end. */
const HAPPENINGS_MAX = 3_000_000;
const CRASHES_MAX = 1000;

/** Drives the production core under virtual time, with an in-memory log and everything drawn from one seed (SM1). */
export function runVirtual(options: VirtualRunOptions): VirtualRunResult {
  const run = new VirtualRun(options);
  return run.toTheEnd();
}

class VirtualRun {
  readonly #options: VirtualRunOptions;
  readonly #plan: ExecutionPlan;
  readonly #random: Random;
  readonly #clock: VirtualClock<Happening>;
  readonly #startMs: number;
  readonly #log: MemoryLog;
  readonly #digest = createTraceDigest();
  readonly #natives = new Map<string, Native>();
  readonly #result: Omit<VirtualRunResult, 'digest' | 'view' | 'endedMs'>;
  #engine: Engine;
  #wakeAtMs: number | null = null;
  #lastWriteMs = 0;
  #nextRequestId = 1;
  #dead = false;

  constructor(options: VirtualRunOptions) {
    this.#options = options;
    this.#plan = buildPlan(options.document);
    for (const node of options.document.nodes) {
      const native = nativeOf(node);
      if (native) this.#natives.set(node.id, native);
    }
    this.#random = createRandom(`${options.seed}:world`);
    this.#startMs = options.startMs ?? DEFAULT_START_MS;
    this.#clock = createVirtualClock(this.#startMs);
    this.#log = options.log ?? createMemoryLog();
    this.#log.open(
      this.#plan.topics.map(({ topic, partitions, retention, cleanup, tombstoneMs }) => ({
        topic,
        partitions,
        retention,
        cleanup,
        tombstoneMs,
      })),
    );
    const empty = { traces: [], lines: [], replies: [], steps: [], answers: [], statuses: [], delivered: {} };
    this.#result = { ...empty, log: this.#log, plan: this.#plan, crashes: 0, refusedWrites: 0 };
    this.#engine = this.#createEngine();
  }

  toTheEnd(): VirtualRunResult {
    const { commands = [], faults = {}, untilMs, paused = false } = this.#options;
    for (const command of commands)
      this.#clock.plan(this.#startMs + command.afterMs, { type: 'command', command });
    for (const afterMs of faults.crashesAfterMs ?? [])
      this.#clock.plan(this.#startMs + afterMs, { type: 'crash' });
    this.#start(false, paused);
    let happenings = 0;
    while (!this.#isOver()) {
      const nextMs = this.#clock.peekMs();
      if (nextMs === null || (untilMs !== undefined && nextMs > this.#startMs + untilMs)) break;
      assert(happenings++ < HAPPENINGS_MAX, `the run has not ended after ${HAPPENINGS_MAX} happenings`);
      this.#happen(this.#clock.next() as Happening);
    }
    return {
      ...this.#result,
      digest: this.#digest.value(),
      view: this.#engine.view(),
      endedMs: this.#clock.nowMs,
    };
  }

  #isOver(): boolean {
    const status = this.#result.statuses.at(-1)?.status;
    return status !== undefined && isFinalRunStatus(status);
  }

  #createEngine(): Engine {
    const { seed, document, checkPayload } = this.#options;
    return createEngine({
      plan: this.#plan,
      runId: 'run:virtual',
      seed,
      settings: document.settings,
      ...(checkPayload ? { checkPayload } : {}),
    });
  }

  #start(afterCrash: boolean, paused: boolean): void {
    this.#feed({
      type: 'start',
      restored: restoredFrom(this.#log, this.#plan, afterCrash),
      paused,
      nowMs: this.#clock.nowMs,
    });
  }

  #feed(input: EngineInput): void {
    for (const effect of this.#engine.step(input)) {
      // An invocation that killed the process leaves nobody to perform the rest.
      if (this.#dead) break;
      this.#perform(effect);
    }
    if (this.#dead) this.#restart();
  }

  #happen(happening: Happening): void {
    if (happening.type === 'input') this.#feed(happening.make());
    else if (happening.type === 'write') this.#finishWrite(happening.effect, happening.refused);
    else if (happening.type === 'command') this.#command(happening.command);
    else if (happening.type === 'crash') this.#restart();
    else if (this.#wakeAtMs === happening.atMs) {
      this.#wakeAtMs = null;
      this.#feed({ type: 'tick', nowMs: this.#clock.nowMs });
    }
  }

  /** The process dies: what it had in hand is gone, writes on their way have landed or not, a new one takes over. */
  #restart(): void {
    this.#dead = false;
    this.#result.crashes++;
    assert(this.#result.crashes <= CRASHES_MAX, `the process died more than ${CRASHES_MAX} times`);
    const kept: Happening[] = [];
    let landing = true;
    for (const happening of this.#clock.clear()) {
      if (happening.type === 'command' || happening.type === 'crash') kept.push(happening);
      else if (happening.type === 'write' && !happening.refused && landing) {
        landing = this.#random.next() < 0.5;
        if (landing) this.#log.write({ ...happening.effect, nowMs: this.#clock.nowMs });
      }
    }
    this.#replan(kept);
    this.#wakeAtMs = null;
    this.#engine = this.#createEngine();
    this.#start(true, false);
  }

  #replan(kept: Happening[]): void {
    const { faults, commands = [] } = this.#options;
    const crashes = [...(faults?.crashesAfterMs ?? [])].sort((a, b) => a - b);
    const left = crashes.slice(crashes.length - kept.filter(({ type }) => type === 'crash').length);
    for (const afterMs of left) this.#clock.plan(this.#startMs + afterMs, { type: 'crash' });
    for (const happening of kept) {
      if (happening.type !== 'command' || !commands.includes(happening.command)) continue;
      this.#clock.plan(this.#startMs + happening.command.afterMs, happening);
    }
  }

  #command(command: VirtualCommand): void {
    const nowMs = this.#clock.nowMs;
    if (command.type === 'step') this.#feed({ type: 'step-one', requestId: this.#nextRequestId++, nowMs });
    else if (command.type === 'command')
      this.#feed({ type: 'command', requestId: this.#nextRequestId++, command: command.command, nowMs });
    else if (command.type === 'ingest') {
      const { producer, messages } = command;
      this.#feed({ type: 'ingested', requestId: this.#nextRequestId++, producer, messages, nowMs });
    } else this.#feed({ type: command.type, nowMs });
  }

  #perform(effect: EngineEffect): void {
    switch (effect.type) {
      case 'wake':
        this.#wakeAtMs = effect.atMs;
        if (effect.atMs !== null) this.#clock.plan(effect.atMs, { type: 'wake', atMs: effect.atMs });
        return;
      case 'fetch':
        return this.#answerAfter(1 + this.#random.int(3), () => {
          const { messages, end } = this.#log.read(effect);
          return { type: 'fetched', fetchId: effect.fetchId, messages, end, nowMs: this.#clock.nowMs };
        });
      case 'read-source':
        return this.#answerAfter(this.#random.int(2), () => {
          const source = this.#options.sources[effect.producer];
          assert(source, `no source was given for ${effect.producer}`);
          const { readId } = effect;
          const nowMs = this.#clock.nowMs;
          try {
            const { items, done } = source(effect.cursor, effect.itemsMax);
            return { type: 'sourced', readId, items, done, nowMs };
          } catch (thrown) {
            const message = thrown instanceof Error ? thrown.message : String(thrown);
            return { type: 'source-failed', readId, error: { code: 'SOURCE_UNREADABLE', message }, nowMs };
          }
        });
      case 'invoke':
        return this.#invoke(effect);
      case 'write': {
        const refused = this.#random.next() < (this.#options.faults?.writesRefused ?? 0);
        // Writes end in the order in which they were asked for.
        this.#lastWriteMs = Math.max(this.#lastWriteMs, this.#clock.nowMs + 1 + this.#random.int(8));
        return this.#clock.plan(this.#lastWriteMs, { type: 'write', effect, refused });
      }
      case 'trace':
        for (const record of effect.records) {
          this.#result.traces.push(record);
          this.#digest.add(record);
        }
        return;
      case 'log':
        this.#result.lines.push(...effect.lines);
        return;
      case 'reply':
        this.#result.replies.push(effect);
        return;
      case 'stepped':
        this.#result.steps.push(effect);
        return;
      case 'answer':
        this.#result.answers.push(effect);
        return;
      case 'maintain':
        return this.#answerAfter(1 + this.#random.int(5), () => {
          const nowMs = this.#clock.nowMs;
          return { type: 'maintained', ...this.#log.maintain(nowMs), nowMs };
        });
      case 'status':
        this.#result.statuses.push({ status: effect.status, error: effect.error });
        return;
      case 'stalled':
        return;
    }
  }

  #answerAfter(delayMs: number, make: () => EngineInput): void {
    this.#clock.plan(this.#clock.nowMs + delayMs, { type: 'input', make });
  }

  #invoke(invocation: Invocation): void {
    const { faults = {}, invoke, handlers = {} } = this.#options;
    if (faults.killedBy?.(invocation)) {
      this.#dead = true;
      return;
    }
    const nowMs = this.#clock.nowMs;
    const durationUs = (): number => 50 + this.#random.int(400);
    const native = this.#natives.get(invocation.node);
    const handler = handlers[invocation.node] ?? takesEverything;
    let outcomes: AttemptOutcome[];
    if (native)
      outcomes = native(invocation, nowMs).map((outcome) => ({ ...outcome, durationUs: durationUs() }));
    else if (invoke) outcomes = invoke(invocation, nowMs);
    else outcomes = invokeNative(handler, invocation, nowMs, durationUs);
    outcomes = this.#withFailures(outcomes);
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status !== 'ok') break;
      const delivered = this.#result.delivered[invocation.node] ?? [];
      this.#result.delivered[invocation.node] = delivered;
      delivered.push(invocation.deliveries[index] as Invocation['deliveries'][number]);
    }
    const tookMs = Math.ceil(outcomes.reduce((sum, outcome) => sum + outcome.durationUs, 0) / 1000);
    this.#answerAfter(tookMs + this.#random.int(3), () => ({
      type: 'invoked',
      invocationId: invocation.invocationId,
      outcomes,
      nowMs: this.#clock.nowMs,
    }));
  }

  #withFailures(outcomes: AttemptOutcome[]): AttemptOutcome[] {
    const share = this.#options.faults?.attemptsFailed ?? 0;
    if (share === 0) return outcomes;
    for (const [index, outcome] of outcomes.entries()) {
      if (this.#random.next() >= share) continue;
      const error: EngineError = { code: 'HANDLER_THREW', message: 'A failure of the simulation.' };
      return [
        ...outcomes.slice(0, index),
        { status: 'failed', durationUs: outcome.durationUs, error, logs: [] },
      ];
    }
    return outcomes;
  }

  #finishWrite(effect: Extract<EngineEffect, { type: 'write' }>, refused: boolean): void {
    const nowMs = this.#clock.nowMs;
    const { writeId } = effect;
    if (refused) {
      this.#result.refusedWrites++;
      const error: EngineError = { code: 'STORAGE_FULL', message: 'No space is left on the device.' };
      this.#feed({ type: 'write-failed', writeId, error, retryable: true, nowMs });
      return;
    }
    const { bases } = this.#log.write({ ...effect, nowMs });
    this.#feed({ type: 'written', writeId, bases, nowMs });
  }
}

const takesEverything: NativeHandler = () => undefined;
