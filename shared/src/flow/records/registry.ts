import type { z } from 'zod';
import { batch } from './batch.ts';
import { call } from './call.ts';
import { database } from './database.ts';
import { file } from './file.ts';
import { filter } from './filter.ts';
import { generator } from './generator.ts';
import { handler } from './handler.ts';
import { http } from './http.ts';
import type { NodeFamily, NodeKindDefinition, OutputPort } from './kind.ts';
import { log } from './log.ts';
import { replay } from './replay.ts';
import { route } from './route.ts';
import { schedule } from './schedule.ts';
import { throttle } from './throttle.ts';
import { topic } from './topic.ts';
import { transform } from './transform.ts';

/** Every node kind, one line each. A kind that is missing on one side of the wire does not compile. */
export const NODE_KINDS = {
  generator,
  schedule,
  http,
  replay,
  topic,
  handler,
  filter,
  route,
  transform,
  throttle,
  batch,
  call,
  database,
  file,
  log,
} as const;

export type NodeKind = keyof typeof NODE_KINDS;
export type NodeConfig<Kind extends NodeKind = NodeKind> = z.infer<(typeof NODE_KINDS)[Kind]['config']>;

export const NODE_KIND_NAMES = Object.keys(NODE_KINDS) as NodeKind[];

/** The definition with its config type widened, for code that treats all kinds alike. */
export function nodeKind(kind: NodeKind): NodeKindDefinition<NodeKind> {
  // The registry's entries differ in their config type; callers of this function validate configs before use.
  return NODE_KINDS[kind] as unknown as NodeKindDefinition<NodeKind>;
}

export function isNodeKind(kind: string): kind is NodeKind {
  return Object.hasOwn(NODE_KINDS, kind);
}

export function familyOf(kind: NodeKind): NodeFamily {
  return NODE_KINDS[kind].family;
}

export function outputsOf(node: { kind: NodeKind; config: unknown }): OutputPort[] {
  return nodeKind(node.kind).outputs(node.config);
}
