import { Spotlight, type SpotlightActionData, type SpotlightActionGroupData } from '@mantine/spotlight';
import { nodeKind } from '@millrace/shared/flow/records/registry.ts';
import { Search } from 'lucide-react';
import { useMemo, useState } from 'react';
import { useEditorValue } from '../editor/binding/EditorProvider.tsx';
import type { CommandGroup } from '../editor/commands/command.ts';
import { shortcutLabel } from '../editor/commands/keyboard.ts';
import { COMMANDS } from '../editor/commands/registry.ts';
import { nodeView } from '../nodes/registry.ts';
import { commandPaletteStore, nodeFinderStore } from './palettes.ts';
import type { Commanding } from './useCommandContext.ts';

const GROUPS: readonly CommandGroup[] = ['Run', 'Faults', 'Add', 'Edit', 'Arrange', 'View', 'Flow'];

/** Every command that can run now, by name. */
export function CommandPalette({ context, perform }: Commanding) {
  const [openings, setOpenings] = useState(0);
  // What can run is asked when the palette opens, not while it is closed.
  // biome-ignore lint/correctness/useExhaustiveDependencies: `openings` stands for that moment.
  const groups = useMemo<SpotlightActionGroupData[]>(
    () =>
      GROUPS.map((group) => ({
        group,
        actions: COMMANDS.filter((command) => command.group === group && command.canRun(context)).map(
          (command): SpotlightActionData => ({
            id: command.id,
            label: command.label,
            keywords: [...(command.keywords ?? [])],
            onClick: () => perform(command),
            rightSection: command.shortcuts?.[0] ? (
              <span style={{ fontSize: 11, opacity: 0.75 }}>{shortcutLabel(command.shortcuts[0])}</span>
            ) : undefined,
          }),
        ),
      })).filter(({ actions }) => actions.length > 0),
    [context, perform, openings],
  );
  return (
    <Spotlight
      store={commandPaletteStore}
      actions={groups}
      shortcut={null}
      onSpotlightOpen={() => setOpenings((count) => count + 1)}
      nothingFound="No command like that can run now"
      highlightQuery
      scrollable
      maxHeight={420}
      searchProps={{
        placeholder: 'What do you want to do?',
        leftSection: <Search size={16} />,
        'aria-label': 'Search commands',
      }}
      data-testid="command-palette"
    />
  );
}

/** Goes to a node by its name, kind or description. */
export function NodeFinder({ context }: Commanding) {
  const graph = useEditorValue((editor) => editor.graph);
  const actions = useMemo<SpotlightActionData[]>(
    () =>
      [...graph.nodes.values()].map((node) => {
        const Icon = nodeView(node.kind).icon;
        return {
          id: node.id,
          label: node.name,
          description: node.description === '' ? nodeKind(node.kind).title : node.description,
          keywords: [node.kind, nodeKind(node.kind).title],
          leftSection: <Icon size={16} />,
          onClick: () => {
            context.editor.select([node.id]);
            context.canvas.fit([node.id]);
          },
        };
      }),
    [context, graph],
  );
  return (
    <Spotlight
      store={nodeFinderStore}
      actions={actions}
      shortcut={null}
      nothingFound="No node like that in this flow"
      highlightQuery
      scrollable
      maxHeight={420}
      limit={50}
      searchProps={{
        placeholder: 'Find a node',
        leftSection: <Search size={16} />,
        'aria-label': 'Find a node',
      }}
    />
  );
}
