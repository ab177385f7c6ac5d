import type { FaultKind } from '@millrace/shared/faults/fault.ts';
import { create } from 'zustand';

export type RunSectionId = 'backlog' | 'group' | 'faults';

type RunSections = {
  open: Readonly<Record<RunSectionId, boolean>>;
  /** The fault somebody asked for from a menu or the palette; its form takes it up and puts the focus there. */
  askedFault: { recordId: string; kind: FaultKind } | null;
};

/** Which parts of the inspector stand open while a run is watched; the same for every node. View state of this tab. */
export const useRunSections = create<RunSections>(() => ({
  open: { backlog: true, group: true, faults: false },
  askedFault: null,
}));

export function toggleRunSection(id: RunSectionId): void {
  useRunSections.setState(({ open }) => ({ open: { ...open, [id]: !open[id] } }));
}

export function askForFault(recordId: string, kind: FaultKind): void {
  useRunSections.setState(({ open }) => ({
    open: { ...open, faults: true },
    askedFault: { recordId, kind },
  }));
}

export function takeAskedFault(recordId: string): FaultKind | null {
  const { askedFault } = useRunSections.getState();
  if (askedFault?.recordId !== recordId) return null;
  useRunSections.setState({ askedFault: null });
  return askedFault.kind;
}
