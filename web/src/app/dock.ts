import { useStore } from 'zustand';
import { createStore } from 'zustand/vanilla';
import type { WatchTab } from '../live/watch.tsx';

export type DockTabId = WatchTab;

type Dock = { tab: DockTabId; open: boolean };

/** Which tab the dock shows. View state of this browser tab; its size is kept by the layout. */
export const dock = createStore<Dock>(() => ({ tab: 'problems', open: true }));

export function openDockTab(tab: DockTabId): void {
  dock.setState({ tab, open: true });
}

/** When a run starts, what it does is worth more than advice about the drawing. Another tab was chosen, and stays. */
export function showRunInDock(): void {
  dock.setState(({ tab }) => ({ tab: tab === 'problems' ? 'traces' : tab }));
}

export function setDockOpen(open: boolean): void {
  dock.setState({ open });
}

export function useDock(): Dock {
  return useStore(dock);
}
