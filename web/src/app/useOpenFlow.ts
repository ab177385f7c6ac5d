import { toWorkbenchError, type WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { ResponseOf } from '@millrace/shared/protocol/catalog.ts';
import { isFinalRunStatus } from '@millrace/shared/trace/metrics.ts';
import { useCallback, useEffect, useState } from 'react';
import { useConnection } from '../connection/ConnectionProvider.tsx';
import { randomToken } from '../connection/clientId.ts';
import type { Connection } from '../connection/connection.ts';
import { Editor } from '../editor/store/editorStore.ts';
import { showError } from './notices.ts';
import { closeSession, session } from './session.ts';

export type OpenFlow =
  | { state: 'opening' }
  | { state: 'open'; editor: Editor }
  | { state: 'deleted' }
  | { state: 'failed'; error: WorkbenchError };

type FlowState = ResponseOf<'flow.open'>;

function noteSession({ document, version, activeRunId }: FlowState): void {
  session.setState({ flowId: document.id, flowName: document.name, version, activeRunId });
  showTitle(document.name);
}

function showTitle(flowName: string): void {
  window.document.title = `${flowName} · Millrace`;
}

/** Session storage can be forbidden; the editor works without a keepsake. */
function keepsakeStorage(): Storage | null {
  try {
    return window.sessionStorage;
  } catch {
    return null;
  }
}

function openEditor(connection: Connection, opened: FlowState): Editor {
  const flowId = opened.document.id;
  return new Editor({
    document: opened.document,
    revision: opened.revision,
    clientId: connection.clientId,
    send: (patchId, patch) =>
      connection.request('flow.patch', { flowId, clientId: connection.clientId, patchId, patch }),
    reload: async () => {
      const state = await connection.request('flow.open', { flowId });
      noteSession(state);
      return state;
    },
    onRefused: (error) => showError('The server did not take the last change', error),
    newToken: randomToken,
    nowMs: () => performance.now(),
    storage: keepsakeStorage(),
  });
}

/** Opens a flow, keeps it in step with the server and the other tabs, and closes it with the page. */
export function useOpenFlow(flowId: string): { flow: OpenFlow; retry: () => void } {
  const connection = useConnection();
  const [flow, setFlow] = useState<OpenFlow>({ state: 'opening' });
  const [attempt, setAttempt] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `attempt` is what opens the flow again.
  useEffect(() => {
    let editor: Editor | null = null;
    let closed = false;
    const leave: (() => void)[] = [];

    const follow = (opened: Editor): void => {
      leave.push(
        connection.on('flow.patched', (event) => {
          if (event.flowId === flowId) opened.applyRemote(event);
        }),
        connection.on('flow.deleted', (event) => {
          if (event.flowId !== flowId) return;
          opened.close({ forget: true });
          editor = null;
          setFlow({ state: 'deleted' });
        }),
        connection.on('run.changed', (run) => {
          if (run.flowId !== flowId) return;
          const isOver = isFinalRunStatus(run.status);
          session.setState((current) => ({
            version: Math.max(current.version, run.version),
            activeRunId: isOver ? (current.activeRunId === run.id ? null : current.activeRunId) : run.id,
          }));
        }),
        connection.onReconnect(() => void opened.resync()),
        opened.subscribe(() => {
          const record = opened.records.get(flowId);
          const name = record?.type === 'flow' ? record.name : '';
          if (name === session.getState().flowName) return;
          session.setState({ flowName: name });
          showTitle(name);
        }),
        listenToPage(opened),
      );
    };

    const open = async (): Promise<void> => {
      try {
        const opened = await connection.request('flow.open', { flowId });
        if (closed) return;
        editor = openEditor(connection, opened);
        noteSession(opened);
        follow(editor);
        setFlow({ state: 'open', editor });
      } catch (thrown) {
        if (!closed) setFlow({ state: 'failed', error: toWorkbenchError(thrown) });
      }
    };
    void open();

    return () => {
      closed = true;
      for (const off of leave) off();
      editor?.close();
      closeSession();
    };
  }, [connection, flowId, attempt]);

  const retry = useCallback(() => {
    setFlow({ state: 'opening' });
    setAttempt((count) => count + 1);
  }, []);
  return { flow, retry };
}

/** What is unsent survives a reload of the tab; closing it would lose it, so the browser asks first. */
function listenToPage(editor: Editor): () => void {
  const onHide = (): void => editor.keep();
  const onUnload = (event: BeforeUnloadEvent): void => {
    if (editor.saveState.state !== 'saved') event.preventDefault();
  };
  window.addEventListener('pagehide', onHide);
  window.addEventListener('beforeunload', onUnload);
  return () => {
    window.removeEventListener('pagehide', onHide);
    window.removeEventListener('beforeunload', onUnload);
  };
}
