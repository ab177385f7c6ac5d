import { randomUUID } from 'node:crypto';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { emptyDocument, type FlowDocument } from '@millrace/shared/flow/document.ts';
import { newId } from '@millrace/shared/flow/ids.ts';
import { familyOf } from '@millrace/shared/flow/records/registry.ts';
import { applyPatch, type FlowPatch } from '@millrace/shared/flow/records.ts';
import type { ResponseOf } from '@millrace/shared/protocol/catalog.ts';
import type { FlowSummary } from '@millrace/shared/protocol/entities.ts';
import { createRandom } from '@millrace/shared/util/random.ts';
import type { Store, StoredFlow } from '../storage/store.ts';
import { readFlowInput } from './flowInput.ts';

export type FlowState = ResponseOf<'flow.open'>;

export type FlowsOptions = {
  store: Store;
  nowMs(): number;
  activeRunOf(flowId: string): string | null;
  /** Frees what the runs of a flow hold outside the store (folders, open files). */
  discardRunsOf(flowId: string): Promise<void>;
  onListChanged(): void;
  onDeleted(flowId: string): void;
};

/** What people do with drafts and versions. Errors are those a page shows. */
export type Flows = {
  list(): FlowSummary[];
  open(flowId: string): FlowState;
  create(name: string): FlowState;
  /** A document or its text, of any released version. A damaged one changes nothing and the error names the place. */
  import(input: unknown, options: { keepId: boolean }): FlowState;
  duplicate(flowId: string): FlowState;
  delete(flowId: string): Promise<void>;
  /** The last writer of a record wins. Returns the new revision. */
  patch(flowId: string, patch: FlowPatch): number;
  version(flowId: string, version: number): FlowDocument;
};

export function createFlows(options: FlowsOptions): Flows {
  const { store, nowMs } = options;
  const random = createRandom(randomUUID());

  const flowOrThrow = (flowId: string): StoredFlow => {
    const flow = store.flow(flowId);
    if (flow === null) throw flowNotFound();
    return flow;
  };
  const stateOf = ({ document, revision, version }: StoredFlow): FlowState => ({
    document,
    revision,
    version,
    activeRunId: options.activeRunOf(document.id),
  });
  const insert = (document: FlowDocument): FlowState => {
    const state = stateOf(store.insertFlow(document, nowMs()));
    options.onListChanged();
    return state;
  };

  return {
    list: () => store.listFlows().map((flow) => summaryOf(flow, options.activeRunOf(flow.document.id))),
    open: (flowId) => stateOf(flowOrThrow(flowId)),
    create: (name) => insert(emptyDocument(newId('flow', random), name)),
    import: (input, { keepId }) => {
      const document = readFlowInput(input);
      const isTaken = store.flow(document.id) !== null;
      return insert(isTaken && !keepId ? { ...document, id: newId('flow', random) } : document);
    },
    duplicate: (flowId) => {
      const { document } = flowOrThrow(flowId);
      return insert({ ...document, id: newId('flow', random), name: copyName(document.name) });
    },
    delete: async (flowId) => {
      flowOrThrow(flowId);
      const runId = options.activeRunOf(flowId);
      if (runId !== null) {
        throw new WorkbenchError(
          'FLOW_IN_USE',
          'A run of this flow is active. Stop it before deleting the flow.',
          {
            details: { runId },
          },
        );
      }
      // The flow goes before anything is waited for, so that nobody can start it meanwhile.
      const discarded = options.discardRunsOf(flowId);
      store.deleteFlow(flowId);
      await discarded;
      options.onDeleted(flowId);
      options.onListChanged();
    },
    patch: (flowId, patch) => {
      const { document } = flowOrThrow(flowId);
      const { revision } = store.updateFlow(applyPatch(document, patch), nowMs());
      options.onListChanged();
      return revision;
    },
    version: (flowId, version) => {
      const document = store.version(flowId, version);
      if (document === null)
        throw new WorkbenchError('FLOW_NOT_FOUND', `This flow has no version ${version}.`);
      return document;
    },
  };
}

export function flowNotFound(): WorkbenchError {
  return new WorkbenchError(
    'FLOW_NOT_FOUND',
    'This flow does not exist; it may have been deleted in another tab.',
  );
}

const NAME_LENGTH_MAX = 120;

function copyName(name: string): string {
  const suffix = ' (copy)';
  return `${name.slice(0, NAME_LENGTH_MAX - suffix.length).trimEnd()}${suffix}`;
}

function summaryOf(flow: StoredFlow, activeRunId: string | null): FlowSummary {
  const { document, revision, version, updatedMs } = flow;
  return {
    id: document.id,
    name: document.name,
    description: document.description,
    nodes: document.nodes.length,
    revision,
    version,
    updatedMs,
    activeRunId,
    thumbnail: thumbnailOf(document),
  };
}

/** Of the nodes that have been placed. */
export function thumbnailOf(document: FlowDocument): FlowSummary['thumbnail'] {
  const places = new Map<string, number>();
  const nodes: FlowSummary['thumbnail']['nodes'] = [];
  for (const { id, kind } of document.nodes) {
    const position = document.layout.nodes[id];
    if (position === undefined) continue;
    places.set(id, nodes.length);
    nodes.push({ family: familyOf(kind), x: position.x, y: position.y });
  }
  // Two nodes may be connected more than once; from far away that is one line.
  const edges = new Map<string, { from: number; to: number }>();
  for (const { source, target } of document.edges) {
    const [from, to] = [places.get(source), places.get(target)];
    if (from !== undefined && to !== undefined) edges.set(`${from}:${to}`, { from, to });
  }
  return { nodes, edges: [...edges.values()] };
}
