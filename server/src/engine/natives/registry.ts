import type { FlowNode, FlowNodeOf } from '@millrace/shared/flow/records/node.ts';
import type { NodeKind } from '@millrace/shared/flow/records/registry.ts';
import { batchNative } from './batch.ts';
import type { Native } from './native.ts';
import { throttleNative } from './throttle.ts';

/** What each kind does by itself; null for kinds whose work is code of a person or the world outside. */
const NATIVES: { [Kind in NodeKind]: ((node: FlowNodeOf<Kind>) => Native) | null } = {
  generator: null,
  schedule: null,
  replay: null,
  http: null,
  topic: null,
  handler: null,
  filter: null,
  route: null,
  transform: null,
  throttle: () => throttleNative,
  batch: batchNative,
  call: null,
  database: null,
  file: null,
  log: null,
};

export function nativeOf(node: FlowNode): Native | null {
  // The registry maps each kind to the function for its own nodes, which the compiler cannot follow through a lookup.
  const create = NATIVES[node.kind] as ((node: FlowNode) => Native) | null;
  return create ? create(node) : null;
}
