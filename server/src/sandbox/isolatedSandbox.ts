import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { AttemptOutcome, Invocation } from '../engine/io.ts';
import { IsolateHost } from './host/isolateHost.ts';
import { NodeRunner } from './nodeRunner.ts';
import type { Sandbox, SandboxModule } from './sandbox.ts';

/**
 * The sandbox on V8 isolates: each node's module lives in an isolate of its own, with its own heap and thread, and all
 * isolates of a run live in a process of their own, which is started with the first module and may die without harm.
 */
export function createSandbox(): Sandbox {
  return new IsolatedSandbox();
}

class IsolatedSandbox implements Sandbox {
  readonly #host = new IsolateHost();
  readonly #runners = new Map<string, NodeRunner>();
  #closed = false;

  async load(module: SandboxModule): Promise<void> {
    this.#mustBeOpen();
    const runner = await NodeRunner.load(this.#host, module);
    if (this.#closed) runner.close();
    this.#mustBeOpen();
    this.#runners.get(module.node)?.close();
    this.#runners.set(module.node, runner);
  }

  async invoke(invocation: Invocation, nowMs: number): Promise<AttemptOutcome[]> {
    this.#mustBeOpen();
    const runner = this.#runners.get(invocation.node);
    if (!runner)
      throw new Error(`Invariant broken: ${invocation.node} was invoked before its module was loaded`);
    return runner.invoke(invocation, nowMs);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const runner of this.#runners.values()) runner.close();
    this.#runners.clear();
    await this.#host.close();
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new WorkbenchError('RUN_NOT_ACTIVE', 'The sandbox of this run is closed.');
  }
}
