import type { FlowDocument } from './document.ts';
import { edgeRole, graphOf } from './graph.ts';

/** A topic that Millrace adds for dead letters that nothing is drawn for is named, in id and name, after whose they are. */
const SUFFIX = '.dead-letters';

export function automaticDeadLetters({ id, name }: { id: string; name: string }): {
  topicId: string;
  name: string;
} {
  return { topicId: `${id}${SUFFIX}`, name: `${name}${SUFFIX}` };
}

/** Every topic that may hold dead letters of this flow: those drawn for them, and those that may have been added. */
export function deadLetterTopics(document: FlowDocument): { topicId: string; name: string }[] {
  const graph = graphOf(document);
  const drawn = new Set(
    document.edges.filter((edge) => edgeRole(graph, edge) === 'dead-letter').map(({ target }) => target),
  );
  return document.nodes.flatMap((node) => [
    ...(drawn.has(node.id) ? [{ topicId: node.id, name: node.name }] : []),
    automaticDeadLetters(node),
  ]);
}
