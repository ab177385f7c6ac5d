import { z } from 'zod';
import { edgeIdSchema, nodeIdSchema } from '../ids.ts';

/** A connection. What it does (publish, subscribe, dead-letter) follows from the port it leaves. */
export const edgeSchema = z.strictObject({
  id: edgeIdSchema,
  source: nodeIdSchema,
  sourcePort: z.string().min(1).max(64),
  target: nodeIdSchema,
  /** Rule TP6, for an edge that leaves a topic: how far its reader may fall behind. Missing: as the flow's settings say. */
  backlog: z
    .strictObject({
      messages: z.int().min(1).max(10_000_000).meta({ title: 'Messages', unit: 'messages' }),
      bytes: z.int().min(1024).max(68_719_476_736).meta({ title: 'Bytes', unit: 'bytes' }),
    })
    .optional()
    .meta({ title: 'Backlog limit' }),
});
export type FlowEdge = z.infer<typeof edgeSchema>;
