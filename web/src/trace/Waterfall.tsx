import type { Span, TraceModel } from '@millrace/shared/trace/spans.ts';
import { useVirtualizer } from '@tanstack/react-virtual';
import { ChevronDown, ChevronRight, RotateCw, Skull } from 'lucide-react';
import { type KeyboardEvent, useMemo, useRef, useState } from 'react';
import { formatDurationMs } from '../live/format.ts';
import type { LiveRun } from '../live/liveRun.ts';
import lists from '../ui/lists.module.css';
import { EventMarks } from './eventMarks.tsx';
import { classes } from './styles.ts';
import {
  durationMs,
  moveInTree,
  scaleTicks,
  spanDurationMs,
  type WaterfallRow,
  waterfallRows,
} from './waterfall.ts';

const ROW_PX = 26;
const TICKS_MAX = 5;
/** What is marked behind this share of the width is written on the left of its mark, or it would not fit. */
const LATE_TICK = 0.85;
/** Deeper steps are indented no further, so that names stay readable. */
const INDENT_STEPS_MAX = 12;

type Props = {
  live: LiveRun;
  model: TraceModel;
  selectedId: string | null;
  onSelect: (spanId: string | null) => void;
};

/** Spans in tree order against time. Arrow keys move, Left and Right close and open. */
export function Waterfall({ live, model, selectedId, onSelect }: Props) {
  const [collapsed, setCollapsed] = useState<ReadonlySet<string>>(new Set());
  const rows = useMemo(() => waterfallRows(model, collapsed), [model, collapsed]);
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 10,
  });
  const totalMs = durationMs(model);
  const ticks = scaleTicks(totalMs, TICKS_MAX);

  const toggle = (spanId: string): void => {
    const next = new Set(collapsed);
    if (!next.delete(spanId)) next.add(spanId);
    setCollapsed(next);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const move = moveInTree(rows, selectedId, event.key);
    if (!move) return;
    event.preventDefault();
    if (move.toggle !== undefined) toggle(move.toggle);
    if (move.select !== undefined) {
      onSelect(move.select);
      const index = rows.findIndex((row) => row.span.id === move.select);
      if (index >= 0) virtual.scrollToIndex(index);
    }
  };

  return (
    <div className={classes.waterfall}>
      <div className={classes.scale} aria-hidden>
        <span />
        <div className={classes.scaleTicks}>
          {ticks.map((tick) => (
            <span
              key={tick}
              style={{ left: `${totalMs === 0 ? 0 : (tick / totalMs) * 100}%` }}
              data-late={tick > totalMs * LATE_TICK}
            >
              {formatDurationMs(tick)}
            </span>
          ))}
        </div>
      </div>
      <div
        ref={scroller}
        className={classes.rows}
        role="tree"
        aria-label="Steps of the trace"
        tabIndex={0}
        onKeyDown={onKeyDown}
        data-testid="waterfall"
      >
        <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {virtual.getVirtualItems().map((item) => {
            const row = rows[item.index];
            return row ? (
              <SpanRow
                key={row.span.id}
                row={row}
                nodeName={live.nodeName(row.span.nodeId)}
                top={item.start}
                selected={row.span.id === selectedId}
                onSelect={() => onSelect(row.span.id)}
                onToggle={() => toggle(row.span.id)}
              />
            ) : null;
          })}
        </div>
      </div>
    </div>
  );
}

type SpanRowProps = {
  row: WaterfallRow;
  nodeName: string;
  top: number;
  selected: boolean;
  onSelect: () => void;
  onToggle: () => void;
};

function SpanRow({ row, nodeName, top, selected, onSelect, onToggle }: SpanRowProps) {
  const { span } = row;
  const retried = span.events.some((event) => event.kind === 'retry-scheduled');
  const Chevron = row.collapsed ? ChevronRight : ChevronDown;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree handles the keys for all its rows.
    <div
      role="treeitem"
      aria-level={span.depth + 1}
      aria-selected={selected}
      {...(row.hasChildren ? { 'aria-expanded': !row.collapsed } : {})}
      tabIndex={-1}
      className={`${lists.row} ${classes.spanRow}`}
      style={{ transform: `translateY(${top}px)`, height: ROW_PX }}
      data-testid="span-row"
      data-span-status={span.status}
      data-node-id={span.nodeId}
      data-operation={span.operation}
      onClick={onSelect}
    >
      <span
        className={classes.spanName}
        style={{ paddingLeft: 4 + Math.min(INDENT_STEPS_MAX, span.depth) * 12 }}
      >
        {row.hasChildren ? (
          <button
            type="button"
            tabIndex={-1}
            className={classes.chevron}
            aria-label={row.collapsed ? 'Open' : 'Close'}
            onClick={(event) => {
              event.stopPropagation();
              onToggle();
            }}
          >
            <Chevron size={12} aria-hidden />
          </button>
        ) : (
          <span className={classes.chevron} />
        )}
        <span className={classes.cut} title={`${nodeName}: ${span.name}`}>
          <b>{nodeName}</b> <span className={classes.dim}>{stepLabel(span)}</span>
        </span>
      </span>
      <span className={classes.track}>
        <span
          className={classes.spanBar}
          data-tone={row.tone}
          style={{ left: `min(${row.left * 100}%, 100% - 3px)`, width: `max(3px, ${row.width * 100}%)` }}
        />
        <span
          className={classes.spanTime}
          style={
            row.left + row.width > 0.72
              ? { right: `${(1 - row.left) * 100}%`, maxWidth: `${row.left * 100}%` }
              : { left: `${(row.left + row.width) * 100}%`, maxWidth: `${(1 - row.left - row.width) * 100}%` }
          }
        >
          <span className={classes.cut} title={endLabel(span)}>
            {endLabel(span)}
          </span>
          {retried ? <RotateCw size={11} aria-label="will be retried" /> : null}
          <EventMarks events={span.events} />
          {span.deadLettered ? <Skull size={11} aria-label="dead-lettered" /> : null}
        </span>
      </span>
    </div>
  );
}

function stepLabel(span: Span): string {
  if (span.topic === null) return 'reached no topic';
  const topic = span.name.slice(span.operation.length + 1);
  if (span.operation === 'send') return span.deadLettered ? `gave up, sent to ${topic}` : `sent to ${topic}`;
  return span.attempt > 1 ? `attempt ${span.attempt}` : `read from ${topic}`;
}

function endLabel(span: Span): string {
  const duration = spanDurationMs(span);
  const time = duration === null ? 'running' : formatDurationMs(duration);
  if (span.status === 'ok' || span.status === 'running') return time;
  return `${time} · ${span.errorMessage ?? span.status}`;
}
