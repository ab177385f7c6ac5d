import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import { useEffect, useState } from 'react';
import { useConnection } from '../../connection/ConnectionProvider.tsx';
import { useEditorValue } from '../../editor/binding/EditorProvider.tsx';
import { sameJson } from '../../editor/store/json.ts';
import { useSession } from '../session.ts';

export type VersionState = { version: number; isChanged: boolean };

function meaningOf({ name, description, settings, nodes, edges, schemas }: FlowDocument) {
  return { name, description, settings, nodes, edges, schemas };
}

/** Whether the draft still says what the newest published version says. Moving nodes about is no change of meaning. */
export function useVersionState(): VersionState {
  const connection = useConnection();
  const version = useSession((state) => state.version);
  const flowId = useSession((state) => state.flowId);
  const graph = useEditorValue((editor) => editor.graph);
  const [published, setPublished] = useState<{ version: number; document: FlowDocument } | null>(null);

  useEffect(() => {
    if (version === 0 || flowId === null) return;
    let isCurrent = true;
    connection
      .request('flow.version', { flowId, version })
      .then(({ document }) => isCurrent && setPublished({ version, document }))
      .catch(() => {
        // The badge then says the version alone; the next version asks again.
      });
    return () => {
      isCurrent = false;
    };
  }, [connection, flowId, version]);

  const isKnown = published?.version === version;
  return {
    version,
    isChanged: isKnown && !sameJson(meaningOf(published.document), meaningOf(graph.document)),
  };
}
