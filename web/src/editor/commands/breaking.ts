import { FAULT_KINDS, FAULT_TITLES, type FaultKind } from '@millrace/shared/faults/fault.ts';
import type { Command, CommandContext } from './command.ts';

/** What breaks and heals a run, for the palette and the menu of a node or an edge. */
const selectedRecord = ({ editor }: CommandContext): string | null => {
  const [only] = editor.selection;
  return editor.selection.size === 1 && only !== undefined ? only : null;
};

const faultCommand = (kind: FaultKind): Command => ({
  id: `fault-${kind}`,
  label: `Inject a fault: ${FAULT_TITLES[kind]}…`,
  group: 'Faults',
  keywords: ['break', 'chaos', 'inject'],
  history: 'none',
  canRun: (context) => {
    const recordId = selectedRecord(context);
    return recordId !== null && context.runs.faultsAt(recordId).includes(kind);
  },
  run: (context) => {
    const recordId = selectedRecord(context);
    if (recordId !== null) context.runs.askForFault(recordId, kind);
  },
});

const groupCommand = (id: string, label: string, isPaused: boolean): Command => ({
  id,
  label,
  group: 'Faults',
  keywords: ['consumer', 'seek'],
  history: 'none',
  canRun: (context) => {
    const recordId = selectedRecord(context);
    return recordId !== null && context.runs.groupPaused(recordId) === isPaused;
  },
  run: (context) => {
    const recordId = selectedRecord(context);
    return recordId === null ? undefined : context.runs.setGroupPaused(recordId, !isPaused);
  },
});

export const breakingCommands: readonly Command[] = [
  ...FAULT_KINDS.map(faultCommand),
  {
    id: 'heal-all',
    label: 'Heal all faults',
    group: 'Faults',
    keywords: ['mend', 'end'],
    history: 'none',
    canRun: ({ runs }) => runs.faultCount() > 0,
    run: ({ runs }) => runs.healAll(),
  },
  groupCommand('pause-group', 'Pause the group', false),
  groupCommand('resume-group', 'Resume the group', true),
];
