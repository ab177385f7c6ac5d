import type { AttemptOutcome, Invocation } from '../../engine/io.ts';

/**
 * What a consumer node does to the world outside. Answers like the sandbox: outcomes of a prefix of the deliveries, in
 * order, ending with the first that is not ok. It never rejects for what the world does.
 */
export interface Sink {
  invoke(invocation: Invocation, nowMs: number): Promise<AttemptOutcome[]>;
  close(): Promise<void>;
}

export type SinkEnvironment = {
  /** Where the run's files go; must exist. */
  folder: string;
};
