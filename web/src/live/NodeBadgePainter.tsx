import { useEffect } from 'react';
import { BadgePainter } from './badgePainter.ts';
import type { LiveRun } from './liveRun.ts';

/** Nodes scrolled into view after the last change get their figures within this time. */
const RECHECK_MS = 250;

/** Paints counters on the nodes of the canvas while mounted; renders nothing. */
export function NodeBadgePainter({ live }: { live: LiveRun | null }) {
  useEffect(() => {
    const painter = new BadgePainter(document);
    const paint = (): void => painter.paint(live);
    paint();
    if (!live) return;
    const leave = [live.metrics.changed.subscribe(paint), live.changed.subscribe(paint)];
    const timer = setInterval(paint, RECHECK_MS);
    return () => {
      clearInterval(timer);
      for (const off of leave) off();
      painter.paint(null);
    };
  }, [live]);
  return null;
}
