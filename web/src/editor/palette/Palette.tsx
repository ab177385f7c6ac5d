import { TextInput } from '@mantine/core';
import type { NodeFamily } from '@millrace/shared/flow/records/kind.ts';
import { NODE_KIND_NAMES, type NodeKind, nodeKind } from '@millrace/shared/flow/records/registry.ts';
import { Search } from 'lucide-react';
import { type DragEvent, useState } from 'react';
import { nodeView } from '../../nodes/registry.ts';
import type { Command } from '../commands/command.ts';
import { DRAGGED_KIND } from '../commands/dragging.ts';
import { commandById } from '../commands/registry.ts';
import styles from './Palette.module.css';

const FAMILIES: readonly { family: NodeFamily; title: string }[] = [
  { family: 'producer', title: 'Producers' },
  { family: 'topic', title: 'Topics' },
  { family: 'consumer', title: 'Consumers' },
];

function isFound(kind: NodeKind, query: string): boolean {
  const { title, summary, keywords } = nodeKind(kind);
  const words = [title, summary, ...keywords].join(' ').toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => words.includes(word));
}

/** What can be added: dragged onto the canvas, or added in its middle by a click or Enter. */
export function Palette({ perform }: { perform: (command: Command) => void }) {
  const [query, setQuery] = useState('');
  const kinds = NODE_KIND_NAMES.filter((kind) => isFound(kind, query));
  return (
    <nav aria-label="Nodes to add" className={styles.palette} data-testid="palette">
      <TextInput
        aria-label="Search nodes to add"
        placeholder="Search nodes"
        leftSection={<Search size={13} />}
        value={query}
        onChange={(event) => setQuery(event.currentTarget.value)}
        onKeyDown={(event) => {
          const [first] = kinds;
          if (event.key === 'Enter' && first) perform(commandById(`add-${first}`));
        }}
      />
      {FAMILIES.map(({ family, title }) => {
        const ofFamily = kinds.filter((kind) => nodeKind(kind).family === family);
        if (ofFamily.length === 0) return null;
        return (
          <section key={family} aria-label={title}>
            <h3 className={styles.family}>{title}</h3>
            {ofFamily.map((kind) => (
              <PaletteItem key={kind} kind={kind} family={family} perform={perform} />
            ))}
          </section>
        );
      })}
      {kinds.length === 0 && <p className={styles.none}>No node like that. Try another word.</p>}
    </nav>
  );
}

type ItemProps = { kind: NodeKind; family: NodeFamily; perform: (command: Command) => void };

function PaletteItem({ kind, family, perform }: ItemProps) {
  const { title, summary } = nodeKind(kind);
  const Icon = nodeView(kind).icon;
  const onDragStart = (event: DragEvent): void => {
    event.dataTransfer.setData(DRAGGED_KIND, kind);
    event.dataTransfer.effectAllowed = 'copy';
  };
  return (
    <button
      type="button"
      className={styles.item}
      data-family={family}
      data-testid={`palette-${kind}`}
      title={`${summary}. Drag it onto the canvas, or click to add it.`}
      draggable
      onDragStart={onDragStart}
      onClick={() => perform(commandById(`add-${kind}`))}
    >
      <span className={styles.icon}>
        <Icon size={15} aria-hidden="true" />
      </span>
      {title}
    </button>
  );
}
