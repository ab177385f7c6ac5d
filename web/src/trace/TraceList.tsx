import type { TraceSummary } from '@millrace/shared/trace/record.ts';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, memo, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import {
  compactNumber,
  exactNumber,
  formatClock,
  formatDateTime,
  formatDurationMs,
  plural,
} from '../live/format.ts';
import { isActive, type LiveRun } from '../live/liveRun.ts';
import { useSelection } from '../live/selection.ts';
import type { RunReader } from '../live/watch.tsx';
import { FaultMark } from './eventMarks.tsx';
import { LeftOutNote } from './LeftOutNote.tsx';
import { messageName, messageOrigin } from './messageName.ts';
import { SamplingNote } from './SamplingNote.tsx';
import { classes } from './styles.ts';
import { TraceFilterBar } from './TraceFilterBar.tsx';
import { HISTORY_TRACES_MAX, isFiltered, STATUS_LABEL, type TraceFilter } from './traceList.ts';
import { NO_SEARCH, parseSearch, type TraceSearch } from './traceQuery.ts';
import { useTraceList } from './useTraceList.ts';

const ROW_PX = 26;
/** Older pages are asked for this many rows before the end is reached. */
const LOAD_AHEAD_ROWS = 20;
const NO_NODES: readonly { id: string; name: string }[] = [];

export function TraceList({ live, reader }: { live: LiveRun; reader: RunReader }) {
  const [search, setSearch] = useState<TraceSearch>(NO_SEARCH);
  const settledSearch = useSettled(search);
  const nodes = live.graph?.document.nodes ?? NO_NODES;
  const { filter: settledFilter, problem } = useMemo(
    () => parseSearch(settledSearch, nodes),
    [settledSearch, nodes],
  );
  const [following, setFollowing] = useState(true);
  const list = useTraceList(live, reader, settledFilter, following);
  const selected = useSelection((state) => state.traceId);
  const selectTrace = useSelection((state) => state.selectTrace);
  const scroller = useRef<HTMLDivElement>(null);
  const { rows } = list;

  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
    getItemKey: (index) => rows[index]?.correlationId ?? index,
  });
  const items = virtual.getVirtualItems();
  const lastShown = items.at(-1)?.index ?? 0;
  const { hasMore, loadMore } = list;
  const nearEnd = hasMore && rows.length > 0 && lastShown >= rows.length - LOAD_AHEAD_ROWS;
  const loadMoreLatest = useRef(loadMore);
  loadMoreLatest.current = loadMore;
  // biome-ignore lint/correctness/useExhaustiveDependencies: each longer list may again be near its end.
  useEffect(() => {
    if (nearEnd) loadMoreLatest.current();
  }, [nearEnd, rows.length]);

  const follow = useCallback((on: boolean): void => {
    setFollowing(on);
    if (on) scroller.current?.scrollTo({ top: 0 });
  }, []);

  const select = useCallback(
    (correlationId: string): void => {
      setFollowing(false);
      selectTrace(correlationId);
    },
    [selectTrace],
  );

  const onKeyDown = (event: KeyboardEvent): void => {
    const index = rows.findIndex((row) => row.correlationId === selected);
    const moves: Record<string, number> = {
      ArrowDown: index + 1,
      ArrowUp: Math.max(0, index - 1),
      Home: 0,
      End: rows.length - 1,
      PageDown: index + 10,
      PageUp: Math.max(0, index - 10),
    };
    const target = moves[event.key];
    if (event.key === 'Escape' && selected !== null) {
      event.stopPropagation();
      selectTrace(null);
    }
    if (target === undefined) return;
    event.preventDefault();
    const row = rows[Math.min(rows.length - 1, target)];
    if (!row) return;
    setFollowing(false);
    selectTrace(row.correlationId);
    virtual.scrollToIndex(rows.indexOf(row));
  };

  return (
    <section className={classes.list} aria-label="Traces">
      <TraceFilterBar
        live={live}
        search={search}
        onSearch={setSearch}
        problem={problem}
        following={following}
        onFollow={follow}
        newCount={list.newCount}
      />
      <SamplingNote live={live} begun={list.begun} sampledOut={list.sampledOut} />
      <LeftOutNote live={live} />
      <div className={classes.head} aria-hidden>
        <span>Started</span>
        <span>Event</span>
        <span>Key</span>
        <span>Status</span>
        <span className={classes.right}>Duration</span>
        <span className={classes.right}>Messages</span>
        <span className={classes.right}>Failures</span>
      </div>
      <div
        ref={scroller}
        className={classes.rows}
        role="listbox"
        aria-label="Traces, newest first"
        tabIndex={0}
        onKeyDown={onKeyDown}
        onScroll={(event) => {
          // Whoever scrolls down wants to read: rows stop moving, data keeps coming in.
          if (following && event.currentTarget.scrollTop > ROW_PX) setFollowing(false);
        }}
        data-testid="trace-rows"
        data-count={rows.length}
      >
        <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {items.map((item) => {
            const row = rows[item.index];
            return row ? (
              <TraceRow
                key={item.key}
                trace={row}
                rootName={live.nodeName(row.rootNodeId)}
                top={item.start}
                selected={row.correlationId === selected}
                onSelect={select}
              />
            ) : null;
          })}
        </div>
        <ListState list={list} filter={settledFilter} isOver={!isActive(live.status)} />
      </div>
      <footer className={classes.foot}>
        <span data-testid="trace-total">
          {isFiltered(settledFilter)
            ? `${plural(rows.length, 'trace')}${hasMore ? ' so far' : ''} that fit`
            : `${plural(Math.max(list.total, rows.length), 'trace')}`}
          {list.full
            ? `. Only the newest ${exactNumber(HISTORY_TRACES_MAX)} are listed: filter to reach older ones`
            : ''}
        </span>
        <a
          href={`/api/runs/${encodeURIComponent(live.runId)}/traces.jsonl`}
          download
          data-testid="traces-export"
        >
          Export all as JSONL
        </a>
      </footer>
    </section>
  );
}

type TraceRowProps = {
  trace: TraceSummary;
  rootName: string;
  top: number;
  selected: boolean;
  onSelect: (correlationId: string) => void;
};

const TraceRow = memo(function TraceRow({ trace, rootName, top, selected, onSelect }: TraceRowProps) {
  const duration = Math.max(0, trace.lastMs - trace.startedMs);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list box handles the keys for all its rows.
    <div
      role="option"
      aria-selected={selected}
      tabIndex={-1}
      className={classes.row}
      style={{ transform: `translateY(${top}px)`, height: ROW_PX }}
      data-testid="trace-row"
      data-trace-id={trace.correlationId}
      data-status={trace.status}
      data-faults={trace.faults || undefined}
      onClick={() => onSelect(trace.correlationId)}
    >
      <time title={formatDateTime(trace.startedMs)}>{formatClock(trace.startedMs)}</time>
      <span
        className={classes.event}
        title={`${messageOrigin(trace.rootType, rootName)}\n${trace.correlationId}`}
      >
        <span className={classes.tail}>
          <bdi>{messageName(trace.rootType, 'no message')}</bdi>
        </span>
        <span className={classes.origin}>{rootName}</span>
      </span>
      <span className={classes.cut} title={trace.key ?? 'no key'}>
        {trace.key ?? '–'}
      </span>
      <span className={classes.outcome}>
        <StatusMark status={trace.status} />
        <FaultMark count={trace.faults} />
      </span>
      <span className={classes.right}>{formatDurationMs(duration)}</span>
      <span className={classes.right} title={exactNumber(trace.messages)}>
        {compactNumber(trace.messages)}
      </span>
      <span className={classes.right} data-bad={trace.failures > 0 || undefined}>
        {compactNumber(trace.failures)}
      </span>
    </div>
  );
});

export function StatusMark({ status }: { status: TraceSummary['status'] }) {
  return (
    <span className={classes.status} data-status={status}>
      <span aria-hidden className={classes.statusMark} />
      {STATUS_LABEL[status]}
    </span>
  );
}

type ListStateProps = { list: ReturnType<typeof useTraceList>; filter: TraceFilter; isOver: boolean };

function ListState({ list, filter, isOver }: ListStateProps) {
  if (list.error) {
    return (
      <p className={classes.empty} role="alert">
        The traces could not be read: {list.error.message}{' '}
        <button type="button" className={classes.link} onClick={list.retry}>
          Try again
        </button>
      </p>
    );
  }
  if (list.loading) return <p className={classes.empty}>Reading traces…</p>;
  if (list.rows.length > 0) return null;
  return (
    <p className={classes.empty}>
      {isFiltered(filter)
        ? 'No trace fits this filter. Text finds a correlation id, a message id, a key, or part of an event type.'
        : isOver
          ? 'No trace: this run ended before a producer made a message.'
          : 'No trace yet. The first one appears as soon as a producer makes a message.'}
    </p>
  );
}

/** The filter once typing pauses, so that the server is not asked for each letter. */
function useSettled<Value>(value: Value): Value {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), 250);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
