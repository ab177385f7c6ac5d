import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { assert } from '@millrace/shared/util/assert.ts';
import ivm from 'isolated-vm';
import type { SandboxModule } from '../sandbox.ts';
import { compileError, HANDLER_FILE, type Place, stripTypes } from '../typeStripping.ts';
import { placeOfFrame, userError, userFrames } from '../userError.ts';
import { harnessFiles } from './harnessSource.ts';
import type { Stop } from './hostLink.ts';

/** Loading may take longer than one delivery: it happens once, often while other code is loading too. */
const LOAD_MS_MIN = 1000;
/** Handing over what is finished needs no code of the person's; if even that hangs, the isolate is lost. */
const COLLECT_MS_MAX = 250;
/** A call goes on to the next delivery for this long, so that a stuck one is stopped soon after its own time is over. */
const CALL_MS_MAX = 50;

export class CallStopped extends Error {
  readonly stop: Stop;

  constructor(stop: Stop, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause));
    this.stop = stop;
  }
}

/** `warning`: something went wrong beside the handling, where no attempt can be blamed for it. */
export type Answer = { output: string; warning: string | null };

type Entry = ivm.Reference<(...args: unknown[]) => string>;

/**
 * One V8 isolate with the harness and one person's module in it. The only user of the isolate library; what it hands to
 * the isolate is text and numbers, never a reference to something of the host.
 */
export class NodeIsolate {
  readonly #isolate: ivm.Isolate;
  readonly #run: Entry;
  readonly #collect: Entry;
  readonly #timeoutMs: number;

  private constructor(isolate: ivm.Isolate, run: Entry, collect: Entry, timeoutMs: number) {
    this.#isolate = isolate;
    this.#run = run;
    this.#collect = collect;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Rejects with HANDLER_COMPILE_FAILED for whatever is wrong with the module. `onCatastrophe` is called when V8 has lost
   * control of the isolate; its thread never returns then, and the process must end.
   */
  static async open(module: SandboxModule, onCatastrophe: (message: string) => void): Promise<NodeIsolate> {
    const code = stripTypes(module.code, module.lineOffset);
    const isolate = new ivm.Isolate({ memoryLimit: module.memoryMb, onCatastrophicError: onCatastrophe });
    try {
      const context = await isolate.createContext();
      const harness = await loadHarness(isolate, context);
      const exports = await loadUserModule(isolate, context, module, code);
      const adopt: Entry = await harness.get('adopt', { reference: true });
      const adopted: unknown = await adopt.apply(undefined, [exports.derefInto()]);
      if (adopted !== true) {
        throw compileError(
          module,
          'The code must export a function named handle: export function handle(event, ctx) { … }',
          null,
        );
      }
      const run: Entry = await harness.get('run', { reference: true });
      const collect: Entry = await harness.get('collect', { reference: true });
      return new NodeIsolate(isolate, run, collect, module.timeoutMs);
    } catch (thrown) {
      const outOfMemory = isolate.isDisposed;
      if (!outOfMemory) isolate.dispose();
      if (thrown instanceof WorkbenchError) throw thrown;
      if (outOfMemory) {
        throw compileError(
          module,
          `Loading the code takes more than its memory limit of ${module.memoryMb} MB`,
          null,
        );
      }
      throw loadError(module, thrown);
    }
  }

  /** Nanoseconds this isolate has been running; 0 once it is gone. */
  get wallNs(): bigint {
    return this.#isolate.isDisposed ? 0n : this.#isolate.wallTime;
  }

  /** Rejects with CallStopped. */
  async call(input: string): Promise<Answer> {
    const yieldAfterMs = Math.min(CALL_MS_MAX, this.#timeoutMs);
    const timeout = this.#timeoutMs + yieldAfterMs;
    const answer = await this.#apply(this.#run, [input, this.#timeoutMs, yieldAfterMs], timeout);
    if (answer.output !== '') return answer;
    const { output } = await this.collect();
    return { output, warning: answer.warning };
  }

  /** What the last call has finished. Rejects with CallStopped. */
  collect(): Promise<Answer> {
    return this.#apply(this.#collect, [], COLLECT_MS_MAX);
  }

  dispose(): void {
    if (!this.#isolate.isDisposed) this.#isolate.dispose();
  }

  /** The library throws what a promise was rejected with that nobody waits for; the answer itself is to be had again. */
  async #apply(entry: Entry, args: (string | number)[], timeout: number): Promise<Answer> {
    try {
      return { output: await entry.apply(undefined, args, { timeout }), warning: null };
    } catch (thrown) {
      if (thrown instanceof Error && thrown.message.includes('execution timed out')) {
        throw new CallStopped('timed-out', thrown);
      }
      if (this.#isolate.isDisposed) throw new CallStopped('out-of-memory', thrown);
      if (entry === this.#collect) throw new CallStopped('crashed', thrown);
      return { output: '', warning: strayRejection(thrown) };
    }
  }
}

function strayRejection(thrown: unknown): string {
  const message = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  const stack = thrown instanceof Error ? (thrown.stack ?? '') : '';
  const error = userError('HANDLER_THREW', message, stack);
  return `A promise that the handler does not await was rejected: ${error.message}`;
}

async function loadHarness(isolate: ivm.Isolate, context: ivm.Context): Promise<ivm.Reference> {
  const files = harnessFiles();
  const modules = new Map<string, ivm.Module>();
  const imports = new Map<ivm.Module, Map<string, string>>();
  for (const { file, code, imports: own } of files) {
    const compiled = await isolate.compileModule(code, { filename: 'millrace' });
    modules.set(file, compiled);
    imports.set(compiled, own);
  }
  const entry = modules.get(files[0]?.file ?? '');
  assert(entry, 'the harness has an entry module');
  await entry.instantiate(context, (specifier, referrer) => {
    const target = modules.get(imports.get(referrer)?.get(specifier) ?? '');
    assert(target, `the harness has no module for ${specifier}`);
    return target;
  });
  await entry.evaluate();
  return entry.namespace;
}

async function loadUserModule(
  isolate: ivm.Isolate,
  context: ivm.Context,
  module: SandboxModule,
  code: string,
): Promise<ivm.Reference> {
  const compiled = await isolate.compileModule(code, {
    filename: HANDLER_FILE,
    // Not `-offset`: of 0 that is -0, which is no integer to V8.
    lineOffset: 0 - (module.lineOffset ?? 0),
  });
  const [imported] = compiled.dependencySpecifiers;
  if (imported !== undefined) {
    throw compileError(
      module,
      `Handler code cannot import "${imported}": everything it may use is in event, ctx and the JavaScript language`,
      placeOfText(module, imported),
    );
  }
  await compiled.instantiate(context, (specifier) => {
    throw new Error(`Cannot import ${specifier}`);
  });
  await compiled.evaluate({ timeout: Math.max(LOAD_MS_MIN, module.timeoutMs) });
  return compiled.namespace;
}

function placeOfText({ code, lineOffset = 0 }: SandboxModule, specifier: string): Place | null {
  const lines = code.split('\n').slice(lineOffset);
  for (const [index, line] of lines.entries()) {
    const column = Math.max(line.indexOf(`'${specifier}'`), line.indexOf(`"${specifier}"`));
    if (column >= 0) return { line: index + 1, column: column + 1 };
  }
  return null;
}

const SYNTAX_PLACE = new RegExp(`\\s*\\[${HANDLER_FILE.replace('.', '\\.')}:(\\d+):(\\d+)\\]\\s*$`);

/** A syntax error that only V8 sees, or an exception of the module's top level. */
function loadError(module: SandboxModule, thrown: unknown): WorkbenchError {
  if (!(thrown instanceof Error))
    return compileError(module, `The code throws while it is loaded: ${String(thrown)}`, null);
  const syntax = SYNTAX_PLACE.exec(thrown.message);
  if (syntax) {
    const place = { line: Number(syntax[1]), column: Number(syntax[2]) };
    return compileError(module, thrown.message.replace(SYNTAX_PLACE, ''), place);
  }
  if (thrown.message.includes('execution timed out')) {
    return compileError(module, 'The code takes too long to load: its top level may not run for ever', null);
  }
  const frame = userFrames(thrown.stack ?? '')[0];
  const reason = `The code throws while it is loaded: ${thrown.name}: ${thrown.message}`;
  return compileError(module, reason, frame === undefined ? null : placeOfFrame(frame));
}
