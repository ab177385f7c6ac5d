import { useEffect } from 'react';
import { BadgePainter } from './badgePainter.ts';
import { EdgeMarkPainter } from './edgeMarks.ts';
import { FlagPainter } from './flagPainter.ts';
import type { LiveRun } from './liveRun.ts';
import type { WatchTab } from './watch.tsx';

/** Nodes scrolled into view after the last change get their figures within this time. */
const RECHECK_MS = 250;

type Props = {
  live: LiveRun | null;
  /** A figure that leads somewhere was pressed. */
  onOpen: (tab: WatchTab) => void;
};

/** Paints figures, flags and marks on nodes and edges of the canvas while mounted; renders nothing. */
export function NodeBadgePainter({ live, onOpen }: Props) {
  useEffect(() => {
    const open = (event: MouseEvent): void => {
      const badge =
        event.target instanceof Element ? event.target.closest<HTMLElement>('[data-opens]') : null;
      const tab = badge?.dataset.opens;
      if (tab === 'dead-letters' || tab === 'faults') onOpen(tab);
    };
    document.addEventListener('click', open);
    return () => document.removeEventListener('click', open);
  }, [onOpen]);
  useEffect(() => {
    const painters = [new BadgePainter(document), new FlagPainter(document), new EdgeMarkPainter(document)];
    const paint = (): void => {
      for (const painter of painters) painter.paint(live);
    };
    paint();
    if (!live) return;
    const leave = [live.metrics.changed.subscribe(paint), live.changed.subscribe(paint)];
    const timer = setInterval(paint, RECHECK_MS);
    return () => {
      clearInterval(timer);
      for (const off of leave) off();
      for (const painter of painters) painter.paint(null);
    };
  }, [live]);
  return null;
}
