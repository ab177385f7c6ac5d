import { runNoticeSchema, runSummarySchema } from '@millrace/shared/protocol/entities.ts';
import { metricsSnapshotSchema } from '@millrace/shared/trace/metrics.ts';
import { z } from 'zod';
import type { StoredRun } from './store.ts';

const storedRunSchema = z.object({
  summary: runSummarySchema,
  // A snapshot is only a picture: one that an older release drew differently is left out rather than refused.
  metrics: metricsSnapshotSchema.nullable().catch(null),
  notices: z.array(runNoticeSchema).catch([]),
});

export function runToText(run: StoredRun): string {
  return JSON.stringify(run);
}

export function runFromText(text: string): StoredRun {
  return storedRunSchema.parse(JSON.parse(text));
}
