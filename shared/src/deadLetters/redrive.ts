import { z } from 'zod';

/** Which dead letters of a topic: all that match every part that is given. */
export const redriveSelectionSchema = z.strictObject({
  /** As `causeOf` names it. */
  cause: z.string().max(2048).optional(),
  /** The consumer that gave up on them. */
  nodeId: z.string().max(128).optional(),
  errorCode: z.string().max(64).optional(),
  key: z.string().max(1024).optional(),
  /** Exactly these. */
  places: z
    .array(z.strictObject({ partition: z.int().min(0), offset: z.int().min(0) }))
    .max(10_000)
    .optional(),
});
export type RedriveSelection = z.infer<typeof redriveSelectionSchema>;

export const REDRIVE_STATUSES = ['running', 'cancelled', 'done'] as const;

/** What a redrive has done so far, or, of a dry run, would do. The parts add up to `looked`. */
export const redriveCountsSchema = z.strictObject({
  /** Dead letters read. */
  looked: z.int().min(0),
  /** Sent back to the topic they came from. */
  redriven: z.int().min(0),
  /** Not selected. */
  passed: z.int().min(0),
  /** Sent back before; their second copy would be a duplicate. */
  already: z.int().min(0),
  /** Stopped by the loop guard: they have been sent back `REDRIVES_MAX` times. */
  guarded: z.int().min(0),
  /** Their topic or their consumer is not in the flow any more. */
  homeless: z.int().min(0),
});
export type RedriveCounts = z.infer<typeof redriveCountsSchema>;

export const redriveProgressSchema = z.strictObject({
  id: z.string(),
  topicId: z.string(),
  status: z.enum(REDRIVE_STATUSES),
  startedMs: z.number(),
  counts: redriveCountsSchema,
  /** Dead letters that were there when it began. */
  total: z.int().min(0),
});
export type RedriveProgress = z.infer<typeof redriveProgressSchema>;

/** Rule DL5: the loop guard stops the third round trip. */
export const REDRIVES_MAX = 2;

export function zeroRedriveCounts(): RedriveCounts {
  return { looked: 0, redriven: 0, passed: 0, already: 0, guarded: 0, homeless: 0 };
}
