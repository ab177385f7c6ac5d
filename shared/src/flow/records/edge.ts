import { z } from 'zod';
import { edgeIdSchema, nodeIdSchema } from '../ids.ts';

/** A connection. What it does (publish, subscribe, dead-letter) follows from the port it leaves. */
export const edgeSchema = z.strictObject({
  id: edgeIdSchema,
  source: nodeIdSchema,
  sourcePort: z.string().min(1).max(64),
  target: nodeIdSchema,
});
export type FlowEdge = z.infer<typeof edgeSchema>;
