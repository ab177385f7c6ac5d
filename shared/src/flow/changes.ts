import { z } from 'zod';
import { edgeChanges } from './comparison/edges.ts';
import { NOTHING_KNOWN, type RunKnowledge } from './comparison/knowledge.ts';
import { nodeChanges } from './comparison/nodes.ts';
import { schemaChanges, settingsChanges } from './comparison/settings.ts';
import type { FlowDocument } from './document.ts';
import { graphOf } from './graph.ts';

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

/**
 * Rule RN4: what a run of `running` would make of going on with `draft`. Where things stand on the canvas and what is
 * said about them in descriptions does not count. `known` lends the sentences their numbers.
 */
export function compareFlows(
  running: FlowDocument,
  draft: FlowDocument,
  known: RunKnowledge = NOTHING_KNOWN,
): FlowChange[] {
  const before = graphOf(running);
  const after = graphOf(draft);
  return [
    ...settingsChanges(running, draft),
    ...nodeChanges(before, after, known),
    ...edgeChanges(before, after, known),
    ...schemaChanges(running, draft),
  ];
}
