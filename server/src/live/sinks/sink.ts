import type { AttemptOutcome, Invocation } from '../../engine/io.ts';
import type { Variables } from '../variables.ts';

/**
 * What a consumer node does to the world outside. Answers like the sandbox: outcomes of a prefix of the deliveries, in
 * order, ending with the first that is not ok, or later where the invocation goes on. It never rejects for what the world does.
 */
export interface Sink {
  invoke(invocation: Invocation, nowMs: number): Promise<AttemptOutcome[]>;
  /** Gives up what is under way. */
  close(): Promise<void>;
}

export type SinkEnvironment = {
  /** Where the run's files go; made by whoever writes there. */
  folder: string;
  /** Output ports that lead to a topic; what would go nowhere is not made. */
  connected: ReadonlySet<string>;
  /** Of the process, for `${FLOW_…}`. */
  variables: Variables;
};
