import { useComputedColorScheme } from '@mantine/core';
import type { FlowGraph } from '@millrace/shared/flow/graph.ts';
import { useMemo, useState } from 'react';
import { compactNumber, formatRate } from '../live/format.ts';
import type { LiveRun } from '../live/liveRun.ts';
import { FIGURES_MS, useSignal } from '../live/useSignal.ts';
import { useLiveRun } from '../live/watch.tsx';
import lists from '../ui/lists.module.css';
import { Chart } from './Chart.tsx';
import {
  CHART_COLORS,
  CHARTED_NODES_MAX,
  initialSelection,
  subscriptionsOf,
  throughputCounter,
} from './chartSeries.ts';
import classes from './MetricsPanel.module.css';
import { TotalsTable } from './TotalsTable.tsx';

/** The dock's tab of charts over the last ten minutes and exact totals. */
export function MetricsPanel() {
  const { live, graph } = useLiveRun();
  if (!live) {
    return (
      <p className={lists.empty} data-testid="metrics-empty">
        Press <b>Run</b> to see rates, lag and failures of each node as they change, with exact totals.
      </p>
    );
  }
  if (!graph) return <p className={lists.empty}>Reading the flow that runs…</p>;
  return <Metrics live={live} graph={graph} key={live.runId} />;
}

function Metrics({ live, graph }: { live: LiveRun; graph: FlowGraph }) {
  useSignal(live.metrics.changed, FIGURES_MS);
  const scheme = useComputedColorScheme('light');
  const [selected, setSelected] = useState<readonly string[]>(() => initialSelection(graph));
  const { metrics } = live;
  const version = metrics.samplesTaken;

  const colorOf = useMemo(() => {
    const colors = CHART_COLORS[scheme];
    return (nodeId: string): string =>
      colors[Math.max(0, selected.indexOf(nodeId)) % colors.length] ?? colors[0];
  }, [scheme, selected]);
  const rates = useMemo(
    () => selected.map((id) => ({ label: live.nodeName(id), color: colorOf(id) })),
    [selected, live, colorOf],
  );
  const subscriptions = useMemo(() => subscriptionsOf(graph, new Set(selected)), [graph, selected]);
  const lags = useMemo(
    () =>
      subscriptions.map(({ source, target }) => ({
        label: `${live.nodeName(source)} → ${live.nodeName(target)}`,
        color: colorOf(target),
      })),
    [subscriptions, live, colorOf],
  );

  const toggle = (nodeId: string): void => {
    if (selected.includes(nodeId)) setSelected(selected.filter((other) => other !== nodeId));
    else if (selected.length < CHARTED_NODES_MAX) setSelected([...selected, nodeId]);
  };

  return (
    <section className={classes.panel} aria-label="Metrics" data-testid="metrics-panel">
      <TotalsTable live={live} graph={graph} selected={selected} colorOf={colorOf} onToggle={toggle} />
      {metrics.sampleCount < 2 ? (
        <p className={lists.empty}>
          Charts cover what this tab has seen of the run.{' '}
          {metrics.latest ? 'They begin in a moment.' : 'The totals beside are exact.'}
        </p>
      ) : (
        <div className={classes.charts}>
          <Chart
            title="Messages per second"
            series={rates}
            version={version}
            scheme={scheme}
            format={formatRate}
            read={() => ({
              times: metrics.times(),
              values: selected.map((id) => metrics.rateSeries(id, throughputCounter(graph, id))),
            })}
          />
          <Chart
            title="Lag of each subscription"
            series={lags}
            version={version}
            scheme={scheme}
            format={compactNumber}
            isWhole
            read={() => ({
              times: metrics.times(),
              values: subscriptions.map(({ edgeId }) => metrics.lagSeries(edgeId)),
            })}
          />
          <Chart
            title="Failed attempts per second"
            series={rates}
            version={version}
            scheme={scheme}
            format={formatRate}
            read={() => ({
              times: metrics.times(),
              values: selected.map((id) => metrics.rateSeries(id, 'failed')),
            })}
          />
        </div>
      )}
    </section>
  );
}
