import type { FlowNode } from '@millrace/shared/flow/records/node.ts';
import type { NodeKind } from '@millrace/shared/flow/records/registry.ts';
import { batch } from './batch.ts';
import { call } from './call.ts';
import { database } from './database.ts';
import { file } from './file.ts';
import { filter } from './filter.ts';
import { generator } from './generator.ts';
import { handler } from './handler.ts';
import { http } from './http.ts';
import { log } from './log.ts';
import type { ModuleText, Operator, OperatorOf } from './operator.ts';
import { replay } from './replay.ts';
import { route } from './route.ts';
import { schedule } from './schedule.ts';
import { throttle } from './throttle.ts';
import { topic } from './topic.ts';
import { transform } from './transform.ts';

/** Every node kind, one line each; a missing kind does not compile. */
const OPERATORS: { [Kind in NodeKind]: OperatorOf<Kind> } = {
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
};

export function operatorOf(node: FlowNode): Operator {
  // The entry of a kind takes the nodes of that kind; the compiler cannot follow the pairing through the union.
  return (OPERATORS[node.kind] as (node: FlowNode) => Operator)(node);
}

/** The sandbox module of a node, null for a node that runs no code of a person. */
export function sandboxModuleOf(node: FlowNode): (ModuleText & { node: string }) | null {
  const operator = operatorOf(node);
  return operator.family === 'consumer' && operator.module !== null
    ? { node: node.id, ...operator.module }
    : null;
}
