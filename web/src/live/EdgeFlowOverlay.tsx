import { useEffect, useRef } from 'react';
import type { CanvasGeometry } from './canvasGeometry.ts';
import type { EdgeColors } from './edgeChips.ts';
import classes from './edgeFlow.module.css';
import { EdgePainter } from './edgePainter.ts';
import type { LiveRun } from './liveRun.ts';

/** Flow and fullness on the edges of the canvas. Lies over it, takes no pointer, says nothing that the nodes do not. */
export function EdgeFlowOverlay({ live, geometry }: { live: LiveRun | null; geometry: CanvasGeometry }) {
  const stillRef = useRef<HTMLCanvasElement>(null);
  const movingRef = useRef<HTMLCanvasElement>(null);

  useEffect(() => {
    const still = stillRef.current;
    const moving = movingRef.current;
    if (!still || !moving) return;
    const reduced = window.matchMedia('(prefers-reduced-motion: reduce)');
    const painter = new EdgePainter(
      { still, moving },
      geometry,
      () => colorsOf(still),
      () => reduced.matches,
    );
    painter.setRun(live);
    const sizes = new ResizeObserver(([entry]) => {
      if (entry) painter.resize(entry.contentRect.width, entry.contentRect.height);
    });
    sizes.observe(still);
    const scheme = new MutationObserver(() => painter.refreshColors());
    scheme.observe(document.documentElement, { attributeFilter: ['data-mantine-color-scheme'] });
    reduced.addEventListener('change', painter.redraw);
    const refresh = (): void => painter.refreshFlows();
    const leave = [
      geometry.subscribe(painter.redraw),
      live?.metrics.changed.subscribe(refresh),
      live?.changed.subscribe(refresh),
    ];
    return () => {
      for (const off of leave) off?.();
      reduced.removeEventListener('change', painter.redraw);
      scheme.disconnect();
      sizes.disconnect();
      painter.close();
    };
  }, [geometry, live]);

  return (
    <div aria-hidden data-testid="edge-flow">
      <canvas ref={stillRef} className={classes.layer} />
      <canvas ref={movingRef} className={classes.layer} />
    </div>
  );
}

function colorsOf(element: Element): EdgeColors {
  const style = getComputedStyle(element);
  const token = (name: string): string => style.getPropertyValue(name).trim() || '#888888';
  return {
    pulse: token('--mr-accent'),
    dead: token('--mr-edge-dead'),
    calm: token('--mr-topic-soft'),
    filling: token('--mr-warning'),
    full: token('--mr-error'),
    fault: token('--mr-fault'),
    faultBack: token('--mr-fault-soft'),
    line: token('--mr-edge'),
    label: token('--mr-text'),
    labelBack: token('--mr-panel'),
  };
}
