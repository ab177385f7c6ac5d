import { toWorkbenchError, WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { FlowChange } from '@millrace/shared/flow/changes.ts';
import { compareFlows } from '@millrace/shared/flow/compareFlows.ts';
import type { RunKnowledge } from '@millrace/shared/flow/comparison/knowledge.ts';
import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import type { ResponseOf } from '@millrace/shared/protocol/catalog.ts';
import type { RunSummary } from '@millrace/shared/protocol/entities.ts';
import type { Supervisor } from '../live/supervision.ts';
import type { Store, StoredFlow, StoredRun } from '../storage/store.ts';
import { refuseUnrunnable } from './flowInput.ts';
import { flowNotFound } from './flows.ts';
import type { ReaderCache } from './readers.ts';
import { type LiveRun, type RunBook, refuseWhenOver } from './runBook.ts';
import { documentOfRun } from './runDocument.ts';

export type ReplacementOptions = {
  store: Store;
  supervisor: Supervisor;
  book: RunBook;
  readers: Pick<ReaderCache, 'messages'>;
  nowMs(): number;
};

export type Replacing = {
  preview(runId: string): ResponseOf<'run.previewReplacement'>;
  replace(runId: string, expected: { version: number; revision: number }): Promise<RunSummary>;
  /** After a server ended in the middle: what the run is to be started with, and what to make of how that went. */
  resumed(run: LiveRun, refused: WorkbenchError | null): void;
};

/** Rule RN4: a run goes on with an edited drawing, without losing what belongs to the nodes that stay. */
export function createReplacing({ store, supervisor, book, readers, nowMs }: ReplacementOptions): Replacing {
  const underWay = new Set<string>();

  const liveRun = (runId: string): LiveRun => {
    refuseWhenOver(book.get(runId).summary);
    const run = book.live(runId);
    if (!run) throw new WorkbenchError('RUN_NOT_ACTIVE', 'This run is over; start the flow again to go on.');
    return run;
  };
  const compare = (run: LiveRun): { flow: StoredFlow; version: number; changes: FlowChange[] } => {
    const { summary } = run.stored;
    const flow = store.flow(summary.flowId);
    if (flow === null) throw flowNotFound();
    // Versions are compared, so with the settings as they were drawn, whatever the run makes of them.
    const asDrawn = (version: FlowDocument): FlowDocument => ({
      ...documentOfRun(summary, version),
      settings: version.settings,
    });
    const running = store.version(summary.flowId, summary.version) ?? run.document;
    const changes = compareFlows(asDrawn(running), asDrawn(flow.document), knowledgeOf(run.stored, readers));
    const published = flow.version > 0 ? store.version(summary.flowId, flow.version) : null;
    const isPublished = published !== null && JSON.stringify(published) === JSON.stringify(flow.document);
    return { flow, version: isPublished ? flow.version : flow.version + 1, changes };
  };
  /** The run is on the new version, or stayed on the old one; either is saved before anybody is told. */
  const settle = (run: LiveRun, refused: WorkbenchError | null): void => {
    const { nextVersion, summary } = run.stored;
    if (nextVersion === null) return;
    run.stored = { ...run.stored, nextVersion: null };
    if (refused !== null) {
      book.change(run, {});
      book.addNotice(run, 'warning', `${notReplaced(nextVersion, summary.version)} ${refused.message}`);
      return;
    }
    const version = store.version(summary.flowId, nextVersion);
    if (version !== null) run.document = documentOfRun(summary, version);
    book.change(run, { version: nextVersion, flowName: run.document.name });
    book.addNotice(run, 'info', `The run goes on with version ${nextVersion}.`);
  };

  const changeOver = async (run: LiveRun, version: number): Promise<void> => {
    const { summary } = run.stored;
    const document = store.version(summary.flowId, version);
    if (document === null) throw flowNotFound();
    book.setNextVersion(run, version);
    try {
      const { refused } = await supervisor.replace(summary.id, documentOfRun(summary, document), version);
      settle(run, refused);
      if (refused !== null)
        throw refusal(`${notReplaced(version, summary.version)} ${refused.message}`, refused);
    } catch (thrown) {
      const error = toWorkbenchError(thrown);
      // The server is closing, or the run has ended: what is written down decides it, or it does not matter any more.
      if (error.code === 'REPLACEMENT_REFUSED' || error.code === 'RUN_NOT_ACTIVE') throw error;
      if (!supervisor.active().includes(summary.id)) book.setStatus(run, 'failed', error.toData());
      throw error;
    }
  };

  return {
    preview: (runId) => {
      const { flow, version, changes } = compare(liveRun(runId));
      return { version, revision: flow.revision, changes };
    },
    replace: async (runId, expected) => {
      const run = liveRun(runId);
      const { summary } = run.stored;
      if (underWay.has(runId)) throw refusal('Changes are being applied to this run already.');
      if (summary.status !== 'running' && summary.status !== 'paused')
        throw new WorkbenchError(
          'RUN_TRANSITION_REFUSED',
          `A run that is ${summary.status} takes no changes.`,
        );
      const { flow, version, changes } = compare(run);
      if (flow.revision !== expected.revision || version !== expected.version) {
        throw new WorkbenchError(
          'FLOW_CONFLICT',
          'The drawing has changed since you looked at the changes. Look at them again.',
          { details: { version, revision: flow.revision } },
        );
      }
      if (changes.length === 0)
        throw refusal('The drawing says what runs already: there is nothing to apply.');
      const blocking = changes.filter(({ effect }) => effect === 'blocking');
      if (blocking.length > 0) throw refusal(blocking.map(({ consequence }) => consequence).join(' '));
      refuseUnrunnable(flow.document);
      underWay.add(runId);
      try {
        await changeOver(run, store.publish(summary.flowId, nowMs()));
      } finally {
        underWay.delete(runId);
      }
      return run.stored.summary;
    },
    resumed: settle,
  };
}

function notReplaced(version: number, stays: number): string {
  return `Version ${version} cannot run, so the run goes on with version ${stays}.`;
}

function refusal(message: string, cause?: WorkbenchError): WorkbenchError {
  return new WorkbenchError('REPLACEMENT_REFUSED', message, {
    ...(cause ? { cause, details: { ...cause.details, cause: cause.code } } : {}),
  });
}

/** The numbers that make a preview telling: how much waits, how much is kept. */
function knowledgeOf({ summary, metrics }: StoredRun, readers: Pick<ReaderCache, 'messages'>): RunKnowledge {
  const { keys, timers } = readers.messages(summary.id).stateSizes();
  const waiting: Record<string, number> = {};
  for (const [edge, { lag }] of Object.entries(metrics?.subscriptions ?? {})) waiting[edge] = lag;
  const messages: Record<string, number> = {};
  for (const [topic, { start, end }] of Object.entries(metrics?.topics ?? {}))
    messages[topic] = end.reduce((sum, next, partition) => sum + next - (start[partition] ?? 0), 0);
  return { waiting, messages, keys, timers };
}
