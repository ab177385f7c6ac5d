import { useEffect, useRef } from 'react';
import type { CanvasGeometry } from './canvasGeometry.ts';
import { type EdgeColors, EdgePainter } from './edgePainter.ts';
import type { LiveRun } from './liveRun.ts';

/** Flow and fullness on the edges of the canvas. Lies over it, takes no pointer, says nothing that the nodes do not. */
export function EdgeFlowOverlay({ live, geometry }: { live: LiveRun | null; geometry: CanvasGeometry }) {
  const canvasRef = useRef<HTMLCanvasElement>(null);

  useEffect(() => {
    const canvas = canvasRef.current;
    if (!canvas) return;
    const reduced = window.matchMedia('(prefers-reduced-motion: reduce)');
    const painter = new EdgePainter(
      canvas,
      geometry,
      () => colorsOf(canvas),
      () => reduced.matches,
    );
    painter.setRun(live);
    const sizes = new ResizeObserver(([entry]) => {
      if (entry) painter.resize(entry.contentRect.width, entry.contentRect.height);
    });
    sizes.observe(canvas);
    const scheme = new MutationObserver(() => painter.refreshColors());
    scheme.observe(document.documentElement, { attributeFilter: ['data-mantine-color-scheme'] });
    reduced.addEventListener('change', painter.requestFrame);
    const refresh = (): void => painter.refreshFlows();
    const leave = [
      geometry.subscribe(painter.requestFrame),
      live?.metrics.changed.subscribe(refresh),
      live?.changed.subscribe(refresh),
    ];
    return () => {
      for (const off of leave) off?.();
      reduced.removeEventListener('change', painter.requestFrame);
      scheme.disconnect();
      sizes.disconnect();
      painter.close();
    };
  }, [geometry, live]);

  return (
    <canvas
      ref={canvasRef}
      aria-hidden
      data-testid="edge-flow"
      style={{ position: 'absolute', inset: 0, width: '100%', height: '100%', pointerEvents: 'none' }}
    />
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
    label: token('--mr-text'),
    labelBack: token('--mr-panel'),
  };
}
