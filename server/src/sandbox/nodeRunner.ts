import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { AttemptOutcome, Delivery, EngineError, HandlerLog, Invocation } from '../engine/io.ts';
import type { Stop } from './host/hostLink.ts';
import { CallEnded, type HostedIsolate, type IsolateHost } from './host/isolateHost.ts';
import type { SandboxModule } from './sandbox.ts';
import { Turns } from './turns.ts';
import {
  applyWrites,
  type DecodedCall,
  decodeCall,
  encodeCall,
  type ScopedState,
  stateOf,
} from './wireCodec.ts';

/** How often in a row a node may lose its isolate to the crash of another before it is suspected itself. */
const BYSTANDER_MAX = 5;
const AFRESH = 'Its module-level variables are as at the start; what must last belongs in ctx.state.';
const DELIVERIES_PER_CALL_MAX = 1024;
/** Payload characters that go into an isolate at once, so that a batch of large ones does not fill a small heap. */
const INPUT_CHARS_PER_CALL_MAX = 524_288;

/** Calls that may be under way in one isolate: while one is handled, the next has arrived already. */
const CALLS_IN_FLIGHT_MAX = 2;

type CallResult = {
  outcomes: AttemptOutcome[];
  /** The isolate was lost and nothing is known of the deliveries that follow: they are tried one by one. */
  lost: boolean;
  /** The isolate was lost to another call, and nothing of this one was begun. */
  unbegun?: boolean;
};

/** An invocation on its way: outcomes are there for a prefix of its deliveries. */
type Work = {
  invocation: Invocation;
  state: ScopedState;
  nowMs: number;
  outcomes: AttemptOutcome[];
  oneByOne: boolean;
};

/**
 * Runs one node's module and decides what a stopped isolate means. Whatever stops (time, memory), the deliveries that
 * were finished before it keep their outcomes, and only the one that was under way is blamed: it is either known, or
 * found by handling the rest one by one in a fresh isolate. Handling twice is harmless, since effects leave only here.
 * Invocations are begun in the order in which they came and overlap on their way to the isolate; one whose isolate was
 * lost has the next one to itself until it is over, so that nothing else can be to blame.
 */
export class NodeRunner {
  readonly #host: IsolateHost;
  readonly #module: SandboxModule;
  #isolate: HostedIsolate | null;
  /** The isolate has handled nothing yet, so that what fills its memory is the delivery under way. */
  #unused = true;
  readonly #turns = new Turns(CALLS_IN_FLIGHT_MAX);
  #opening: Promise<HostedIsolate> | null = null;
  #closed = false;
  /** Told with the next outcome. */
  #notice: string | null = null;
  /** How often in a row others have taken the isolate's process with them. */
  #bystander = 0;

  private constructor(host: IsolateHost, module: SandboxModule, isolate: HostedIsolate) {
    this.#host = host;
    this.#module = module;
    this.#isolate = isolate;
  }

  static async load(host: IsolateHost, module: SandboxModule): Promise<NodeRunner> {
    for (let attempt = 1; ; attempt++) {
      try {
        return new NodeRunner(host, module, await host.open(module));
      } catch (thrown) {
        if (!(thrown instanceof CallEnded)) throw thrown;
        if (thrown.stop === 'bystander' && attempt < BYSTANDER_MAX) continue;
        throw new WorkbenchError(
          'HANDLER_COMPILE_FAILED',
          thrown.stop === 'out-of-memory'
            ? `Loading the code takes more than its memory limit of ${module.memoryMb} MB.`
            : `The code could not be loaded: ${thrown.message}`,
        );
      }
    }
  }

  async invoke(invocation: Invocation, nowMs: number): Promise<AttemptOutcome[]> {
    const work: Work = { invocation, state: stateOf(invocation), nowMs, outcomes: [], oneByOne: false };
    let rest: Promise<void> | null = null;
    await this.#turns.shared(async () => {
      // Asked for before this turn ends, so that whoever waits for a turn finds the isolate taken.
      if (!(await this.#handle(work))) rest = this.#turns.alone(() => this.#handleAlone(work));
    });
    if (rest !== null) await rest;
    return work.outcomes;
  }

  close(): void {
    this.#closed = true;
    this.#isolate?.dispose();
    this.#isolate = null;
  }

  async #handleAlone(work: Work): Promise<void> {
    while (!(await this.#handle(work)));
  }

  /** Until the invocation is over; false when its isolate was lost before. */
  async #handle(work: Work): Promise<boolean> {
    const { invocation, state, nowMs, outcomes } = work;
    const { deliveries, goesOn } = invocation;
    while (outcomes.length < deliveries.length) {
      const from = outcomes.length;
      const until = work.oneByOne ? from + 1 : endOfCall(deliveries, from);
      const batch = from === 0 && until === deliveries.length ? deliveries : deliveries.slice(from, until);
      const result = await this.#call(batch, state, invocation, nowMs);
      work.oneByOne ||= result.lost;
      for (const outcome of result.outcomes) {
        applyWrites(state, (deliveries[outcomes.length] as Delivery).scope, outcome);
        outcomes.push(outcome);
        if (outcome.status !== 'ok' && !(goesOn && outcome.status === 'failed')) return true;
      }
      if (result.lost || result.unbegun) return outcomes.length === deliveries.length;
    }
    return true;
  }

  async #call(
    deliveries: Delivery[],
    state: ScopedState,
    { seed, goesOn }: Invocation,
    nowMs: number,
  ): Promise<CallResult> {
    const input = encodeCall(deliveries, state, seed, nowMs, goesOn, this.#module.topicNames ?? {});
    let isolate: HostedIsolate | null = null;
    let fresh = true;
    try {
      isolate = await this.#open();
      fresh = this.#unused;
      this.#unused = false;
      const { output, warning, elapsedUs } = await isolate.call(input);
      const decoded = decodeCall(output);
      this.#bystander = 0;
      this.#time(decoded, elapsedUs);
      if (decoded.unfinished) decoded.outcomes.push(this.#neverSettles(decoded.unfinished));
      if (warning !== null) decoded.outcomes.at(-1)?.logs.push({ level: 'warn', message: warning });
      return { outcomes: this.#told(decoded.outcomes), lost: false };
    } catch (thrown) {
      this.#mustBeOpen();
      const stop = thrown instanceof CallEnded ? thrown.stop : 'crashed';
      if (stop === 'unbegun') {
        this.#forget(isolate);
        return { outcomes: [], lost: false, unbegun: true };
      }
      if (stop === 'timed-out' && isolate && !isolate.lost) {
        return this.#afterTimeout(isolate, deliveries.length, (thrown as CallEnded).elapsedUs);
      }
      this.#forget(isolate);
      if (stop === 'bystander' && ++this.#bystander < BYSTANDER_MAX) {
        this.#notice = `The handlers of this run were started afresh, because another one broke their process. ${AFRESH}`;
        return { outcomes: [], lost: false };
      }
      if (deliveries.length > 1 || !fresh) {
        const why =
          stop === 'out-of-memory'
            ? `had filled its memory of ${this.#module.memoryMb} MB`
            : 'had stopped working';
        this.#notice = `The handler ${why} and was started afresh. ${AFRESH}`;
        return { outcomes: [], lost: true };
      }
      this.#bystander = 0;
      return { outcomes: [this.#stopped(stop, thrown)], lost: true };
    }
  }

  /** Keeps what was finished. An isolate that cannot even say that has nothing to keep. */
  async #afterTimeout(isolate: HostedIsolate, count: number, elapsedUs: number): Promise<CallResult> {
    let decoded: DecodedCall | null = null;
    try {
      decoded = decodeCall((await isolate.collect()).output);
    } catch {
      this.#mustBeOpen();
    }
    this.#forget(isolate);
    if (decoded === null || (decoded.unfinished === null && decoded.outcomes.length === 0)) {
      return { outcomes: count === 1 ? [this.#timedOut(elapsedUs, [])] : [], lost: true };
    }
    const spentUs = decoded.durationsMs.reduce((sum, durationMs) => sum + durationMs * 1000, 0);
    this.#time(decoded, spentUs);
    if (decoded.unfinished) decoded.outcomes.push(this.#timedOut(elapsedUs - spentUs, decoded.unfinished));
    return { outcomes: this.#told(decoded.outcomes), lost: true };
  }

  /**
   * The clock inside an isolate counts whole milliseconds, the host's measures the call as a whole: deliveries that took
   * less than a millisecond share what remains. Both must agree before a finished delivery counts as timed out.
   */
  #time({ outcomes, durationsMs }: DecodedCall, totalUs: number): void {
    let restUs = totalUs;
    let quick = 0;
    for (const durationMs of durationsMs) {
      if (durationMs === 0) quick++;
      else restUs -= durationMs * 1000;
    }
    const quickUs = Math.max(1, Math.round(restUs / Math.max(1, quick)));
    for (let i = 0; i < outcomes.length; i++) {
      const durationMs = durationsMs[i] as number;
      const outcome = outcomes[i] as AttemptOutcome;
      outcome.durationUs =
        outcomes.length === 1
          ? Math.max(1, Math.round(totalUs))
          : durationMs === 0
            ? quickUs
            : durationMs * 1000;
      if (durationMs > this.#module.timeoutMs && totalUs > this.#module.timeoutMs * 1000) {
        outcomes[i] = this.#timedOut(durationMs * 1000, outcome.logs);
      }
    }
  }

  #timedOut(durationUs: number, logs: HandlerLog[]): AttemptOutcome {
    return {
      status: 'timed-out',
      durationUs: Math.max(1, Math.round(durationUs)),
      error: {
        code: 'HANDLER_TIMED_OUT',
        message: `The handler ran longer than its time limit of ${this.#module.timeoutMs} ms and was stopped. Look for a loop that does not end, or raise the limit.`,
      },
      logs,
    };
  }

  #neverSettles(logs: HandlerLog[]): AttemptOutcome {
    return {
      status: 'timed-out',
      durationUs: 1,
      error: {
        code: 'HANDLER_TIMED_OUT',
        message:
          'The promise that handle returned will never settle: nothing it could wait for exists here. To act later use ctx.schedule.',
      },
      logs,
    };
  }

  #stopped(stop: Stop | 'bystander', thrown: unknown): AttemptOutcome {
    const logs = this.#takeNotice();
    if (stop === 'timed-out') return this.#timedOut(this.#module.timeoutMs * 1000, logs);
    const error: EngineError =
      stop === 'out-of-memory'
        ? {
            code: 'HANDLER_OUT_OF_MEMORY',
            message: `The handler needed more than its memory limit of ${this.#module.memoryMb} MB and was stopped. Keep less at once, or raise the limit.`,
          }
        : {
            code: 'HANDLER_CRASHED',
            message: `The process of the handler broke: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
          };
    return { status: 'crashed', durationUs: 1, error, logs };
  }

  #told(outcomes: AttemptOutcome[]): AttemptOutcome[] {
    outcomes[0]?.logs.unshift(...this.#takeNotice());
    return outcomes;
  }

  #takeNotice(): HandlerLog[] {
    const notice = this.#notice;
    this.#notice = null;
    return notice === null ? [] : [{ level: 'warn', message: notice }];
  }

  async #open(): Promise<HostedIsolate> {
    this.#mustBeOpen();
    if (this.#isolate && !this.#isolate.lost) return this.#isolate;
    this.#opening ??= this.#openAfresh().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  async #openAfresh(): Promise<HostedIsolate> {
    const isolate = await this.#host.open(this.#module);
    if (this.#closed) isolate.dispose();
    this.#mustBeOpen();
    this.#isolate = isolate;
    this.#unused = true;
    return isolate;
  }

  /** Another call may have forgotten it before, and opened the next one. */
  #forget(isolate: HostedIsolate | null): void {
    if (isolate === null || isolate !== this.#isolate) return;
    isolate.dispose();
    this.#isolate = null;
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new WorkbenchError('RUN_NOT_ACTIVE', 'The sandbox of this run is closed.');
  }
}

function endOfCall(deliveries: readonly Delivery[], from: number): number {
  let until = from;
  let chars = 0;
  while (until < deliveries.length && until - from < DELIVERIES_PER_CALL_MAX) {
    chars += (deliveries[until] as Delivery).message.data.length;
    if (chars > INPUT_CHARS_PER_CALL_MAX && until > from) break;
    until++;
  }
  return until;
}
