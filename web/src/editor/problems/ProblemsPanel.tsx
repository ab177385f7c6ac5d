import { Button, Text } from '@mantine/core';
import type { Problem } from '@millrace/shared/flow/validation/problem.ts';
import { CircleAlert, CircleCheck, Info, TriangleAlert } from 'lucide-react';
import { useEditorValue } from '../binding/EditorProvider.tsx';
import type { CommandContext } from '../commands/command.ts';
import styles from './ProblemsPanel.module.css';
import { applyFix, problemsOf } from './problems.ts';

const ICONS = { error: CircleAlert, warning: TriangleAlert, info: Info };
const WORDS = { error: 'Error', warning: 'Warning', info: 'Note' };

/** What is wrong with the drawing, worst first; each line leads to its place and offers what would put it right. */
export function ProblemsPanel({ context }: { context: CommandContext }) {
  const graph = useEditorValue((editor) => editor.graph);
  const { list } = problemsOf(graph, context.random);
  if (list.length === 0) {
    return (
      <div className={styles.none} data-testid="no-problems">
        <CircleCheck size={18} aria-hidden="true" />
        <Text size="sm">No problems: this flow can run as it is drawn.</Text>
      </div>
    );
  }
  return (
    <ul className={styles.list} aria-label="Problems">
      {list.map((problem) => (
        <ProblemLine
          key={`${problem.code}:${problem.path}:${problem.message}`}
          problem={problem}
          context={context}
        />
      ))}
    </ul>
  );
}

function ProblemLine({ problem, context }: { problem: Problem; context: CommandContext }) {
  const Icon = ICONS[problem.severity];
  const { editor, canvas } = context;
  const show = (): void => {
    const id = problem.nodeId ?? problem.edgeId;
    if (id === undefined) return;
    editor.select([id]);
    const edge =
      problem.nodeId === undefined ? editor.graph.document.edges.find((each) => each.id === id) : undefined;
    canvas.fit(edge ? [edge.source, edge.target] : [id]);
  };
  const name = problem.nodeId === undefined ? null : editor.graph.nodes.get(problem.nodeId)?.name;
  return (
    <li className={styles.line} data-severity={problem.severity} data-testid={`problem-${problem.code}`}>
      <button type="button" className={styles.message} onClick={show} title="Show it on the canvas">
        <Icon size={15} role="img" aria-label={WORDS[problem.severity]} className={styles.icon} />
        <span>{problem.message}</span>
        {name && !problem.message.includes(name) && <span className={styles.where}>{name}</span>}
      </button>
      {problem.fixes.map((fix) => (
        <Button
          key={fix.label}
          size="compact-xs"
          variant="default"
          onClick={() => applyFix(editor, problem, fix, context.random)}
          data-testid="quick-fix"
        >
          {fix.label}
        </Button>
      ))}
    </li>
  );
}
