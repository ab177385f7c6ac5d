import { ActionIcon, SegmentedControl, Tooltip } from '@mantine/core';
import type { TraceModel } from '@millrace/shared/trace/spans.ts';
import { X } from 'lucide-react';
import { useEffect, useMemo, useState } from 'react';
import { formatDateTime, formatDurationMs, plural, shortId } from '../live/format.ts';
import type { LiveRun } from '../live/liveRun.ts';
import { useSelection } from '../live/selection.ts';
import { type RunReader, useWatch } from '../live/watch.tsx';
import { CopyButton } from '../ui/CopyButton.tsx';
import { CausationTree } from './CausationTree.tsx';
import { messageName } from './messageName.ts';
import { SpanDetail } from './SpanDetail.tsx';
import { classes } from './styles.ts';
import { StatusMark } from './TraceList.tsx';
import { useTrace } from './useTrace.ts';
import { Waterfall } from './Waterfall.tsx';
import { durationMs, litPath } from './waterfall.ts';

type Props = { live: LiveRun; reader: RunReader; correlationId: string };
type View = 'waterfall' | 'tree';

/** One trace: what happened to a message and all it caused. While it is open its path is lit on the canvas. */
export function TraceDetail({ live, reader, correlationId }: Props) {
  const { host } = useWatch();
  const selectTrace = useSelection((state) => state.selectTrace);
  const { model, truncated, missing, loading, error } = useTrace(live, reader, correlationId);
  const [view, setView] = useState<View>('waterfall');
  const [spanId, setSpanId] = useState<string | null>(null);
  const graph = live.graph;

  const path = useMemo(() => (model && graph ? litPath(model, graph) : null), [model, graph]);
  useEffect(() => {
    if (path) host.light(path);
  }, [host, path]);
  useEffect(() => () => host.light(null), [host]);

  const close = (): void => selectTrace(null);
  const span = model?.spans.find((candidate) => candidate.id === spanId) ?? null;

  return (
    <section
      className={classes.detail}
      aria-label="Trace"
      data-testid="trace-detail"
      data-trace-id={correlationId}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        event.stopPropagation();
        if (spanId !== null) setSpanId(null);
        else close();
      }}
    >
      <header className={classes.detailHead}>
        <h3 className={classes.title} title={correlationId}>
          {model ? messageName(model.spans[0]?.messageType ?? '', 'no message') : shortId(correlationId)}
        </h3>
        {model ? <Facts model={model} /> : null}
        <span className={classes.id}>
          <code title={correlationId}>{shortId(correlationId)}</code>
          <CopyButton text={correlationId} label="Copy the correlation id" />
        </span>
        <span className={classes.grow} />
        <SegmentedControl
          size="xs"
          aria-label="View"
          data={[
            { value: 'waterfall', label: 'Waterfall' },
            { value: 'tree', label: 'Messages' },
          ]}
          value={view}
          onChange={(value) => setView(value as View)}
        />
        <Tooltip label="Close the trace (Esc)">
          <ActionIcon aria-label="Close the trace" onClick={close} data-testid="trace-close">
            <X size={15} aria-hidden />
          </ActionIcon>
        </Tooltip>
      </header>
      {truncated > 0 ? (
        <p className={classes.leftOut} role="status">
          This trace is longer than what can be shown: {plural(truncated, 'record')} left out.
        </p>
      ) : null}
      {missing > 0 ? (
        <p className={classes.leftOut} role="status" data-testid="trace-missing">
          This trace was sampled out until it failed or took long; {plural(missing, 'record')} of its
          beginning
          {missing === 1 ? ' was' : ' were'} gone by then.
        </p>
      ) : null}
      {loading ? <p className={classes.empty}>Reading the trace…</p> : null}
      {error ? (
        <p className={classes.empty} role="alert">
          The trace could not be read: {error.message}
        </p>
      ) : null}
      {!loading && !error && !model ? (
        <p className={classes.empty}>
          Nothing is stored of this trace. Traces of a long run make room for newer ones; its messages may
          still be in their topics.
        </p>
      ) : null}
      {model ? (
        <div className={classes.detailBody}>
          <div className={classes.detailMain}>
            {view === 'waterfall' ? (
              <Waterfall live={live} model={model} selectedId={spanId} onSelect={setSpanId} />
            ) : (
              <CausationTree live={live} model={model} selectedId={spanId} onSelect={setSpanId} />
            )}
          </div>
          {span ? (
            <SpanDetail live={live} reader={reader} model={model} span={span} onSelect={setSpanId} />
          ) : null}
        </div>
      ) : null}
    </section>
  );
}

function Facts({ model }: { model: TraceModel }) {
  return (
    <>
      <StatusMark status={model.status} />
      <span className={classes.dim} title={`Started ${formatDateTime(model.startMs)}`}>
        {formatDurationMs(durationMs(model))} · {plural(model.messages, 'message')}
        {model.failures > 0 ? ` · ${plural(model.failures, 'failure')}` : ''}
      </span>
    </>
  );
}
