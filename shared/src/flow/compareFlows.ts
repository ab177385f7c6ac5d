import type { FlowChange } from './changes.ts';
import { edgeChanges } from './comparison/edges.ts';
import { NOTHING_KNOWN, type RunKnowledge } from './comparison/knowledge.ts';
import { nodeChanges } from './comparison/nodes.ts';
import { schemaChanges, settingsChanges } from './comparison/settings.ts';
import type { FlowDocument } from './document.ts';
import { graphOf } from './graph.ts';

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
