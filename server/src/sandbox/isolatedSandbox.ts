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
  readonly #modules = new Map<string, SandboxModule>();
  /** By node and instance. */
  readonly #runners = new Map<string, Promise<NodeRunner>>();
  #closed = false;

  async load(module: SandboxModule): Promise<void> {
    this.#mustBeOpen();
    const earlier = [...this.#runners.keys()].filter((key) => key.startsWith(`${module.node}#`));
    for (const key of earlier) this.#forget(key);
    this.#modules.set(module.node, module);
    await this.#open(module, 0);
    this.#mustBeOpen();
  }

  #open(module: SandboxModule, instance: number): Promise<NodeRunner> {
    const key = keyOf(module.node, instance);
    const runner = NodeRunner.load(this.#host, module);
    this.#runners.set(key, runner);
    runner.then(
      (opened) => {
        if (this.#closed) opened.close();
      },
      // Whoever waits for it is told; the next invocation tries again.
      () => {
        if (this.#runners.get(key) === runner) this.#runners.delete(key);
      },
    );
    return runner;
  }

  #forget(key: string): void {
    const runner = this.#runners.get(key);
    this.#runners.delete(key);
    runner?.then(
      (opened) => opened.close(),
      () => {},
    );
  }

  async invoke(invocation: Invocation, nowMs: number): Promise<AttemptOutcome[]> {
    this.#mustBeOpen();
    const { node, instance } = invocation;
    const module = this.#modules.get(node);
    if (!module) throw new Error(`Invariant broken: ${node} was invoked before its module was loaded`);
    const runner = await (this.#runners.get(keyOf(node, instance)) ?? this.#open(module, instance));
    return runner.invoke(invocation, nowMs);
  }

  reset(node: string, instance: number): void {
    this.#forget(keyOf(node, instance));
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const key of [...this.#runners.keys()]) this.#forget(key);
    await this.#host.close();
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new WorkbenchError('RUN_NOT_ACTIVE', 'The sandbox of this run is closed.');
  }
}

function keyOf(node: string, instance: number): string {
  return `${node}#${instance}`;
}
