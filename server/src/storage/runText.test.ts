import { expect, it } from 'vitest';
import { runFromText } from './runText.ts';

it('reads a run as version 0.1.0 kept it: without forks, and with fewer counters', () => {
  const summary = {
    id: 'run:1',
    flowId: 'flow:a',
    flowName: 'A',
    version: 1,
    engine: 'embedded',
    durability: 'fsync',
    seed: 1,
    status: 'completed',
    createdMs: 1,
    startedMs: 2,
    endedMs: 3,
    restarts: 0,
    error: null,
    counters: {
      'node:a': { in: 1, out: 2, failed: 0, retried: 0, deadLettered: 0, skipped: 0, rejected: 0 },
    },
  };
  const run = runFromText(JSON.stringify({ summary, metrics: null, notices: [] }));
  expect(run).toMatchObject({ nextVersion: null, summary: { id: 'run:1', forkedFrom: null } });
  expect(run.summary.counters['node:a']).toMatchObject({ in: 1, out: 2, deduplicated: 0, redriven: 0 });
});
