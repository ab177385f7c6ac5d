import type { EventOf } from '@millrace/shared/protocol/catalog.ts';
import type { Flows } from '../flows.ts';
import type { HandlersOf } from '../handlers.ts';
import type { Client } from '../ports.ts';

export type FlowRequestsOptions = {
  flows: Flows;
  /** Tells everybody else who has opened the flow. The sender learns the revision from the reply. */
  onPatched(client: Client, patched: EventOf<'flow.patched'>): void;
};

type Names =
  | 'flow.list'
  | 'flow.open'
  | 'flow.create'
  | 'flow.import'
  | 'flow.duplicate'
  | 'flow.delete'
  | 'flow.patch'
  | 'flow.version';

export function flowRequests({ flows, onPatched }: FlowRequestsOptions): HandlersOf<Names> {
  return {
    'flow.list': () => ({ flows: flows.list() }),
    'flow.open': ({ flowId }, client) => {
      const state = flows.open(flowId);
      client.openFlow(flowId);
      return state;
    },
    'flow.create': ({ name }, client) => opened(client, flows.create(name)),
    'flow.import': ({ document, keepId }, client) => opened(client, flows.import(document, { keepId })),
    'flow.duplicate': ({ flowId }, client) => opened(client, flows.duplicate(flowId)),
    'flow.delete': async ({ flowId }) => {
      await flows.delete(flowId);
      return {};
    },
    'flow.patch': ({ flowId, clientId, patchId, patch }, client) => {
      const revision = flows.patch(flowId, patch);
      onPatched(client, { flowId, revision, clientId, patchId, patch });
      return { revision };
    },
    'flow.version': ({ flowId, version }) => ({ document: flows.version(flowId, version) }),
  };
}

/** Who makes a flow goes on to edit it, and must hear what other tabs do to it. */
function opened<State extends { document: { id: string } }>(client: Client, state: State): State {
  client.openFlow(state.document.id);
  return state;
}
