import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatClock } from '../live/format.ts';
import classes from './MetricsPanel.module.css';

export type ChartSeries = { label: string; color: string; dash?: number[] };
export type ChartData = { times: number[]; values: (number | null)[][] };

type Props = {
  title: string;
  series: readonly ChartSeries[];
  /** Reads the newest data; called once for each version. */
  read: () => ChartData;
  version: number;
  format: (value: number) => string;
  /** There is nothing between two whole numbers. */
  isWhole?: boolean;
  /** Charts with the same scheme are drawn anew when it changes, because the canvas has no tokens. */
  scheme: string;
};

const HEIGHT_MIN = 90;
/** Steps of an axis of whole numbers, up to far more than anything is counted here. */
const WHOLE_STEPS = Array.from({ length: 12 }, (_, power) =>
  [1, 2, 5].map((step) => step * 10 ** power),
).flat();

/** A line chart over time. Data go straight from the typed columns to the canvas. */
export function Chart({ title, series, read, version, format, isWhole = false, scheme }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const readLatest = useRef(read);
  readLatest.current = read;

  // biome-ignore lint/correctness/useExhaustiveDependencies: colours are read from the page, which changes with the scheme.
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const { times, values } = readLatest.current();
    const made = new uPlot(optionsOf(element, series, format, isWhole), [times, ...values], element);
    plot.current = made;
    const sizes = new ResizeObserver(() => made.setSize(sizeOf(element)));
    sizes.observe(element);
    return () => {
      sizes.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [series, format, isWhole, scheme]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the version says that there is something new to read.
  useEffect(() => {
    const { times, values } = readLatest.current();
    plot.current?.setData([times, ...values]);
  }, [version, series]);

  return (
    <figure className={classes.chart}>
      <figcaption>{title}</figcaption>
      <div
        ref={box}
        className={classes.plot}
        role="img"
        aria-label={`${title} over the last ten minutes. Exact totals are in the table.`}
      />
    </figure>
  );
}

function sizeOf(element: HTMLElement): { width: number; height: number } {
  return { width: Math.max(120, element.clientWidth), height: Math.max(HEIGHT_MIN, element.clientHeight) };
}

function optionsOf(
  element: HTMLElement,
  series: readonly ChartSeries[],
  format: (value: number) => string,
  isWhole: boolean,
): uPlot.Options {
  const style = getComputedStyle(element);
  const text = style.getPropertyValue('--mr-text-soft').trim();
  const grid = style.getPropertyValue('--mr-line').trim();
  const axis: uPlot.Axis = {
    stroke: text,
    font: "11px 'Inter Variable', sans-serif",
    grid: { stroke: grid, width: 1 },
    ticks: { stroke: grid, width: 1, size: 4 },
  };
  return {
    ...sizeOf(element),
    padding: [8, 12, 0, 0],
    cursor: { y: false, points: { size: 6 } },
    legend: { show: false },
    scales: { x: { time: true }, y: { range: (_, __, most) => [0, Math.max(1, most * 1.1)] } },
    axes: [
      { ...axis, size: 24, values: (_, ticks) => ticks.map((tick) => formatClock(tick * 1_000).slice(0, 8)) },
      {
        ...axis,
        size: 52,
        values: (_, ticks) => ticks.map(format),
        ...(isWhole ? { incrs: WHOLE_STEPS } : {}),
      },
    ],
    series: [
      {},
      ...series.map(({ label, color, dash }) => ({
        label,
        stroke: color,
        width: 1.5,
        points: { show: false },
        ...(dash ? { dash } : {}),
      })),
    ],
  };
}
