import { ActionIcon, Tabs, Tooltip } from '@mantine/core';
import { ChevronDown, ChevronUp } from 'lucide-react';
import type { CommandContext } from '../../editor/commands/command.ts';
import { type DockTabId, openDockTab, setDockOpen, useDock } from '../dock.ts';
import { DOCK_TABS } from '../dockTabs.tsx';
import { ErrorBoundary } from '../ErrorBoundary.tsx';
import styles from './Dock.module.css';

/** The bottom dock. Only the tab in front is mounted: the others would only cost. */
export function Dock({ context }: { context: CommandContext }) {
  const { tab, open } = useDock();
  const current = DOCK_TABS.find(({ id }) => id === tab) ?? DOCK_TABS[0];
  if (!current) return null;
  const { Component } = current;
  return (
    <Tabs
      className={styles.dock}
      value={current.id}
      onChange={(value) => value && openDockTab(value as DockTabId)}
      keepMounted={false}
      data-testid="dock"
    >
      <div className={styles.bar}>
        <Tabs.List className={styles.tabs}>
          {DOCK_TABS.map(({ id, label, icon: Icon, Count }) => (
            <Tabs.Tab
              key={id}
              value={id}
              leftSection={<Icon size={14} aria-hidden="true" />}
              rightSection={Count && <Count context={context} />}
              data-testid={`tab-${id}`}
              onClick={() => setDockOpen(true)}
            >
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tooltip label={open ? 'Fold the panel away' : 'Open the panel'}>
          <ActionIcon
            aria-label={open ? 'Fold the panel away' : 'Open the panel'}
            aria-expanded={open}
            onClick={() => setDockOpen(!open)}
          >
            {open ? <ChevronDown size={16} /> : <ChevronUp size={16} />}
          </ActionIcon>
        </Tooltip>
      </div>
      <Tabs.Panel value={current.id} className={styles.panel}>
        {open && (
          <ErrorBoundary what={`the panel ${current.label}`} resetKey={current.id}>
            <Component context={context} />
          </ErrorBoundary>
        )}
      </Tabs.Panel>
    </Tabs>
  );
}
