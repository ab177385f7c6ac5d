import { Activity, ChartLine, CircleAlert, Inbox, type LucideIcon, ScrollText } from 'lucide-react';
import type { ComponentType } from 'react';
import type { CommandContext } from '../editor/commands/command.ts';
import { ProblemsPanel } from '../editor/problems/ProblemsPanel.tsx';
import { MessagesPanel } from '../messages/MessagesPanel.tsx';
import { LogsPanel } from '../run/LogsPanel.tsx';
import { MetricsPanel } from '../run/MetricsPanel.tsx';
import { TracesPanel } from '../trace/TracesPanel.tsx';
import type { DockTabId } from './dock.ts';

export type DockTab = {
  id: DockTabId;
  label: string;
  icon: LucideIcon;
  Component: ComponentType<{ context: CommandContext }>;
};

/** The tabs of the bottom dock, in order. */
export const DOCK_TABS: readonly DockTab[] = [
  { id: 'traces', label: 'Traces', icon: Activity, Component: TracesPanel },
  { id: 'messages', label: 'Messages', icon: Inbox, Component: MessagesPanel },
  { id: 'metrics', label: 'Metrics', icon: ChartLine, Component: MetricsPanel },
  { id: 'problems', label: 'Problems', icon: CircleAlert, Component: ProblemsPanel },
  { id: 'logs', label: 'Logs', icon: ScrollText, Component: LogsPanel },
];
