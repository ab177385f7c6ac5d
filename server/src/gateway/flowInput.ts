import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import { parseDocument, readDocument } from '@millrace/shared/flow/serialize.ts';
import { canRun, validateFlow } from '@millrace/shared/flow/validate.ts';

/** A flow from outside: its text, JSON or YAML, or a parsed value. Errors name the place of the fault. */
export function readFlowInput(input: unknown): FlowDocument {
  return (typeof input === 'string' ? parseDocument(input) : readDocument(input)).document;
}

/** Throws FLOW_INVALID with every problem in `details.problems` when a flow has errors. Warnings may run. */
export function refuseUnrunnable(document: FlowDocument): void {
  const problems = validateFlow(document);
  if (canRun(problems)) return;
  const errors = problems.filter((problem) => problem.severity === 'error');
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  throw new WorkbenchError('FLOW_INVALID', `This flow cannot run yet: ${errors[0]?.message ?? ''}${more}`, {
    details: { problems: problems.map(({ fixes: _, ...problem }) => problem) },
  });
}
