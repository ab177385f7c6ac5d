import type { AttemptOutcome, Delivery } from '../../engine/io.ts';

/** How the tests of the contract reach the sandbox under test. */
export type SandboxUnderTest = {
  /** Loads a module and answers how to invoke it. */
  load(
    code: string,
    limits?: { timeoutMs?: number; memoryMb?: number },
  ): Promise<
    (deliveries: Delivery[], state?: Record<string, Record<string, string>>) => Promise<AttemptOutcome[]>
  >;
  /** The outcome of one delivery to a handler with this body. */
  handleOne(body: string, data?: unknown): Promise<AttemptOutcome | undefined>;
};
