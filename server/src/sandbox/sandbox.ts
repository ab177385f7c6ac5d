import type { AttemptOutcome, Invocation } from '../engine/io.ts';

/**
 * Runs a person's code away from everything. One sandbox serves one run; each instance of each node has a module of its
 * own inside it, with variables and memory of its own (rule CG2).
 *
 * For the implementer: the code sees `event` and `ctx` only (rules HD1, HD2): no clock, randomness, network, files,
 * process or other nodes' memory. Time and memory limits stop the code, never the caller. `invoke` handles deliveries in
 * order and stops after the first that is not ok, unless that has failed and the invocation goes on; the state writes of one
 * delivery are seen by the next of the same scope. It never rejects for what user code does: that is an outcome. Which topic
 * an emit reaches is the engine's business.
 */
export interface Sandbox {
  /** Compiles a node's module. Rejects with HANDLER_COMPILE_FAILED; `details.line` and `details.column` are the user's. */
  load(module: SandboxModule): Promise<void>;
  /** An instance that is invoked for the first time gets its module then. */
  invoke(invocation: Invocation, nowMs: number): Promise<AttemptOutcome[]>;
  /** An instance has crashed: whatever its code is doing ends, and the next invocation finds a fresh module. */
  reset(node: string, instance: number): void;
  /** Stops whatever runs and frees it. Idempotent. */
  close(): Promise<void>;
}

export type SandboxModule = {
  node: string;
  /** JavaScript or TypeScript (types are stripped, not checked) that exports `handle(event, ctx)`. */
  code: string;
  /** Line n of the person's text is line n + `lineOffset` of `code`; errors name lines of the person's. 0 if missing. */
  lineOffset?: number;
  timeoutMs: number;
  memoryMb: number;
  /** How the code reads `event.topic`: topic node id → name. An id without a name shows as it is. */
  topicNames?: Record<string, string>;
};
