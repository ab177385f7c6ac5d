import { isFinalRunStatus } from '@millrace/shared/trace/metrics.ts';
import { expandEntries, isRecordRun } from '@millrace/shared/trace/recordRun.ts';
import { assert } from '@millrace/shared/util/assert.ts';
import { createRandom, type Random } from '@millrace/shared/util/random.ts';
import { createMemoryLog, type MemoryLog } from '../brokers/memory/memoryLog.ts';
import { createEngine, type Engine } from '../engine/engine.ts';
import type { AttemptOutcome, EngineEffect, EngineError, EngineInput, Invocation } from '../engine/io.ts';
import type { Native } from '../engine/natives/native.ts';
import { nativeOf } from '../engine/natives/registry.ts';
import { buildPlan, type ExecutionPlan } from '../engine/plan/plan.ts';
import { answerFetch, answerReadSource } from './answers.ts';
import { FaultSchedule, type PlannedFault } from './faultPlan.ts';
import { invokeNative, type NativeHandler, withFailures } from './nativeHandler.ts';
import { restoredFrom, topicsOf } from './restored.ts';
import { atomicStorage, type Storage, type WriteEffect } from './storage.ts';
import { createTraceDigest } from './traceDigest.ts';
import { createVirtualClock, type VirtualClock } from './virtualClock.ts';
import type { VirtualCommand, VirtualRunOptions, VirtualRunResult } from './virtualOptions.ts';

export type { VirtualCommand, VirtualRunOptions, VirtualRunResult, VirtualSource } from './virtualOptions.ts';

type InjectedFault = Extract<PlannedFault, { kind: 'injected' }>;
type Happening =
  | { type: 'input'; make: () => EngineInput }
  | { type: 'write'; effect: WriteEffect; refused: boolean }
  | { type: 'wake' }
  /** These go on whatever becomes of the process. */
  | { type: 'command'; command: VirtualCommand }
  | { type: 'inject' | 'heal'; fault: InjectedFault }
  | { type: 'crash' };

/** 2026-01-01T00:00:00Z: runs that give no time of their own all begin then. */
export const START_MS = 1_767_225_600_000;
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
  readonly #storage: Storage;
  readonly #faults: FaultSchedule;
  readonly #keepsAll: boolean;
  readonly #digest = createTraceDigest();
  readonly #natives = new Map<string, Native>();
  readonly #result: Omit<VirtualRunResult, 'digest' | 'view' | 'endedMs' | 'fired'>;
  /** Faults that were injected, by the request that did so, and the ids they were given. */
  readonly #requests = new Map<number, InjectedFault>();
  readonly #faultIds = new Map<InjectedFault, string>();
  #engine: Engine;
  #wake: Happening | null = null;
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
    this.#startMs = options.startMs ?? START_MS;
    this.#clock = createVirtualClock(this.#startMs);
    this.#log = options.log ?? createMemoryLog();
    this.#log.open(topicsOf(this.#plan));
    this.#storage = (options.storage ?? atomicStorage)(this.#log);
    this.#faults = new FaultSchedule(options.faultPlan ?? []);
    this.#keepsAll = options.keep !== 'counts';
    const empty = { traces: [], lines: [], replies: [], steps: [], answers: [], statuses: [], delivered: {} };
    const none = { deliveries: 0, crashes: 0, refusedWrites: 0 };
    this.#result = { ...empty, ...none, log: this.#log, plan: this.#plan };
    this.#engine = this.#createEngine();
  }

  toTheEnd(): VirtualRunResult {
    const { untilMs, paused = false } = this.#options;
    this.#planAhead();
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
      digest: this.#keepsAll ? this.#digest.value() : '',
      view: this.#engine.view(),
      endedMs: this.#clock.nowMs,
      fired: this.#faults.fired,
    };
  }

  /** What is known beforehand to happen. */
  #planAhead(): void {
    const { commands = [], faults = {}, faultPlan = [] } = this.#options;
    const plan = (afterMs: number, happening: Happening): void =>
      this.#clock.plan(this.#startMs + afterMs, happening);
    for (const command of commands) plan(command.afterMs, { type: 'command', command });
    for (const afterMs of faults.crashesAfterMs ?? []) plan(afterMs, { type: 'crash' });
    for (const fault of faultPlan) {
      if (fault.kind === 'process-crash') plan(fault.fromMs, { type: 'crash' });
      if (fault.kind !== 'injected') continue;
      plan(fault.fromMs, { type: 'inject', fault });
      if (fault.spec.durationMs === null) plan(fault.toMs, { type: 'heal', fault });
    }
  }

  #isOver(): boolean {
    const status = this.#result.statuses.at(-1)?.status;
    return status !== undefined && isFinalRunStatus(status);
  }

  /** What the core is told: the clock on the wall may be wrong. */
  #nowMs(): number {
    return this.#clock.nowMs + this.#faults.skewMs(this.#clock.nowMs - this.#startMs);
  }

  #createEngine(): Engine {
    const { seed, document, checkPayload, interpose } = this.#options;
    const engine = createEngine({
      plan: this.#plan,
      runId: 'run:virtual',
      seed,
      settings: document.settings,
      ...(checkPayload ? { checkPayload } : {}),
    });
    return interpose ? interpose(engine) : engine;
  }

  #start(afterCrash: boolean, paused: boolean): void {
    const restored = restoredFrom(this.#log, this.#plan, afterCrash);
    this.#feed({ type: 'start', restored, paused, nowMs: this.#nowMs() });
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
    switch (happening.type) {
      case 'input':
        return this.#feed(happening.make());
      case 'write':
        return this.#finishWrite(happening.effect, happening.refused);
      case 'command':
        return this.#command(happening.command);
      case 'inject':
        return this.#inject(happening.fault);
      case 'heal':
        return this.#heal(happening.fault);
      case 'crash':
        this.#faults.note('process-crash');
        return this.#restart();
      case 'wake':
        // A wake-up that was replaced since is nobody's any more.
        if (this.#wake !== happening) return;
        this.#wake = null;
        return this.#feed({ type: 'tick', nowMs: this.#nowMs() });
    }
  }

  /** The process dies: what it had in hand is gone, writes on their way have landed or not, a new one takes over. */
  #restart(): void {
    this.#dead = false;
    this.#result.crashes++;
    assert(this.#result.crashes <= CRASHES_MAX, `the process died more than ${CRASHES_MAX} times`);
    let landing = true;
    for (const { atMs, happening } of this.#clock.clear()) {
      if (happening.type === 'write' && !happening.refused && landing) {
        landing = this.#random.next() < 0.5;
        if (landing) this.#land(happening.effect);
      } else if (happening.type !== 'write' && happening.type !== 'input' && happening.type !== 'wake') {
        this.#clock.plan(atMs, happening);
      }
    }
    this.#requests.clear();
    this.#wake = null;
    this.#engine = this.#createEngine();
    this.#options.witness?.processDied(this.#clock.nowMs);
    this.#start(true, false);
  }

  #command(command: VirtualCommand): void {
    const nowMs = this.#nowMs();
    const requestId = this.#nextRequestId++;
    this.#options.witness?.asked(requestId, command, this.#clock.nowMs);
    if (command.type === 'step') this.#feed({ type: 'step-one', requestId, nowMs });
    else if (command.type === 'command')
      this.#feed({ type: 'command', requestId, command: command.command, nowMs });
    else if (command.type === 'ingest') {
      const { producer, messages } = command;
      this.#feed({ type: 'ingested', requestId, producer, messages, nowMs });
    } else this.#feed({ type: command.type, nowMs });
  }

  #inject(fault: InjectedFault): void {
    const requestId = this.#nextRequestId++;
    this.#requests.set(requestId, fault);
    const command = { type: 'inject-fault', fault: fault.spec } as const;
    const { nowMs } = this.#clock;
    this.#options.witness?.asked(
      requestId,
      { afterMs: nowMs - this.#startMs, type: 'command', command },
      nowMs,
    );
    this.#feed({ type: 'command', requestId, command, nowMs: this.#nowMs() });
  }

  /** A fault whose injection was never answered may be on or not: then all are healed. */
  #heal(fault: InjectedFault): void {
    const command = { type: 'heal-fault', faultId: this.#faultIds.get(fault) ?? null } as const;
    this.#feed({ type: 'command', requestId: this.#nextRequestId++, command, nowMs: this.#nowMs() });
  }

  #perform(effect: EngineEffect): void {
    switch (effect.type) {
      case 'wake':
        return this.#setWake(effect.atMs);
      case 'fetch':
        return this.#answerAfter(1 + this.#random.int(3), () =>
          answerFetch(this.#log, effect, this.#nowMs()),
        );
      case 'read-source':
        return this.#answerAfter(this.#random.int(2), () =>
          answerReadSource(this.#options.sources, effect, this.#nowMs()),
        );
      case 'invoke':
        return this.#invoke(effect);
      case 'write':
        return this.#beginWrite(effect);
      case 'trace':
        return this.#trace(effect);
      case 'log':
        if (this.#keepsAll) this.#result.lines.push(...effect.lines);
        return;
      case 'reply':
        this.#result.replies.push(effect);
        this.#options.witness?.answered(effect.requestId, effect, this.#clock.nowMs);
        return;
      case 'stepped':
        this.#result.steps.push(effect);
        return;
      case 'answer':
        return this.#answered(effect);
      case 'maintain':
        return this.#answerAfter(1 + this.#random.int(5), () => {
          const nowMs = this.#nowMs();
          return { type: 'maintained', ...this.#log.maintain(nowMs), nowMs };
        });
      case 'status':
        this.#result.statuses.push({ status: effect.status, error: effect.error });
        return;
      case 'reset-instance':
        this.#options.witness?.instanceDied(effect.node, effect.instance, this.#clock.nowMs);
        return;
      case 'stalled':
        return;
    }
  }

  /** A clock that is wrong makes it come early or late, as a timer of the real world would. */
  #setWake(atMs: number | null): void {
    this.#wake = atMs === null ? null : { type: 'wake' };
    if (this.#wake !== null)
      this.#clock.plan(this.#clock.nowMs + (atMs as number) - this.#nowMs(), this.#wake);
  }

  #trace({ entries }: Extract<EngineEffect, { type: 'trace' }>): void {
    for (const entry of entries)
      if (entry.kind === 'fault-injected' && !isRecordRun(entry))
        this.#faults.note((entry.detail ?? '').split(' ', 1)[0] as string);
    if (!this.#keepsAll) return;
    for (const record of expandEntries(entries)) {
      this.#result.traces.push(record);
      this.#digest.add(record);
    }
  }

  #answered(effect: Extract<EngineEffect, { type: 'answer' }>): void {
    this.#result.answers.push(effect);
    this.#options.witness?.answered(effect.requestId, effect, this.#clock.nowMs);
    const fault = this.#requests.get(effect.requestId);
    if (fault && effect.ok) this.#faultIds.set(fault, (effect.value as { faultId: string }).faultId);
    this.#requests.delete(effect.requestId);
  }

  #answerAfter(delayMs: number, make: () => EngineInput): void {
    this.#clock.plan(this.#clock.nowMs + delayMs, { type: 'input', make });
  }

  #invoke(invocation: Invocation): void {
    const { faults, witness } = this.#options;
    witness?.began(invocation, this.#clock.nowMs);
    if (faults?.killedBy?.(invocation)) {
      this.#dead = true;
      return;
    }
    const outcomes = withFailures(this.#outcomesOf(invocation), faults?.attemptsFailed ?? 0, this.#random);
    this.#count(invocation, outcomes);
    let tookUs = 0;
    for (const { durationUs } of outcomes) tookUs += durationUs;
    this.#answerAfter(Math.ceil(tookUs / 1000) + this.#random.int(3), () => {
      witness?.ended(invocation, outcomes, this.#clock.nowMs);
      return { type: 'invoked', invocationId: invocation.invocationId, outcomes, nowMs: this.#nowMs() };
    });
  }

  #outcomesOf(invocation: Invocation): AttemptOutcome[] {
    const { invoke, handlers = {}, attemptUsMax = 400 } = this.#options;
    const nowMs = this.#nowMs();
    const durationUs = (): number => 50 + this.#random.int(attemptUsMax);
    const native = this.#natives.get(invocation.node);
    if (native) return native(invocation, nowMs).map((outcome) => ({ ...outcome, durationUs: durationUs() }));
    if (invoke) return invoke(invocation, nowMs);
    return invokeNative(handlers[invocation.node] ?? takesEverything, invocation, nowMs, durationUs);
  }

  #count({ node, deliveries }: Invocation, outcomes: AttemptOutcome[]): void {
    const ok = deliveries.filter((_, index) => outcomes[index]?.status === 'ok');
    this.#result.deliveries += ok.length;
    if (!this.#keepsAll || ok.length === 0) return;
    const delivered = this.#result.delivered[node] ?? [];
    this.#result.delivered[node] = delivered;
    delivered.push(...ok);
  }

  #beginWrite(effect: WriteEffect): void {
    const afterMs = this.#clock.nowMs - this.#startMs;
    const share = Math.max(this.#options.faults?.writesRefused ?? 0, this.#faults.writesRefused(afterMs));
    const refused = this.#random.next() < share;
    // Writes end in the order in which they were asked for.
    const endsMs = this.#clock.nowMs + 1 + this.#random.int(8) + this.#faults.storageDelayMs(afterMs);
    this.#lastWriteMs = Math.max(this.#lastWriteMs, endsMs);
    if (!refused) this.#storage.begin(effect, this.#nowMs());
    this.#clock.plan(this.#lastWriteMs, { type: 'write', effect, refused });
  }

  #finishWrite(effect: WriteEffect, refused: boolean): void {
    const { writeId } = effect;
    if (refused) {
      this.#result.refusedWrites++;
      this.#faults.note('writes-refused');
      const error: EngineError = { code: 'STORAGE_FULL', message: 'No space is left on the device.' };
      this.#feed({ type: 'write-failed', writeId, error, retryable: true, nowMs: this.#nowMs() });
      return;
    }
    const bases = this.#land(effect);
    this.#feed({ type: 'written', writeId, bases, nowMs: this.#nowMs() });
  }

  #land(effect: WriteEffect): number[] {
    const bases = this.#storage.land(effect, this.#nowMs());
    this.#options.witness?.landed(effect, bases, this.#clock.nowMs);
    return bases;
  }
}

const takesEverything: NativeHandler = () => undefined;
