import { exactNumber } from '../live/format.ts';
import type { LiveRun } from '../live/liveRun.ts';
import { FIGURES_MS, useSignal } from '../live/useSignal.ts';
import { classes } from './styles.ts';
import { partitionLines } from './topics.ts';

type Props = { live: LiveRun; topicId: string; partitions: readonly { start: number; end: number }[] };

/** Offsets of each partition and how far each group is behind. */
export function PartitionTable({ live, topicId, partitions }: Props) {
  useSignal(live.metrics.changed, FIGURES_MS);
  const lines = partitionLines(topicId, partitions, live.graph, live.metrics.latest);
  const groups = lines[0]?.groups ?? [];
  return (
    <div className={classes.partitions}>
      <table data-testid="partition-table">
        <thead>
          <tr>
            <th scope="col">Partition</th>
            <th scope="col">First</th>
            <th scope="col">Next offset</th>
            <th scope="col">Messages</th>
            {groups.map((group) => (
              <th scope="col" key={group.edgeId}>
                {live.nodeName(group.nodeId)} lag
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {lines.map((line) => (
            <tr key={line.partition}>
              <th scope="row">{line.partition}</th>
              <td>{exactNumber(line.start)}</td>
              <td>{exactNumber(line.end)}</td>
              <td>{exactNumber(line.end - line.start)}</td>
              {line.groups.map((group) => (
                <td key={group.edgeId} title={`committed ${exactNumber(group.committed)}`}>
                  {exactNumber(group.lag)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
