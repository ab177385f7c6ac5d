import {
  Activity,
  ChartLine,
  CircleAlert,
  Inbox,
  type LucideIcon,
  ScrollText,
  Skull,
  Zap,
} from 'lucide-react';
import type { ComponentType } from 'react';
import type { CommandContext } from '../editor/commands/command.ts';
import { ProblemsPanel } from '../editor/problems/ProblemsPanel.tsx';
import { MessagesPanel } from '../messages/MessagesPanel.tsx';
import { DeadLettersPanel } from '../run/deadLetters/DeadLettersPanel.tsx';
import { FaultsPanel } from '../run/faults/FaultsPanel.tsx';
import { LogsPanel } from '../run/LogsPanel.tsx';
import { MetricsPanel } from '../run/MetricsPanel.tsx';
import { TracesPanel } from '../trace/TracesPanel.tsx';
import type { DockTabId } from './dock.ts';
import { DeadLetterCount, FaultCount, ProblemCount } from './dockCounts.tsx';

export type DockTab = {
  id: DockTabId;
  label: string;
  icon: LucideIcon;
  Component: ComponentType<{ context: CommandContext }>;
  /** How much of it there is, beside the label; nothing while there is none. */
  Count?: ComponentType<{ context: CommandContext }>;
};

/** The tabs of the bottom dock, in order. */
export const DOCK_TABS: readonly DockTab[] = [
  { id: 'traces', label: 'Traces', icon: Activity, Component: TracesPanel },
  { id: 'messages', label: 'Messages', icon: Inbox, Component: MessagesPanel },
  {
    id: 'dead-letters',
    label: 'Dead letters',
    icon: Skull,
    Component: DeadLettersPanel,
    Count: DeadLetterCount,
  },
  { id: 'faults', label: 'Faults', icon: Zap, Component: FaultsPanel, Count: FaultCount },
  { id: 'metrics', label: 'Metrics', icon: ChartLine, Component: MetricsPanel },
  { id: 'problems', label: 'Problems', icon: CircleAlert, Component: ProblemsPanel, Count: ProblemCount },
  { id: 'logs', label: 'Logs', icon: ScrollText, Component: LogsPanel },
];
