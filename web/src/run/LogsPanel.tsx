import { ActionIcon, Button, Select, TextInput, Tooltip } from '@mantine/core';
import type { LogLine } from '@millrace/shared/protocol/entities.ts';
import { useVirtualizer } from '@tanstack/react-virtual';
import { ArrowDownToLine, Pause, Play, Search, Waypoints } from 'lucide-react';
import { useEffect, useMemo, useRef, useState } from 'react';
import { exactNumber, formatClock, formatDateTime, plural } from '../live/format.ts';
import type { LiveRun } from '../live/liveRun.ts';
import { useSelection } from '../live/selection.ts';
import { ROWS_MS, useSignal } from '../live/useSignal.ts';
import { useLiveRun, useWatch } from '../live/watch.tsx';
import classes from './LogsPanel.module.css';
import { filterLines, LEVELS, type LogFilter } from './logFilter.ts';

const ROW_PX = 22;

/** The dock's tab of what handlers and log nodes wrote, newest at the end. */
export function LogsPanel() {
  const { live } = useLiveRun();
  if (!live) {
    return (
      <p className={classes.empty} data-testid="logs-empty">
        Press <b>Run</b>. Lines that handlers write with <code>ctx.log()</code>, and messages that reach a log
        node, appear here.
      </p>
    );
  }
  return <Logs live={live} key={live.runId} />;
}

function Logs({ live }: { live: LiveRun }) {
  const version = useSignal(live.logs.changed, ROWS_MS);
  const [filter, setFilter] = useState<LogFilter>({ level: 'debug', text: '', nodeId: null });
  /** Number behind the last line shown while paused; null follows. */
  const [until, setUntil] = useState<number | null>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const { logs } = live;

  // biome-ignore lint/correctness/useExhaustiveDependencies: the buffer is mutable; its version stands for it.
  const lines = useMemo(
    () => filterLines(logs.lines, until ?? logs.lines.next, filter, (nodeId) => live.nodeName(nodeId)),
    [logs, until, filter, version, live],
  );
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 16,
    getItemKey: (index) => lines[index]?.seq ?? index,
  });
  const following = until === null;
  const last = lines.length - 1;
  const newest = lines[last]?.seq;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a full buffer keeps its length while lines move on.
  useEffect(() => {
    if (following && last >= 0) virtual.scrollToIndex(last, { align: 'end' });
  }, [following, last, newest]);

  const held = until === null ? 0 : logs.lines.next - until;
  const pause = (): void => setUntil(logs.lines.next);

  return (
    <section className={classes.panel} aria-label="Logs" data-testid="logs-panel">
      <search className={classes.bar}>
        <TextInput
          className={classes.grow}
          leftSection={<Search size={13} aria-hidden />}
          placeholder="Text"
          aria-label="Only lines with this text"
          value={filter.text}
          onChange={(event) => setFilter({ ...filter, text: event.currentTarget.value })}
          data-testid="log-filter-text"
        />
        <Select
          className={classes.choice}
          aria-label="Level"
          allowDeselect={false}
          data={LEVELS.map((level) => ({
            value: level,
            label: level === 'debug' ? 'All levels' : `${level} and up`,
          }))}
          value={filter.level}
          onChange={(level) => setFilter({ ...filter, level: (level ?? 'debug') as LogFilter['level'] })}
          data-testid="log-filter-level"
        />
        <Select
          className={classes.choice}
          aria-label="Node"
          placeholder="Any node"
          clearable
          searchable
          data={(live.graph?.document.nodes ?? []).map((node) => ({ value: node.id, label: node.name }))}
          value={filter.nodeId}
          onChange={(nodeId) => setFilter({ ...filter, nodeId })}
        />
        {held > 0 ? (
          <Button
            variant="light"
            size="compact-xs"
            leftSection={<ArrowDownToLine size={12} aria-hidden />}
            onClick={() => setUntil(null)}
          >
            {exactNumber(held)} new
          </Button>
        ) : null}
        <Tooltip label={following ? 'Hold the lines still; nothing is lost' : 'Follow the newest lines'}>
          <ActionIcon
            variant="default"
            aria-label={following ? 'Pause the lines' : 'Follow the newest lines'}
            aria-pressed={following}
            onClick={() => (following ? pause() : setUntil(null))}
            data-testid="logs-follow"
          >
            {following ? <Pause size={14} aria-hidden /> : <Play size={14} aria-hidden />}
          </ActionIcon>
        </Tooltip>
      </search>
      <LeftOut live={live} />
      <div
        ref={scroller}
        className={classes.lines}
        role="log"
        aria-live="off"
        aria-label="Log lines"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard.
        tabIndex={0}
        onWheel={(event) => {
          if (following && event.deltaY < 0) pause();
        }}
        data-testid="log-lines"
        data-count={lines.length}
      >
        <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {virtual.getVirtualItems().map((item) => {
            const line = lines[item.index];
            return line ? (
              <div
                key={item.key}
                data-index={item.index}
                ref={virtual.measureElement}
                className={classes.place}
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <Line live={live} line={line} />
              </div>
            ) : null;
          })}
        </div>
        {lines.length === 0 ? (
          <p className={classes.empty}>
            {logs.lines.next === 0
              ? 'Nothing was logged yet. Write a line in a handler: ctx.log("info", "…"), or connect a topic to a log node.'
              : 'No line fits this filter.'}
          </p>
        ) : null}
      </div>
    </section>
  );
}

function Line({ live, line }: { live: LiveRun; line: LogLine }) {
  const { host } = useWatch();
  const selectTrace = useSelection((state) => state.selectTrace);
  const { correlationId } = line;
  return (
    <div className={classes.line} data-level={line.level} data-testid="log-line">
      <time title={formatDateTime(line.timeMs)}>{formatClock(line.timeMs)}</time>
      <span className={classes.level}>{line.level}</span>
      <button
        type="button"
        className={classes.node}
        onClick={() => host.showNode(line.nodeId)}
        title="Show on the canvas"
      >
        {live.nodeName(line.nodeId)}
      </button>
      <span className={classes.message}>{line.message}</span>
      {correlationId === null ? null : (
        <button
          type="button"
          className={classes.node}
          aria-label="Open the trace of this line"
          title="Open the trace of this line"
          onClick={() => {
            selectTrace(correlationId);
            host.openTab('traces');
          }}
        >
          <Waypoints size={12} aria-hidden />
        </button>
      )}
    </div>
  );
}

function LeftOut({ live }: { live: LiveRun }) {
  const { logs } = live;
  const parts: string[] = [];
  if (logs.droppedByServer > 0)
    parts.push(`${plural(logs.droppedByServer, 'line')} left out by the server because there were too many`);
  if (logs.forgotten > 0) parts.push(`${plural(logs.forgotten, 'older line')} no longer kept in this tab`);
  if (parts.length === 0) return null;
  return (
    <p className={classes.leftOut} role="status" data-testid="logs-left-out">
      {parts.join('; ')}.
    </p>
  );
}
