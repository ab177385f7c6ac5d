import { z } from 'zod';

/**
 * What one version of a flow changes against another, and what that means for a run that goes on with it (RN4).
 * `blocking` changes cannot be taken by a running flow; `loses` names what is given up; `keeps` says what stays.
 */
export const flowChangeSchema = z.strictObject({
  kind: z.enum(['added', 'removed', 'changed']),
  record: z.enum(['node', 'edge', 'schema', 'settings']),
  id: z.string(),
  name: z.string(),
  /** Changed properties, as paths. */
  paths: z.array(z.string()),
  effect: z.enum(['keeps', 'starts', 'loses', 'blocking']),
  /** In a sentence. */
  consequence: z.string(),
});
export type FlowChange = z.infer<typeof flowChangeSchema>;
export type ChangeEffect = FlowChange['effect'];
