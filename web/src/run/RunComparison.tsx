import type { RunSummary } from '@millrace/shared/protocol/entities.ts';
import { type NodeCounters, zeroCounters } from '@millrace/shared/trace/metrics.ts';
import { exactNumber, formatDateTime, formatDurationMs } from '../live/format.ts';
import type { LiveRun } from '../live/liveRun.ts';
import classes from './RunList.module.css';
import { elapsedMs, statusView } from './runStatus.ts';

const COUNTERS: readonly { name: keyof NodeCounters; label: string }[] = [
  { name: 'in', label: 'in' },
  { name: 'out', label: 'out' },
  { name: 'failed', label: 'failed' },
  { name: 'deadLettered', label: 'dead' },
];

type Props = { runs: readonly [RunSummary, RunSummary]; live: LiveRun | null };

/** Two runs side by side, the older one left: what they were, and what each node counted (RN5). */
export function RunComparison({ runs, live }: Props) {
  const now = Date.now();
  const sides = [...runs].sort((a, b) => a.createdMs - b.createdMs);
  const facts: { label: string; of: (run: RunSummary) => string }[] = [
    { label: 'Version', of: (run) => `v${run.version}` },
    { label: 'Status', of: (run) => statusView(run, null).label },
    {
      label: 'Duration',
      of: (run) => {
        const elapsed = elapsedMs(run, now);
        return elapsed === null ? 'not started' : formatDurationMs(elapsed);
      },
    },
    { label: 'Restarts', of: (run) => exactNumber(run.restarts) },
    { label: 'Seed', of: (run) => String(run.seed) },
  ];
  const nodes = [...new Set(sides.flatMap(({ counters }) => Object.keys(counters)))]
    .map((id) => ({ id, name: live?.nodeName(id) ?? id }))
    .sort((a, b) => a.name.localeCompare(b.name, 'en'));
  return (
    <div className={classes.comparison} data-testid="run-comparison">
      <table>
        <caption className="mr-visually-hidden">Two runs side by side</caption>
        <thead>
          <tr>
            <th scope="col">
              <span className="mr-visually-hidden">What is compared</span>
            </th>
            {sides.map((run) => (
              <th key={run.id} scope="col">
                {formatDateTime(run.createdMs)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {facts.map(({ label, of }) => (
            <Row key={label} label={label} values={sides.map(of)} />
          ))}
          {nodes.flatMap(({ id, name }) => nodeRows(id, name, sides))}
        </tbody>
      </table>
    </div>
  );
}

/** Counters that are zero in both runs have nothing to say. */
function nodeRows(id: string, name: string, sides: readonly RunSummary[]) {
  return COUNTERS.filter(({ name: counter }) =>
    sides.some((run) => (run.counters[id]?.[counter] ?? 0) > 0),
  ).map(({ name: counter, label }) => (
    <Row
      key={`${id} ${counter}`}
      label={`${name}, ${label}`}
      values={sides.map((run) =>
        run.counters[id] ? exactNumber((run.counters[id] ?? zeroCounters())[counter]) : 'not there',
      )}
    />
  ));
}

function Row({ label, values }: { label: string; values: readonly string[] }) {
  const differs = values[0] !== values[1];
  return (
    <tr data-differs={differs || undefined}>
      <th scope="row">{label}</th>
      {values.map((value, index) => (
        <td key={index}>{value}</td>
      ))}
    </tr>
  );
}
