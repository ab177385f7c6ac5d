import { Button } from '@mantine/core';
import { SquareDashedMousePointer } from 'lucide-react';
import type { ReactNode } from 'react';
import { useEditorValue } from '../binding/EditorProvider.tsx';
import type { CommandContext } from '../commands/command.ts';
import { commandById } from '../commands/registry.ts';
import { EdgeInspector } from './EdgeInspector.tsx';
import { FlowInspector } from './FlowInspector.tsx';
import styles from './Inspector.module.css';
import { NodeInspector } from './NodeInspector.tsx';
import type { InspectorPorts } from './ports.ts';
import { InspectorPortsContext } from './portsContext.ts';

type Props = {
  context: CommandContext;
  ports: InspectorPorts;
  /** What the watched run says of a node or an edge, and what can be done to it there. */
  runPart: (recordId: string) => ReactNode;
};

/** The right side: whatever is selected, or the flow itself. */
export function Inspector({ context, ports, runPart }: Props) {
  return (
    <InspectorPortsContext value={ports}>
      <Selected context={context} runPart={runPart} />
    </InspectorPortsContext>
  );
}

function Selected({ context, runPart }: Pick<Props, 'context' | 'runPart'>) {
  const selection = useEditorValue((editor) => editor.selection);
  const [only] = selection;
  // Only the selected record: a drag on the canvas must not render the form with every move.
  const record = useEditorValue((editor) => (only === undefined ? undefined : editor.records.get(only)));
  if (only === undefined) return <FlowInspector context={context} />;
  if (selection.size > 1) return <ManyInspector count={selection.size} context={context} />;
  if (record?.type === 'node') {
    return <NodeInspector key={only} node={record.node} context={context} runPart={runPart(only)} />;
  }
  if (record?.type === 'edge') {
    return <EdgeInspector key={only} edge={record.edge} context={context} runPart={runPart(only)} />;
  }
  return <FlowInspector context={context} />;
}

const FOR_MANY = [
  'align-left',
  'align-top',
  'distribute-horizontally',
  'distribute-vertically',
  'copy',
  'duplicate',
  'delete',
];

function ManyInspector({ count, context }: { count: number; context: CommandContext }) {
  return (
    <section aria-label="Selection">
      <header className={styles.head}>
        <span className={styles.icon}>
          <SquareDashedMousePointer size={16} aria-hidden="true" />
        </span>
        <div className={styles.headText}>
          <h2>{count} things selected</h2>
          <p>What is done here is one undo step.</p>
        </div>
      </header>
      <div className={styles.body}>
        <div className={styles.buttons}>
          {FOR_MANY.map(commandById)
            .filter((command) => command.canRun(context))
            .map((command) => (
              <Button key={command.id} variant="default" onClick={() => void command.run(context)}>
                {command.label}
              </Button>
            ))}
        </div>
      </div>
    </section>
  );
}
