import {
  ActionIcon,
  Badge,
  Button,
  Menu,
  Tooltip,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core';
import { Command as CommandIcon, Download, Ellipsis, Monitor, Moon, Redo2, Sun, Undo2 } from 'lucide-react';
import { useState } from 'react';
import { useEditor, useEditorValue } from '../../editor/binding/EditorProvider.tsx';
import type { Command, CommandGroup } from '../../editor/commands/command.ts';
import { shortcutLabel } from '../../editor/commands/keyboard.ts';
import { COMMANDS, commandById } from '../../editor/commands/registry.ts';
import { RunControls } from '../../run/RunControls.tsx';
import { openCommandPalette } from '../palettes.ts';
import type { Commanding } from '../useCommandContext.ts';
import { FlowName } from './FlowName.tsx';
import { Logo } from './Logo.tsx';
import { SaveIndicator } from './SaveIndicator.tsx';
import styles from './TopBar.module.css';
import { useVersionState } from './useVersionState.ts';

export function TopBar({ commanding }: { commanding: Commanding }) {
  const { perform } = commanding;
  return (
    <header className={styles.bar}>
      <div className={styles.left}>
        <Tooltip label="Start screen: all flows and samples">
          <button
            type="button"
            className={styles.logo}
            aria-label="Open the start screen"
            data-testid="to-start"
            onClick={() => perform(commandById('open-start'))}
          >
            <Logo size={26} />
          </button>
        </Tooltip>
        <FlowName />
        <VersionBadge />
        <SaveIndicator />
      </div>
      <div className={styles.middle}>
        <RunControls />
      </div>
      <div className={styles.right}>
        <UndoButtons perform={perform} />
        <Button
          variant="default"
          leftSection={<Download size={14} aria-hidden="true" />}
          onClick={() => perform(commandById('export'))}
          className={styles.export}
          data-testid="export-button"
        >
          Export
        </Button>
        <Tooltip label={`All commands (${shortcutLabel('mod+K')})`}>
          <ActionIcon
            aria-label="Open the command palette"
            data-testid="open-palette"
            onClick={openCommandPalette}
          >
            <CommandIcon size={16} />
          </ActionIcon>
        </Tooltip>
        <ThemeMenu />
        <CommandMenu commanding={commanding} />
      </div>
    </header>
  );
}

function VersionBadge() {
  const { version, isChanged } = useVersionState();
  const text = version === 0 ? 'Draft' : isChanged ? `v${version} + changes` : `v${version}`;
  const hint =
    version === 0
      ? 'Nothing is published yet: the first run publishes this drawing as version 1.'
      : isChanged
        ? `The drawing has changed since version ${version}. The next run publishes it as version ${version + 1}.`
        : `The drawing is version ${version}, as it was published.`;
  return (
    <Tooltip label={hint} multiline maw={280}>
      <Badge variant="default" radius="sm" size="sm" className={styles.version} data-testid="version">
        {text}
      </Badge>
    </Tooltip>
  );
}

function UndoButtons({ perform }: { perform: (command: Command) => void }) {
  const undoLabel = useEditorValue((editor) => editor.undoLabel);
  const redoLabel = useEditorValue((editor) => editor.redoLabel);
  return (
    <>
      <Tooltip label={undoLabel ? `Undo: ${undoLabel} (${shortcutLabel('mod+Z')})` : 'Nothing to undo'}>
        <ActionIcon
          aria-label="Undo"
          data-testid="undo"
          disabled={undoLabel === null}
          onClick={() => perform(commandById('undo'))}
        >
          <Undo2 size={16} />
        </ActionIcon>
      </Tooltip>
      <Tooltip label={redoLabel ? `Redo: ${redoLabel} (${shortcutLabel('mod+shift+Z')})` : 'Nothing to redo'}>
        <ActionIcon
          aria-label="Redo"
          data-testid="redo"
          disabled={redoLabel === null}
          onClick={() => perform(commandById('redo'))}
        >
          <Redo2 size={16} />
        </ActionIcon>
      </Tooltip>
    </>
  );
}

export function ThemeMenu() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const computed = useComputedColorScheme('light');
  const choices = [
    { value: 'light', label: 'Light', icon: Sun },
    { value: 'dark', label: 'Dark', icon: Moon },
    { value: 'auto', label: 'As the system', icon: Monitor },
  ] as const;
  return (
    <Menu>
      <Menu.Target>
        <ActionIcon aria-label="Light or dark" data-testid="theme">
          {computed === 'dark' ? <Moon size={16} /> : <Sun size={16} />}
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {choices.map(({ value, label, icon: Icon }) => (
          <Menu.Item
            key={value}
            leftSection={<Icon size={14} />}
            onClick={() => setColorScheme(value)}
            fw={colorScheme === value ? 650 : undefined}
            aria-current={colorScheme === value || undefined}
            data-testid={`theme-${value}`}
          >
            {label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

const MENU_GROUPS: readonly CommandGroup[] = ['Flow', 'Edit', 'Arrange', 'View'];

/** Every command but those of the palette and the run, with their keys. Generated, like the palette. */
function CommandMenu({ commanding: { context, perform } }: { commanding: Commanding }) {
  const editor = useEditor();
  const [opened, setOpened] = useState(false);
  return (
    <Menu opened={opened} onChange={setOpened} width={280}>
      <Menu.Target>
        <ActionIcon aria-label="More commands" data-testid="command-menu">
          <Ellipsis size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown className={styles.commandMenu}>
        {opened &&
          MENU_GROUPS.map((group) => [
            <Menu.Label key={`${group}-${editor.flowId}`}>{group}</Menu.Label>,
            ...COMMANDS.filter((command) => command.group === group).map((command) => (
              <Menu.Item
                key={command.id}
                disabled={!command.canRun(context)}
                onClick={() => perform(command)}
                rightSection={
                  command.shortcuts?.[0] && (
                    <span className={styles.shortcut}>{shortcutLabel(command.shortcuts[0])}</span>
                  )
                }
              >
                {command.label}
              </Menu.Item>
            )),
          ])}
      </Menu.Dropdown>
    </Menu>
  );
}
