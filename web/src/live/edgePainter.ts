import {
  type Bounds,
  boundsOfPath,
  type CanvasGeometry,
  type EdgeShape,
  isVisible,
} from './canvasGeometry.ts';
import { drawFaultChip, drawFillGauge, type EdgeColors, fillColor } from './edgeChips.ts';
import { backlogWidth, type EdgeFlow, edgeFlows, pulseStyle } from './edgeFlow.ts';
import type { LiveRun } from './liveRun.ts';

/** `still` holds backlogs and labels and is drawn when they or the drawing change, `moving` the pulses of each frame. */
export type EdgeLayers = { still: HTMLCanvasElement; moving: HTMLCanvasElement };

/** Shapes kept ready for drawing; beyond it the cache starts again. */
const SHAPES_MAX = 5_000;
/** Sharper than this is not seen on thin lines, and costs the square of it. */
const PIXEL_RATIO_MAX = 2;
/** After a pause (hidden tab) pulses go on from where they were instead of jumping. */
const FRAME_MS_MAX = 100;
/** Pulses move at about 30 frames a second: smooth enough for a flow, half the price. */
const PULSE_FRAME_MS = 30;
/** A broken edge looks broken, whatever its colour. */
const FAULT_DASH = [2, 7];
/** Further out words would be larger than what they label; signs keep the size they have there. */
const LABEL_ZOOM_MIN = 0.45;

type ReadyShape = { shape: Path2D; bounds: Bounds };
type VisibleEdge = { edge: EdgeShape; flow: EdgeFlow; shape: Path2D };

/**
 * Draws flow and fullness of all visible edges: a band for the backlog and a moving dashed line for the rate, one
 * stroke each, whatever the rate. It asks for the next frame only while something moves.
 */
export class EdgePainter {
  readonly #layers: EdgeLayers;
  readonly #geometry: CanvasGeometry;
  readonly #readColors: () => EdgeColors;
  readonly #motionless: () => boolean;
  #live: LiveRun | null = null;
  #flows = new Map<string, EdgeFlow>();
  #colors: EdgeColors;
  #visible: VisibleEdge[] = [];
  readonly #shapes = new Map<string, ReadyShape>();
  readonly #phases = new Map<string, number>();
  #frame: number | null = null;
  #dirty = true;
  #lastPulseMs = 0;
  #width = 0;
  #height = 0;

  constructor(
    layers: EdgeLayers,
    geometry: CanvasGeometry,
    readColors: () => EdgeColors,
    motionless: () => boolean,
  ) {
    this.#layers = layers;
    this.#geometry = geometry;
    this.#readColors = readColors;
    this.#colors = readColors();
    this.#motionless = motionless;
  }

  setRun(live: LiveRun | null): void {
    this.#live = live;
    this.#phases.clear();
    this.refreshFlows();
  }

  /** Reads the rates again; call when metrics have changed. */
  refreshFlows(): void {
    this.#flows = this.#live ? edgeFlows(this.#live) : new Map();
    this.redraw();
  }

  refreshColors(): void {
    this.#colors = this.#readColors();
    this.redraw();
  }

  resize(width: number, height: number): void {
    const ratio = Math.min(PIXEL_RATIO_MAX, window.devicePixelRatio || 1);
    this.#width = width;
    this.#height = height;
    for (const canvas of [this.#layers.still, this.#layers.moving]) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    this.redraw();
  }

  /** Draws everything again in the next frame; however often it is called, once per frame. */
  redraw = (): void => {
    this.#dirty = true;
    this.#requestFrame();
  };

  close(): void {
    if (this.#frame !== null) cancelAnimationFrame(this.#frame);
    this.#frame = null;
  }

  #requestFrame(): void {
    this.#frame ??= requestAnimationFrame((nowMs) => {
      this.#frame = null;
      this.#draw(nowMs);
    });
  }

  #draw(nowMs: number): void {
    if (this.#width === 0) return;
    const due = nowMs - this.#lastPulseMs >= PULSE_FRAME_MS;
    if (this.#dirty) this.#drawStill();
    if (this.#dirty || due) {
      this.#drawMoving(this.#motionless() ? 0 : Math.min(FRAME_MS_MAX, nowMs - this.#lastPulseMs));
      this.#lastPulseMs = nowMs;
    }
    this.#dirty = false;
    if (!this.#motionless() && this.#visible.some(({ flow }) => flow.rate > 0)) this.#requestFrame();
  }

  #drawStill(): void {
    const viewport = this.#geometry.viewport();
    this.#visible = [];
    for (const edge of this.#flows.size === 0 ? [] : this.#geometry.edges()) {
      const flow = this.#flows.get(edge.id);
      if (!flow || (flow.rate <= 0 && flow.fullness === null && flow.fault === null)) continue;
      const { shape, bounds } = this.#ready(edge.path);
      if (isVisible(bounds, viewport, this.#width, this.#height)) this.#visible.push({ edge, flow, shape });
    }
    const context = this.#begin(this.#layers.still);
    if (!context) return;
    for (const { flow, shape } of this.#visible) this.#drawBacklog(context, shape, flow);
    const hasWords = viewport.zoom >= LABEL_ZOOM_MIN;
    const scale = hasWords ? 1 : LABEL_ZOOM_MIN / viewport.zoom;
    for (const { edge, flow } of this.#visible) {
      const look = { colors: this.#colors, hasWords, scale };
      drawFillGauge(context, edge, flow, look);
      drawFaultChip(context, edge, flow, look);
    }
  }

  #drawMoving(stepMs: number): void {
    const context = this.#begin(this.#layers.moving);
    if (!context) return;
    context.lineWidth = 3;
    for (const { edge, flow, shape } of this.#visible) {
      const style = pulseStyle(flow.rate);
      if (!style) continue;
      const period = style.lengthPx + style.gapPx;
      const phase = ((this.#phases.get(edge.id) ?? 0) + (style.speedPx * stepMs) / 1_000) % (period * 1_000);
      this.#phases.set(edge.id, phase);
      context.setLineDash([style.lengthPx, style.gapPx]);
      context.lineDashOffset = -phase;
      context.strokeStyle = flow.deadLetters ? this.#colors.dead : this.#colors.pulse;
      context.stroke(shape);
    }
  }

  /** An empty layer, in the drawing's coordinates. */
  #begin(canvas: HTMLCanvasElement): CanvasRenderingContext2D | null {
    const context = canvas.getContext('2d');
    if (!context) return null;
    const { x, y, zoom } = this.#geometry.viewport();
    const ratio = canvas.width / this.#width;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.setTransform(ratio * zoom, 0, 0, ratio * zoom, ratio * x, ratio * y);
    context.lineCap = 'round';
    return context;
  }

  #drawBacklog(context: CanvasRenderingContext2D, shape: Path2D, flow: EdgeFlow): void {
    const width = backlogWidth(flow.fullness ?? 0);
    if (width > 0) {
      context.globalAlpha = 0.55;
      context.lineWidth = width;
      context.strokeStyle = fillColor(flow.fullness ?? 0, this.#colors);
      context.stroke(shape);
      context.globalAlpha = 1;
    }
    if (flow.fault === null) return;
    context.lineWidth = 4;
    context.setLineDash(FAULT_DASH);
    context.strokeStyle = this.#colors.fault;
    context.stroke(shape);
    context.setLineDash([]);
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
