import { Checkbox } from '@mantine/core';
import type { FlowGraph } from '@millrace/shared/flow/graph.ts';
import { type NodeCounters, zeroCounters } from '@millrace/shared/trace/metrics.ts';
import { inDrawingOrder } from '../live/drawingOrder.ts';
import { exactNumber, formatRate } from '../live/format.ts';
import type { LiveRun } from '../live/liveRun.ts';
import { useWatch } from '../live/watch.tsx';
import { CHARTED_NODES_MAX, throughputCounter } from './chartSeries.ts';
import classes from './MetricsPanel.module.css';

/** A rare column is shown once it has something to say. */
const COLUMNS: readonly { name: keyof NodeCounters; label: string; rare?: true }[] = [
  { name: 'in', label: 'In' },
  { name: 'out', label: 'Out' },
  { name: 'failed', label: 'Failed' },
  { name: 'retried', label: 'Retried', rare: true },
  { name: 'deadLettered', label: 'Dead', rare: true },
  { name: 'skipped', label: 'Skipped', rare: true },
  { name: 'rejected', label: 'Rejected', rare: true },
  { name: 'deduplicated', label: 'Duplicates', rare: true },
  { name: 'dropped', label: 'Dropped', rare: true },
  { name: 'expired', label: 'Expired', rare: true },
  { name: 'flagged', label: 'Flagged', rare: true },
  { name: 'redriven', label: 'Redriven', rare: true },
];

type Props = {
  live: LiveRun;
  graph: FlowGraph;
  selected: readonly string[];
  colorOf: (nodeId: string) => string;
  onToggle: (nodeId: string) => void;
};

/** Exact counters of every node (TR2); the boxes choose what the charts show. */
export function TotalsTable({ live, graph, selected, colorOf, onToggle }: Props) {
  const { host } = useWatch();
  const counters = live.metrics.latest?.nodes ?? live.summary?.counters ?? {};
  const nodes = inDrawingOrder(graph.document);
  const columns = COLUMNS.filter(
    ({ name, rare }) => !rare || nodes.some((node) => (counters[node.id]?.[name] ?? 0) > 0),
  );
  const full = selected.length >= CHARTED_NODES_MAX;
  return (
    <div className={classes.totals}>
      <table data-testid="totals-table">
        <thead>
          <tr>
            <th scope="col">Node</th>
            <th scope="col">Rate</th>
            {columns.map((column) => (
              <th scope="col" key={column.name}>
                {column.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {nodes.map((node) => {
            const own = counters[node.id] ?? zeroCounters();
            const shown = selected.includes(node.id);
            return (
              <tr key={node.id} data-node-id={node.id}>
                <th scope="row">
                  <Checkbox
                    size="xs"
                    color={shown ? colorOf(node.id) : undefined}
                    checked={shown}
                    disabled={!shown && full}
                    title={
                      !shown && full ? `${CHARTED_NODES_MAX} nodes at most fit into one chart` : undefined
                    }
                    aria-label={`Chart ${node.name}`}
                    onChange={() => onToggle(node.id)}
                  />
                  <button type="button" className={classes.nodeName} onClick={() => host.showNode(node.id)}>
                    {node.name}
                  </button>
                </th>
                <td>{formatRate(live.metrics.rate(node.id, throughputCounter(graph, node.id)))}</td>
                {columns.map(({ name }) => (
                  <td
                    key={name}
                    data-counter={name}
                    data-value={own[name]}
                    data-zero={own[name] === 0 || undefined}
                  >
                    {exactNumber(own[name])}
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
