import { createContext, type ReactNode, use, useEffect, useMemo, useState } from 'react';
import { useConnection } from '../../connection/ConnectionProvider.tsx';
import { uploadFile } from '../files.ts';
import { attempt, showDone } from '../notices.ts';
import { showProgress } from '../progress.tsx';
import { ImportDialog } from './ImportDialog.tsx';
import { type ImportRequest, isDataFile } from './importFlow.ts';
import styles from './importing.module.css';

/** Opens the import dialog, with text where there is some. */
export type Importing = { open: (text?: string) => void };

const ImportContext = createContext<Importing | null>(null);

export function useImporting(): Importing {
  const importing = use(ImportContext);
  if (!importing) throw new Error('Invariant broken: useImporting outside ImportProvider');
  return importing;
}

/** Import from everywhere: a dialog, text that is pasted, a file that is dropped anywhere on the page. */
export function ImportProvider({ children }: { children: ReactNode }) {
  const connection = useConnection();
  const [request, setRequest] = useState<ImportRequest | 'closed'>('closed');
  const [dragging, setDragging] = useState(false);
  const importing = useMemo<Importing>(
    () => ({ open: (text) => setRequest(text === undefined ? null : { text }) }),
    [],
  );

  useEffect(
    () =>
      listenToDrops({
        onDragging: setDragging,
        onFile: (file) => {
          if (isDataFile(file.name)) uploadData(file);
          else setRequest({ file });
        },
      }),
    [],
  );

  return (
    <ImportContext value={importing}>
      {children}
      {dragging && (
        <div className={styles.drop} data-testid="drop-target">
          <div className={styles.dropText}>
            <strong>Drop to import</strong>
            <span>A flow (.json, .yaml) opens; data (.jsonl, .csv) is uploaded for a Replay node.</span>
          </div>
        </div>
      )}
      {request !== 'closed' && (
        <ImportDialog connection={connection} request={request} onClose={() => setRequest('closed')} />
      )}
    </ImportContext>
  );
}

function uploadData(file: File): void {
  const abort = new AbortController();
  const done = showProgress(`Uploading ${file.name}`, () => abort.abort());
  attempt(`Upload ${file.name}`, async () => {
    try {
      const name = await uploadFile(file, { onProgress: () => {}, signal: abort.signal });
      showDone(`Uploaded ${name}. Choose it in the inspector of a Replay node.`);
    } catch (thrown) {
      if (!abort.signal.aborted) throw thrown;
    } finally {
      done();
    }
  });
}

type DropHandlers = { onDragging: (dragging: boolean) => void; onFile: (file: File) => void };

/** Only drags that carry files; the palette's own drags pass by. */
function listenToDrops({ onDragging, onFile }: DropHandlers): () => void {
  const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;
  const onOver = (event: DragEvent): void => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    onDragging(true);
  };
  const onLeave = (event: DragEvent): void => {
    // The pointer has left the window when it enters nothing.
    if (event.relatedTarget === null) onDragging(false);
  };
  const onDrop = (event: DragEvent): void => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    onDragging(false);
    const file = event.dataTransfer?.files[0];
    if (file) onFile(file);
  };
  window.addEventListener('dragover', onOver);
  window.addEventListener('dragleave', onLeave);
  window.addEventListener('drop', onDrop);
  return () => {
    window.removeEventListener('dragover', onOver);
    window.removeEventListener('dragleave', onLeave);
    window.removeEventListener('drop', onDrop);
  };
}
