import type { FlowDocument } from './document.ts';
import { graphOf } from './graph.ts';
import { duplicateIdIssues } from './issues.ts';
import { isNodeKind, NODE_KIND_NAMES } from './records/registry.ts';
import { nodeProblems } from './validation/nodes.ts';
import {
  type NewId,
  nodePath,
  type Problem,
  type ProblemSeverity,
  type ValidationContext,
} from './validation/problem.ts';
import { connectionProblems, edgeProblems, loopProblems } from './validation/wiring.ts';

const RANK: Record<ProblemSeverity, number> = { error: 0, warning: 1, info: 2 };

/**
 * Everything that is or may be wrong with a document, errors first. Fixes are patches, ready to be applied; those that
 * add records are offered only with `newId`.
 */
export function validateFlow(document: FlowDocument, newId?: NewId): Problem[] {
  const problems: Problem[] = duplicateIdIssues(document).map(({ path, message }) => ({
    code: 'duplicate-id',
    severity: 'error',
    message: `The same id is used twice: ${message}.`,
    path,
    fixes: [],
  }));
  // A document that did not come through `parseDocument` may hold kinds we do not know; the rest is judged without them.
  const known = document.nodes.filter((node) => isNodeKind(node.kind));
  for (const node of document.nodes) {
    if (known.includes(node)) continue;
    problems.push({
      code: 'unknown-kind',
      severity: 'error',
      message: `Millrace does not know the node kind “${String(node.kind)}”. It knows ${NODE_KIND_NAMES.join(', ')}.`,
      path: nodePath(document, node, 'kind'),
      nodeId: node.id,
      fixes: [],
    });
  }
  if (document.nodes.length === 0) {
    const message = 'This flow is empty: add a producer, a topic and a consumer.';
    problems.push({ code: 'empty-flow', severity: 'error', message, path: 'nodes', fixes: [] });
  }
  const whole = known.length === document.nodes.length ? document : { ...document, nodes: known };
  const context: ValidationContext = { document: whole, graph: graphOf(whole), newId };
  problems.push(
    ...edgeProblems(context),
    ...nodeProblems(context),
    ...connectionProblems(context),
    ...loopProblems(context),
  );
  return problems.sort((a, b) => RANK[a.severity] - RANK[b.severity]);
}

/** Errors keep a flow from running; nothing else does. */
export function canRun(problems: readonly Problem[]): boolean {
  return problems.every((problem) => problem.severity !== 'error');
}
