import {
  type Bounds,
  boundsOfPath,
  type CanvasGeometry,
  type EdgeShape,
  isVisible,
} from './canvasGeometry.ts';
import { backlogWidth, type EdgeFlow, edgeFlows, LAG_LABEL_MIN, pulseStyle } from './edgeFlow.ts';
import { compactNumber } from './format.ts';
import type { LiveRun } from './liveRun.ts';

export type EdgeColors = {
  pulse: string;
  dead: string;
  calm: string;
  filling: string;
  full: string;
  label: string;
  labelBack: string;
};

/** Shapes kept ready for drawing; beyond it the cache starts again. */
const SHAPES_MAX = 5_000;
/** Sharper than this is not seen on thin lines, and costs the square of it. */
const PIXEL_RATIO_MAX = 2;
/** After a pause (hidden tab) pulses go on from where they were instead of jumping. */
const FRAME_MS_MAX = 100;

type ReadyShape = { shape: Path2D; bounds: Bounds };

/**
 * Draws flow and fullness of all visible edges on one canvas: a band for the backlog and a moving dashed line for the
 * rate, one stroke each, whatever the rate. It asks for the next frame only while something moves.
 */
export class EdgePainter {
  readonly #canvas: HTMLCanvasElement;
  readonly #geometry: CanvasGeometry;
  readonly #readColors: () => EdgeColors;
  readonly #still: () => boolean;
  #live: LiveRun | null = null;
  #flows = new Map<string, EdgeFlow>();
  #colors: EdgeColors;
  readonly #shapes = new Map<string, ReadyShape>();
  readonly #phases = new Map<string, number>();
  #frame: number | null = null;
  #lastFrameMs = 0;
  #width = 0;
  #height = 0;

  constructor(
    canvas: HTMLCanvasElement,
    geometry: CanvasGeometry,
    readColors: () => EdgeColors,
    still: () => boolean,
  ) {
    this.#canvas = canvas;
    this.#geometry = geometry;
    this.#readColors = readColors;
    this.#colors = readColors();
    this.#still = still;
  }

  setRun(live: LiveRun | null): void {
    this.#live = live;
    this.#phases.clear();
    this.refreshFlows();
  }

  /** Reads the rates again; call when metrics have changed. */
  refreshFlows(): void {
    this.#flows = this.#live ? edgeFlows(this.#live) : new Map();
    this.requestFrame();
  }

  refreshColors(): void {
    this.#colors = this.#readColors();
    this.requestFrame();
  }

  resize(width: number, height: number): void {
    const ratio = Math.min(PIXEL_RATIO_MAX, window.devicePixelRatio || 1);
    this.#width = width;
    this.#height = height;
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    this.requestFrame();
  }

  requestFrame = (): void => {
    this.#frame ??= requestAnimationFrame((nowMs) => this.#draw(nowMs));
  };

  close(): void {
    if (this.#frame !== null) cancelAnimationFrame(this.#frame);
    this.#frame = null;
  }

  #draw(nowMs: number): void {
    this.#frame = null;
    const context = this.#canvas.getContext('2d');
    if (!context || this.#width === 0) return;
    const stepMs = Math.min(FRAME_MS_MAX, nowMs - this.#lastFrameMs);
    this.#lastFrameMs = nowMs;
    const ratio = this.#canvas.width / this.#width;
    const viewport = this.#geometry.viewport();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    if (this.#flows.size === 0) return;
    context.setTransform(
      ratio * viewport.zoom,
      0,
      0,
      ratio * viewport.zoom,
      ratio * viewport.x,
      ratio * viewport.y,
    );
    context.lineCap = 'round';

    const still = this.#still();
    const labels: { edge: EdgeShape; flow: EdgeFlow }[] = [];
    let moving = false;
    for (const edge of this.#geometry.edges()) {
      const flow = this.#flows.get(edge.id);
      if (!flow || (flow.rate <= 0 && flow.lag <= 0)) continue;
      const ready = this.#ready(edge.path);
      if (!isVisible(ready.bounds, viewport, this.#width, this.#height)) continue;
      this.#drawBacklog(context, ready.shape, flow);
      moving = this.#drawPulses(context, edge.id, ready.shape, flow, still ? 0 : stepMs) || moving;
      if (flow.lag >= LAG_LABEL_MIN) labels.push({ edge, flow });
    }
    context.setLineDash([]);
    for (const { edge, flow } of labels) this.#drawLabel(context, edge, flow, viewport.zoom);
    if (moving && !still) this.requestFrame();
  }

  #drawBacklog(context: CanvasRenderingContext2D, shape: Path2D, flow: EdgeFlow): void {
    const width = backlogWidth(flow.fullness);
    if (width === 0) return;
    context.setLineDash([]);
    context.globalAlpha = 0.55;
    context.lineWidth = width;
    context.strokeStyle = this.#fullnessColor(flow);
    context.stroke(shape);
    context.globalAlpha = 1;
  }

  #drawPulses(
    context: CanvasRenderingContext2D,
    edgeId: string,
    shape: Path2D,
    flow: EdgeFlow,
    stepMs: number,
  ): boolean {
    const style = pulseStyle(flow.rate);
    if (!style) return false;
    const period = style.lengthPx + style.gapPx;
    const phase = ((this.#phases.get(edgeId) ?? 0) + (style.speedPx * stepMs) / 1_000) % (period * 1_000);
    this.#phases.set(edgeId, phase);
    context.setLineDash([style.lengthPx, style.gapPx]);
    context.lineDashOffset = -phase;
    context.lineWidth = 3;
    context.strokeStyle = flow.deadLetters ? this.#colors.dead : this.#colors.pulse;
    context.stroke(shape);
    return true;
  }

  #drawLabel(context: CanvasRenderingContext2D, edge: EdgeShape, flow: EdgeFlow, zoom: number): void {
    // Far out, labels would be larger than what they label.
    if (zoom < 0.45) return;
    const text = `lag ${compactNumber(flow.lag)}`;
    context.font = "600 10.5px 'Inter Variable', system-ui, sans-serif";
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    const width = context.measureText(text).width + 10;
    context.fillStyle = this.#colors.labelBack;
    context.strokeStyle = this.#fullnessColor(flow);
    context.lineWidth = 1;
    context.beginPath();
    context.roundRect(edge.labelX - width / 2, edge.labelY - 8, width, 16, 8);
    context.fill();
    context.stroke();
    context.fillStyle = this.#colors.label;
    context.fillText(text, edge.labelX, edge.labelY + 0.5);
  }

  #fullnessColor(flow: EdgeFlow): string {
    if (flow.fullness >= 0.9) return this.#colors.full;
    return flow.fullness >= 0.5 ? this.#colors.filling : this.#colors.calm;
  }

  #ready(path: string): ReadyShape {
    let ready = this.#shapes.get(path);
    if (!ready) {
      if (this.#shapes.size >= SHAPES_MAX) this.#shapes.clear();
      ready = { shape: new Path2D(path), bounds: boundsOfPath(path) };
      this.#shapes.set(path, ready);
    }
    return ready;
  }
}
