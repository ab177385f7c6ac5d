import type { FlowNode } from '@millrace/shared/flow/document.ts';
import type { FlowNodeOf } from '@millrace/shared/flow/records/node.ts';
import type { NodeKind } from '@millrace/shared/flow/records/registry.ts';
import { createGeneratorSource } from './generator.ts';
import { createReplaySource } from './replay.ts';
import { createScheduleSource } from './schedule.ts';
import type { Source, SourceEnvironment } from './source.ts';

type CreateSource<Kind extends NodeKind> = (
  node: FlowNodeOf<Kind>,
  env: SourceEnvironment,
) => Promise<Source>;

/** What each producer kind reads from; null for kinds that are pushed to or produce nothing. */
const SOURCES: { [Kind in NodeKind]: CreateSource<Kind> | null } = {
  generator: createGeneratorSource,
  schedule: createScheduleSource,
  replay: createReplaySource,
  http: null,
  topic: null,
  handler: null,
  filter: null,
  route: null,
  transform: null,
  throttle: null,
  batch: null,
  call: null,
  database: null,
  file: null,
  log: null,
};

/** Rejects with what is wrong with the node's settings: TEMPLATE_INVALID, CRON_INVALID, SOURCE_NOT_FOUND, SOURCE_UNREADABLE. */
export async function createSource(node: FlowNode, env: SourceEnvironment): Promise<Source | null> {
  // The registry maps each kind to the function for its own nodes, which the compiler cannot follow through a lookup.
  const create = SOURCES[node.kind] as CreateSource<NodeKind> | null;
  return create ? create(node, env) : null;
}
