import type { FlowNode } from '@millrace/shared/flow/document.ts';
import type { AttemptOutcome, Invocation } from '../../engine/io.ts';
import { openFileSink } from './file.ts';
import { createLogSink } from './log.ts';

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

/** Null for kinds that are no sinks. Rejects with SINK_FAILED when the sink cannot be opened. */
export async function createSink(node: FlowNode, env: SinkEnvironment): Promise<Sink | null> {
  if (node.kind === 'file') return openFileSink(node, env);
  if (node.kind === 'log') return createLogSink(node);
  return null;
}
