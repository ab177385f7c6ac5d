import { readFileSync } from 'node:fs';
import { zeroTraceFigures } from '@millrace/shared/trace/metrics.ts';
import { metricsSnapshot } from '@millrace/shared/trace/testing/metricsSnapshot.ts';
import { describe, expect, it } from 'vitest';
import type { RunFigures } from './runTelemetry.ts';
import { createTelemetry } from './telemetry.ts';

const sampling = {
  share: 0.125,
  tracesBegun: 8000,
  tracesOut: 6500,
  recordsOut: 39_000,
  promoted: 500,
  incomplete: 3,
  leftOut: 2,
};
const trace = { ...zeroTraceFigures(), kept: 9000, expired: 40, lost: 5, sampling };

function figures(over: Partial<RunFigures> = {}): RunFigures {
  return {
    runId: 'run:1',
    flowId: 'flow:a',
    nodes: [],
    metrics: { ...metricsSnapshot(), trace, deadLetters: { 'node:parked': { waiting: 7, sentBack: 4 } } },
    restarts: 1,
    ...over,
  };
}

const textOf = (...runs: RunFigures[]): Promise<string> =>
  createTelemetry({ runs: () => runs, sockets: () => 0 }).text();

describe('/metrics', () => {
  it('[TR2] [TR3] says the share of traces that is kept, and how many were left out', async () => {
    const text = await textOf(figures());
    const labels = '{run="run:1",flow="flow:a"}';
    for (const [name, value] of [
      ['trace_sampling_ratio', 0.125],
      ['traces_begun_total', 8000],
      ['traces_sampled_out_total', 6500],
      ['traces_promoted_total', 500],
      ['traces_incomplete_total', 3],
      ['traces_left_out_total', 2],
      ['trace_records_kept', 9000],
      ['trace_records_sampled_out_total', 39_000],
      ['trace_records_expired_total', 40],
      ['trace_records_lost_total', 5],
      ['run_restarts_total', 1],
    ] as const)
      expect(text).toContain(`\nmillrace_${name}${labels} ${value}\n`);
    expect(text).toContain(
      'millrace_dead_letters_waiting{run="run:1",flow="flow:a",topic="node:parked"} 7\n',
    );
  });

  it('says nothing of the traces of a run that has said nothing yet, and adds up nothing from one look to the next', async () => {
    const runs = [figures({ metrics: null })];
    const telemetry = createTelemetry({ runs: () => runs, sockets: () => 0 });
    expect(await telemetry.text()).not.toContain('millrace_trace_sampling_ratio{');
    runs[0] = figures();
    await telemetry.text();
    expect(await telemetry.text()).toContain('millrace_traces_begun_total{run="run:1",flow="flow:a"} 8000\n');
    runs.pop();
    expect(await telemetry.text()).not.toContain('run:1');
  });

  it('has every figure in the documentation, with its type', async () => {
    const documented = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8')
      .split('\n')
      .flatMap(
        (line) =>
          line
            .match(/^\| `(millrace_\w+)` \| (counter|gauge) \|/)
            ?.slice(1, 3)
            .join(' ') ?? [],
      );
    const exposed = [...(await textOf(figures())).matchAll(/^# TYPE (millrace_\w+ \w+)$/gm)].map(
      ([, named]) => named,
    );
    expect(exposed.length).toBeGreaterThan(20);
    expect(documented.sort()).toEqual(exposed.sort());
  });
});
