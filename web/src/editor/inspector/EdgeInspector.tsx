import { Button, Group } from '@mantine/core';
import type { FlowEdge } from '@millrace/shared/flow/document.ts';
import { edgeRole } from '@millrace/shared/flow/graph.ts';
import type { PortRole } from '@millrace/shared/flow/records/kind.ts';
import { nodeKind } from '@millrace/shared/flow/records/registry.ts';
import { Spline, Trash2 } from 'lucide-react';
import type { ReactNode } from 'react';
import { nodeView } from '../../nodes/registry.ts';
import { useEditorValue } from '../binding/EditorProvider.tsx';
import type { CommandContext } from '../commands/command.ts';
import { commandById } from '../commands/registry.ts';
import { INSERTABLE, insertIntoEdge } from '../commands/wiring.ts';
import { BacklogLimit } from './BacklogLimit.tsx';
import styles from './Inspector.module.css';

const TITLES: Readonly<Record<PortRole, string>> = {
  publish: 'Publish',
  subscribe: 'Subscription',
  'dead-letter': 'Dead letters',
};

function explain(role: PortRole | undefined, source: string, target: string): string {
  switch (role) {
    case 'publish':
      return `What ${source} sends is appended to ${target} and acknowledged once it is on disk.`;
    case 'subscribe':
      return `${target} reads every message of ${source} at its own pace, in order within each partition, and remembers how far it has come.`;
    case 'dead-letter':
      return `Messages that ${source} has given up on after its last attempt go to ${target}, with their errors.`;
    case undefined:
      return `${source} has no such output any more. Delete the connection, or bring the output back.`;
  }
}

type Props = { edge: FlowEdge; context: CommandContext; runPart: ReactNode };

/** One connection: what it does, and what can be done with it. */
export function EdgeInspector({ edge, context, runPart }: Props) {
  const graph = useEditorValue((editor) => editor.graph);
  const role = edgeRole(graph, edge);
  const source = graph.nodes.get(edge.source)?.name ?? edge.source;
  const target = graph.nodes.get(edge.target)?.name ?? edge.target;
  return (
    <section aria-label="Connection">
      <header className={styles.head}>
        <span className={styles.icon}>
          <Spline size={16} aria-hidden="true" />
        </span>
        <div className={styles.headText}>
          <h2>{role ? TITLES[role] : 'Broken connection'}</h2>
          <p>
            {source} → {target}
          </p>
        </div>
      </header>
      <div className={styles.body}>
        <p className={styles.text} data-testid="edge-role">
          {explain(role, source, target)}
        </p>
        {runPart}
        {role === 'subscribe' && <BacklogLimit edge={edge} target={target} />}
        <Group gap="xs">
          <Button variant="default" onClick={() => context.editor.select([edge.source])}>
            Select {source}
          </Button>
          <Button variant="default" onClick={() => context.editor.select([edge.target])}>
            Select {target}
          </Button>
        </Group>
        {role && role !== 'dead-letter' && (
          <div className={styles.connections}>
            <h3>Insert a step</h3>
            <p className={styles.soft}>
              A consumer here, with the topic that the wiring rule asks for. One undo step.
            </p>
            <Group gap="xs">
              {INSERTABLE.map((kind) => {
                const Icon = nodeView(kind).icon;
                return (
                  <Button
                    key={kind}
                    variant="default"
                    leftSection={<Icon size={13} />}
                    onClick={() => insertIntoEdge(context, edge.id, kind)}
                    data-testid={`insert-${kind}`}
                  >
                    {nodeKind(kind).title}
                  </Button>
                );
              })}
            </Group>
          </div>
        )}
        <Button
          variant="default"
          leftSection={<Trash2 size={13} />}
          style={{ alignSelf: 'start' }}
          onClick={() => void commandById('delete').run(context)}
          data-testid="delete-edge"
        >
          Delete the connection
        </Button>
      </div>
    </section>
  );
}
