import { runNoticeSchema, runSummarySchema } from '@millrace/shared/protocol/entities.ts';
import { metricsSnapshotSchema, zeroCounters } from '@millrace/shared/trace/metrics.ts';
import { z } from 'zod';
import type { StoredRun } from './store.ts';

/** A summary as an older release wrote it gets what it did not know: forks, and counters that came later. */
const summarySchema = z.preprocess((value) => {
  const { counters, ...summary } = value as { counters: Record<string, object> };
  const nodes = Object.entries(counters).map(([node, counted]) => [node, { ...zeroCounters(), ...counted }]);
  return { forkedFrom: null, ...summary, counters: Object.fromEntries(nodes) };
}, runSummarySchema);

const storedRunSchema = z.object({
  summary: summarySchema,
  // A snapshot is only a picture: one that an older release drew differently is left out rather than refused.
  metrics: metricsSnapshotSchema.nullable().catch(null),
  notices: z.array(runNoticeSchema).catch([]),
  nextVersion: z.int().nullable().default(null),
});

export function runToText(run: StoredRun): string {
  return JSON.stringify(run);
}

export function runFromText(text: string): StoredRun {
  return storedRunSchema.parse(JSON.parse(text));
}
