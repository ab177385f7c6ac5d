import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { FlowDocument, FlowEdge, FlowNode } from '@millrace/shared/flow/document.ts';
import type { RunSummary } from '@millrace/shared/protocol/entities.ts';
import type { ServerClient } from './serverClient.ts';

/** What a person calls the parts of a run: by name or id, an edge by its two ends. */
export type RunNames = {
  node(wanted: string): FlowNode;
  /** `Orders->Charge`, or its id. */
  edge(wanted: string): FlowEdge;
  nameOf(id: string): string;
};

/** The names in the version of the flow that the run executes. */
export async function namesOf(client: ServerClient, { flowId, version }: RunSummary): Promise<RunNames> {
  const { document } = await client.ask('flow.version', { flowId, version });
  return namesIn(document);
}

function namesIn({ nodes, edges }: FlowDocument): RunNames {
  const node = (wanted: string): FlowNode => {
    const found = nodes.find(({ id }) => id === wanted) ?? nodes.find(({ name }) => name === wanted);
    if (found) return found;
    throw notThere(`There is no node ${wanted} in this run`, nodes.map(({ name }) => name).join(', '));
  };
  const nameOf = (id: string): string => {
    const edge = edges.find((candidate) => candidate.id === id);
    if (edge) return `${nameOf(edge.source)}->${nameOf(edge.target)}`;
    return nodes.find((candidate) => candidate.id === id)?.name ?? id;
  };
  const edge = (wanted: string): FlowEdge => {
    const [from = '', to = ''] = wanted.split('->').map((end) => end.trim());
    const found =
      edges.find(({ id }) => id === wanted) ??
      edges.find(({ source, target }) => nameOf(source) === from && nameOf(target) === to);
    if (found) return found;
    throw notThere(`There is no edge ${wanted} in this run`, edges.map(({ id }) => nameOf(id)).join(', '));
  };
  return { node, edge, nameOf };
}

function notThere(what: string, known: string): WorkbenchError {
  return new WorkbenchError('REQUEST_INVALID', `${what}; there are: ${known}.`);
}
