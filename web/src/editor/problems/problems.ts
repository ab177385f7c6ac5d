import type { FlowGraph } from '@millrace/shared/flow/graph.ts';
import { newId } from '@millrace/shared/flow/ids.ts';
import { validateFlow } from '@millrace/shared/flow/validate.ts';
import type { Problem, ProblemFix } from '@millrace/shared/flow/validation/problem.ts';
import type { Random } from '@millrace/shared/util/random.ts';
import type { NodeMark } from '../../nodes/NodeFrame.tsx';
import type { Editor } from '../store/editorStore.ts';

/** The problems of the flow as it is drawn now, and what they mean for the canvas. */
export type Problems = {
  list: readonly Problem[];
  errors: number;
  warnings: number;
  marks: ReadonlyMap<string, NodeMark>;
};

let latest: { graph: FlowGraph; problems: Problems } | null = null;

/** Checked once per change of the wiring, however many ask; moving nodes about re-checks nothing. */
export function problemsOf(graph: FlowGraph, random: Random): Problems {
  if (latest?.graph !== graph) {
    const list = validateFlow(graph.document, (prefix) => newId(prefix, random));
    latest = {
      graph,
      problems: {
        list,
        errors: list.filter(({ severity }) => severity === 'error').length,
        warnings: list.filter(({ severity }) => severity === 'warning').length,
        marks: marksOf(list),
      },
    };
  }
  return latest.problems;
}

/** One mark per node: its worst problem, and how many more there are. */
function marksOf(list: readonly Problem[]): ReadonlyMap<string, NodeMark> {
  const byNode = new Map<string, Problem[]>();
  for (const problem of list) {
    if (problem.nodeId === undefined || problem.severity === 'info') continue;
    byNode.set(problem.nodeId, [...(byNode.get(problem.nodeId) ?? []), problem]);
  }
  const marks = new Map<string, NodeMark>();
  for (const [nodeId, problems] of byNode) {
    const [worst] = problems;
    if (!worst) continue;
    const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
    marks.set(nodeId, {
      severity: worst.severity === 'error' ? 'error' : 'warning',
      sentence: `${worst.message}${more}`,
    });
  }
  return marks;
}

/** The list may have been made before nodes were moved: the fix is looked up again, so that it lands where they are now. */
export function applyFix(editor: Editor, problem: Problem, fix: ProblemFix, random: Random): void {
  const current = validateFlow(editor.document, (prefix) => newId(prefix, random));
  const same = current.find(({ code, path }) => code === problem.code && path === problem.path);
  const { patch } = same?.fixes.find(({ label }) => label === fix.label) ?? fix;
  editor.change({ label: fix.label }, (transaction) => {
    for (const id of patch.remove) transaction.remove(id);
    for (const record of patch.put) transaction.put(record);
  });
}
