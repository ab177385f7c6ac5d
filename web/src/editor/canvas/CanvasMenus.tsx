import { Menu } from '@mantine/core';
import type { Point } from '@millrace/shared/flow/geometry.ts';
import { NODE_KIND_NAMES, type NodeKind, nodeKind } from '@millrace/shared/flow/records/registry.ts';
import { Waypoints } from 'lucide-react';
import type { ReactNode } from 'react';
import { nodeView } from '../../nodes/registry.ts';
import type { Command, CommandContext } from '../commands/command.ts';
import { shortcutLabel } from '../commands/keyboard.ts';
import { COMMANDS } from '../commands/registry.ts';
import { kindsAfter, kindsBefore, type PulledEdge, type Wire } from '../commands/wiring.ts';
import styles from './Canvas.module.css';

/** A menu that belongs to a point of the canvas, in pixels from its top left corner. */
export type CanvasMenu =
  | { what: 'add'; at: Point; flowAt: Point; pulled: PulledEdge }
  | { what: 'offer'; at: Point; wire: Wire; sentence: string }
  | { what: 'context'; at: Point };

function PointMenu({
  at,
  label,
  onClose,
  children,
}: {
  at: Point;
  label: string;
  onClose: () => void;
  children: ReactNode;
}) {
  return (
    <Menu
      opened
      onClose={onClose}
      position="bottom-start"
      offset={2}
      // Near the bottom of the window it stands beside its point rather than past the edge.
      middlewares={{ flip: true, shift: { crossAxis: true, padding: 8 } }}
      withinPortal
      trapFocus
      returnFocus
    >
      <Menu.Target>
        <div className={styles.menuAnchor} style={{ left: at.x, top: at.y }} />
      </Menu.Target>
      <Menu.Dropdown aria-label={label} className={styles.menu}>
        {children}
      </Menu.Dropdown>
    </Menu>
  );
}

type AddMenuProps = {
  menu: CanvasMenu & { what: 'add' };
  context: CommandContext;
  onPick: (kind: NodeKind) => void;
  onClose: () => void;
};

/** What can be added where an edge was let go. */
export function AddMenu({ menu, context, onPick, onClose }: AddMenuProps) {
  const node = context.editor.graph.nodes.get(menu.pulled.nodeId);
  if (!node) return null;
  const kinds =
    menu.pulled.end === 'source'
      ? kindsAfter(node, menu.pulled.portId, NODE_KIND_NAMES)
      : kindsBefore(node, NODE_KIND_NAMES);
  return (
    <PointMenu at={menu.at} label="Add a node here" onClose={onClose}>
      <Menu.Label>{menu.pulled.end === 'source' ? `After ${node.name}` : `Before ${node.name}`}</Menu.Label>
      {kinds.map((kind) => {
        const Icon = nodeView(kind).icon;
        return (
          <Menu.Item
            key={kind}
            leftSection={<Icon size={14} />}
            onClick={() => onPick(kind)}
            data-testid={`add-here-${kind}`}
          >
            {nodeKind(kind).title}
          </Menu.Item>
        );
      })}
    </PointMenu>
  );
}

type OfferMenuProps = { menu: CanvasMenu & { what: 'offer' }; onAccept: () => void; onClose: () => void };

/** The wiring rule's offer. */
export function OfferMenu({ menu, onAccept, onClose }: OfferMenuProps) {
  return (
    <PointMenu at={menu.at} label="Put a topic between" onClose={onClose}>
      <Menu.Label maw={260}>{menu.sentence}</Menu.Label>
      <Menu.Item leftSection={<Waypoints size={14} />} onClick={onAccept} data-testid="put-topic-between">
        Put a topic between
      </Menu.Item>
    </PointMenu>
  );
}

const CONTEXT_GROUPS = ['Faults', 'Edit', 'Arrange', 'View'] as const;
const NOT_IN_CONTEXT = new Set(['zoom-in', 'zoom-out', 'toggle-theme', 'undo', 'redo']);

export function ContextMenu({
  at,
  context,
  perform,
  onClose,
}: {
  at: Point;
  context: CommandContext;
  perform: (command: Command) => void;
  onClose: () => void;
}) {
  return (
    <PointMenu at={at} label="Commands" onClose={onClose}>
      {CONTEXT_GROUPS.map((group) => {
        const commands = COMMANDS.filter(
          (command) => command.group === group && !NOT_IN_CONTEXT.has(command.id) && command.canRun(context),
        );
        if (commands.length === 0) return null;
        return [
          <Menu.Label key={group}>{group}</Menu.Label>,
          ...commands.map((command) => (
            <Menu.Item
              key={command.id}
              onClick={() => perform(command)}
              rightSection={
                <span className={styles.shortcut}>{shortcutLabel(command.shortcuts?.[0] ?? '')}</span>
              }
            >
              {command.label}
            </Menu.Item>
          )),
        ];
      })}
    </PointMenu>
  );
}
