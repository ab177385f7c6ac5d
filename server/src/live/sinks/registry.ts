import type { FlowNode } from '@millrace/shared/flow/document.ts';
import type { FlowNodeOf } from '@millrace/shared/flow/records/node.ts';
import type { NodeKind } from '@millrace/shared/flow/records/registry.ts';
import { createCallSink } from './call/callSink.ts';
import { createDatabaseSink } from './database/databaseSink.ts';
import { openFileSink } from './file.ts';
import { createLogSink } from './log.ts';
import type { Sink, SinkEnvironment } from './sink.ts';

type CreateSink<Kind extends NodeKind> = (node: FlowNodeOf<Kind>, env: SinkEnvironment) => Promise<Sink>;

/** What each consumer kind writes to; null for kinds that leave the world outside alone. */
const SINKS: { [Kind in NodeKind]: CreateSink<Kind> | null } = {
  generator: null,
  schedule: null,
  replay: null,
  http: null,
  topic: null,
  handler: null,
  filter: null,
  route: null,
  transform: null,
  throttle: null,
  batch: null,
  call: async (node, env) => createCallSink(node, env),
  database: async (node, env) => createDatabaseSink(node, env),
  file: openFileSink,
  log: async (node) => createLogSink(node),
};

/** Null for kinds that are no sinks. Rejects with SINK_FAILED when the sink cannot be opened. */
export async function createSink(node: FlowNode, env: SinkEnvironment): Promise<Sink | null> {
  // The registry maps each kind to the function for its own nodes, which the compiler cannot follow through a lookup.
  const create = SINKS[node.kind] as CreateSink<NodeKind> | null;
  return create ? create(node, env) : null;
}
