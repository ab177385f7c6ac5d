/** One edge as it is drawn now, in the drawing's coordinates. `path` is SVG path data. */
export type EdgeShape = { id: string; path: string; labelX: number; labelY: number };

export type CanvasViewport = { x: number; y: number; zoom: number };

/** What the overlay needs to know of the canvas; the editor's side of the page implements it. */
export interface CanvasGeometry {
  edges(): Iterable<EdgeShape>;
  viewport(): CanvasViewport;
  /** Tells of every change of edges or viewport; may be called many times per frame. */
  subscribe(listener: () => void): () => void;
}

export type Bounds = { minX: number; minY: number; maxX: number; maxY: number };

/**
 * A box around absolute SVG path data (M, L, C, Q). A Bézier curve stays inside the hull of its control points, so the
 * box around all numbers is never too small.
 */
export function boundsOfPath(path: string): Bounds {
  const numbers = path.match(/-?\d+(?:\.\d+)?(?:e[-+]?\d+)?/gi) ?? [];
  const bounds = {
    minX: Number.POSITIVE_INFINITY,
    minY: Number.POSITIVE_INFINITY,
    maxX: Number.NEGATIVE_INFINITY,
    maxY: Number.NEGATIVE_INFINITY,
  };
  for (let index = 0; index + 1 < numbers.length; index += 2) {
    const x = Number(numbers[index]);
    const y = Number(numbers[index + 1]);
    if (x < bounds.minX) bounds.minX = x;
    if (x > bounds.maxX) bounds.maxX = x;
    if (y < bounds.minY) bounds.minY = y;
    if (y > bounds.maxY) bounds.maxY = y;
  }
  return bounds;
}

/** Whether a box of the drawing shows on a canvas of this size. */
export function isVisible(bounds: Bounds, viewport: CanvasViewport, width: number, height: number): boolean {
  const { x, y, zoom } = viewport;
  return (
    bounds.maxX * zoom + x >= 0 &&
    bounds.minX * zoom + x <= width &&
    bounds.maxY * zoom + y >= 0 &&
    bounds.minY * zoom + y <= height
  );
}
