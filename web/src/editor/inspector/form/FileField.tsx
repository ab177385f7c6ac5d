import { Button, FileButton, Progress, Select } from '@mantine/core';
import { toWorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { Upload } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import type { DataFile } from '../ports.ts';
import { useInspectorPorts } from '../portsContext.ts';
import type { Path, TextFieldModel } from './fieldModel.ts';
import styles from './form.module.css';
import { useFieldValue, useFormScope } from './formScope.ts';

type UploadState = { name: string; fraction: number } | null;

/** Chooses one of the files the server has, or uploads another. */
export function FileField({ field, path }: { field: TextFieldModel; path: Path }) {
  const scope = useFormScope();
  const ports = useInspectorPorts();
  const value = String(useFieldValue(path) ?? '');
  const [files, setFiles] = useState<DataFile[]>([]);
  const [upload, setUpload] = useState<UploadState>(null);
  const [error, setError] = useState<string | null>(null);
  const abort = useRef<AbortController | null>(null);

  useEffect(() => {
    let isCurrent = true;
    ports
      .listFiles()
      .then((list) => isCurrent && setFiles(list))
      .catch((thrown: unknown) => isCurrent && setError(toWorkbenchError(thrown).message));
    return () => {
      isCurrent = false;
      abort.current?.abort();
    };
  }, [ports]);

  const choose = (name: string): void =>
    scope.commit(path, name, { label: 'Choose a file', isTyping: false });
  const send = async (file: File): Promise<void> => {
    abort.current = new AbortController();
    const { signal } = abort.current;
    setError(null);
    setUpload({ name: file.name, fraction: 0 });
    try {
      const onProgress = (fraction: number): void => setUpload({ name: file.name, fraction });
      const name = await ports.uploadFile(file, { onProgress, signal });
      choose(name);
      setFiles(await ports.listFiles());
    } catch (thrown) {
      if (!signal.aborted) setError(toWorkbenchError(thrown).message);
    } finally {
      setUpload(null);
    }
  };

  const options = files.map(({ name, bytes, builtIn }) => ({
    value: name,
    label: `${name} (${sizeText(bytes)}${builtIn ? ', built in' : ''})`,
  }));
  if (value !== '' && !files.some(({ name }) => name === value)) {
    options.push({ value, label: files.length === 0 ? value : `${value} (not on this server)` });
  }
  return (
    <div className={styles.stack} style={{ gap: 6 }}>
      <Select
        label={field.title}
        description={field.description}
        inputWrapperOrder={['label', 'input', 'error', 'description']}
        data={options}
        value={value}
        searchable
        allowDeselect={false}
        error={error ?? undefined}
        onChange={(next) => next !== null && choose(next)}
        data-testid={`field-${path.join('.')}`}
      />
      {upload ? (
        <div className={styles.stack} style={{ gap: 4 }}>
          <Progress value={upload.fraction * 100} aria-label={`Uploading ${upload.name}`} />
          <Button variant="default" size="compact-xs" onClick={() => abort.current?.abort()}>
            Cancel the upload of {upload.name}
          </Button>
        </div>
      ) : (
        <FileButton accept=".jsonl,.ndjson,.csv" onChange={(file) => file && void send(file)}>
          {(props) => (
            <Button
              {...props}
              variant="default"
              leftSection={<Upload size={13} />}
              style={{ alignSelf: 'start' }}
            >
              Upload a file…
            </Button>
          )}
        </FileButton>
      )}
    </div>
  );
}

function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 1_048_576 ? `${Math.round(bytes / 1024)} KiB` : `${(bytes / 1_048_576).toFixed(1)} MiB`;
}
