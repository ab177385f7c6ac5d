import { fillTone } from './backlog.ts';
import type { EdgeShape } from './canvasGeometry.ts';
import { type EdgeFlow, fillLabel } from './edgeFlow.ts';
import { BOLT } from './glyphs.ts';

export type EdgeColors = {
  pulse: string;
  dead: string;
  calm: string;
  filling: string;
  full: string;
  fault: string;
  faultBack: string;
  line: string;
  label: string;
  labelBack: string;
};

const FONT = "600 10.5px 'Inter Variable', system-ui, sans-serif";
const CHIP_HEIGHT = 16;
/** With little in it, an edge shows how full it is without words. */
const GAUGE = { width: 26, height: 6 };
/** Of its own height and a little more, above the middle of the edge, where the gauge is. */
const FAULT_LIFT = 20;

export function fillColor(fullness: number, colors: EdgeColors): string {
  return colors[fillTone(fullness)];
}

/** From afar chips keep their size on the screen, and say what they say by shape and colour. */
export type ChipLook = { colors: EdgeColors; hasWords: boolean; scale: number };

/** How full a reader's edge is, always: an empty gauge says that there is a limit and that nothing waits. */
export function drawFillGauge(
  context: CanvasRenderingContext2D,
  edge: EdgeShape,
  flow: EdgeFlow,
  { colors, hasWords, scale }: ChipLook,
): void {
  if (flow.fullness === null) return;
  const text = hasWords ? fillLabel(flow) : null;
  context.font = FONT;
  const width = text === null ? GAUGE.width * scale : context.measureText(text).width + 14;
  const height = text === null ? GAUGE.height * scale : CHIP_HEIGHT;
  const left = edge.labelX - width / 2;
  const top = edge.labelY - height / 2;
  const tone = fillTone(flow.fullness);
  const outline = (): void => {
    context.beginPath();
    context.roundRect(left, top, width, height, height / 2);
  };
  outline();
  context.fillStyle = colors.labelBack;
  context.fill();
  context.save();
  context.clip();
  context.globalAlpha = text === null ? 1 : 0.32;
  // What is there at all is seen, however large the limit.
  const filled = flow.fullness === 0 ? 0 : Math.max(2, width * flow.fullness);
  context.fillStyle = tone === 'calm' ? colors.pulse : colors[tone];
  context.fillRect(left, top, filled, height);
  context.restore();
  outline();
  context.strokeStyle = tone === 'calm' ? colors.line : colors[tone];
  context.lineWidth = (tone === 'full' ? 2 : 1) * scale;
  context.stroke();
  if (text === null) return;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillStyle = colors.label;
  context.fillText(text, edge.labelX, edge.labelY + 0.5);
}

/** What is broken on purpose here: a cornered chip with a bolt, beside round ones. */
export function drawFaultChip(
  context: CanvasRenderingContext2D,
  edge: EdgeShape,
  flow: EdgeFlow,
  { colors, hasWords, scale }: ChipLook,
): void {
  if (flow.fault === null) return;
  context.save();
  context.translate(edge.labelX, edge.labelY - FAULT_LIFT * scale);
  context.scale(scale, scale);
  context.font = FONT;
  const width = hasWords ? context.measureText(flow.fault).width + 24 : CHIP_HEIGHT + 4;
  const left = -width / 2;
  context.beginPath();
  context.roundRect(left, -CHIP_HEIGHT / 2, width, CHIP_HEIGHT, 2);
  context.fillStyle = colors.faultBack;
  context.fill();
  context.strokeStyle = colors.fault;
  context.lineWidth = 1.5;
  context.stroke();
  context.fillStyle = colors.fault;
  if (hasWords) {
    context.textAlign = 'left';
    context.textBaseline = 'middle';
    context.fillText(flow.fault, left + 18, 0.5);
  }
  context.translate(left + 4, -6);
  context.scale(0.5, 0.5);
  context.fill(new Path2D(BOLT));
  context.restore();
}
