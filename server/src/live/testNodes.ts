import type { FlowNodeOf } from '@millrace/shared/flow/records/node.ts';
import { NODE_KINDS, type NodeKind } from '@millrace/shared/flow/records/registry.ts';

/** A node as it is dropped on the canvas, with some settings changed. For tests. */
export function testNode<Kind extends NodeKind>(
  kind: Kind,
  config: Partial<FlowNodeOf<Kind>['config']> = {},
  id = `node:${kind}`,
): FlowNodeOf<Kind> {
  const node = {
    id,
    kind,
    name: kind,
    description: '',
    config: { ...NODE_KINDS[kind].initial(), ...config },
  };
  // The compiler does not follow that kind and config belong together.
  return node as unknown as FlowNodeOf<Kind>;
}
