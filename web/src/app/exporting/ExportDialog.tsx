import {
  Button,
  CopyButton,
  Group,
  Modal,
  SegmentedControl,
  Skeleton,
  Text,
  useComputedColorScheme,
} from '@mantine/core';
import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import { Check, Copy, Download } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { Editor } from '../../editor/store/editorStore.ts';
import { download } from '../files.ts';
import { attempt, showError } from '../notices.ts';
import styles from './ExportDialog.module.css';
import { closeExport, setExportFormat, useExportDialog } from './exportDialog.ts';
import { EXPORT_FORMATS, type ExportFormatEntry, type Scheme, type Written, writeFormat } from './formats.ts';
import { pngOf } from './png.ts';

/** A preview does not need all of a long text. */
const PREVIEW_CHARACTERS_MAX = 60_000;

/** What the drawing looks like outside: choose a format, look at it, copy it or keep it as a file. */
export function ExportDialog({ editor }: { editor: Editor }) {
  const { opened } = useExportDialog();
  return (
    <Modal opened={opened} onClose={closeExport} title="Export" size={840} data-testid="export-dialog">
      {opened && <ExportBody document={editor.document} />}
    </Modal>
  );
}

function ExportBody({ document }: { document: FlowDocument }) {
  const { format } = useExportDialog();
  const current = useComputedColorScheme('light');
  const [scheme, setScheme] = useState<Scheme>(current);
  const entry = EXPORT_FORMATS.find(({ id }) => id === format) ?? EXPORT_FORMATS[0];
  const written = useWritten(entry, document, scheme);
  if (!entry) return null;
  const text = written?.text ?? null;
  return (
    <div className={styles.body}>
      <nav className={styles.formats} aria-label="Formats">
        {EXPORT_FORMATS.map(({ id, label }) => (
          <button
            key={id}
            type="button"
            aria-pressed={id === entry.id}
            onClick={() => setExportFormat(id)}
            data-testid={`format-${id}`}
          >
            {label}
          </button>
        ))}
      </nav>
      <div className={styles.side}>
        <Text size="sm" c="dimmed">
          {entry.summary}
        </Text>
        <Preview entry={entry} text={text} />
        <Group justify="space-between">
          {entry.isPicture ? (
            <SegmentedControl
              aria-label="Colours of the picture"
              value={scheme}
              onChange={(value) => setScheme(value as Scheme)}
              data={[
                { value: 'light', label: 'Light' },
                { value: 'dark', label: 'Dark' },
              ]}
            />
          ) : (
            <Text size="xs" c="dimmed" className="mr-mono">
              {written?.fileName}
            </Text>
          )}
          <Group gap="xs">
            {entry.id !== 'png' && (
              <CopyButton value={text ?? ''}>
                {({ copied, copy }) => (
                  <Button
                    variant="default"
                    disabled={text === null}
                    leftSection={copied ? <Check size={14} /> : <Copy size={14} />}
                    onClick={copy}
                    data-testid="export-copy"
                  >
                    {copied ? 'Copied' : 'Copy'}
                  </Button>
                )}
              </CopyButton>
            )}
            <Button
              disabled={text === null}
              leftSection={<Download size={14} />}
              data-testid="export-download"
              onClick={() =>
                attempt(`Export as ${entry.label}`, async () => {
                  if (!written) return;
                  const isPng = entry.id === 'png';
                  const content = isPng
                    ? await pngOf(written.text)
                    : new Blob([written.text], { type: written.mediaType });
                  download(content, written.fileName);
                })
              }
            >
              Download
            </Button>
          </Group>
        </Group>
      </div>
    </div>
  );
}

/** What the chosen format makes of the flow; null while it is being made. */
function useWritten(
  entry: ExportFormatEntry | undefined,
  document: FlowDocument,
  scheme: Scheme,
): Written | null {
  const [latest, setLatest] = useState<{ key: string; written: Written } | null>(null);
  const key = `${entry?.id}:${scheme}`;
  useEffect(() => {
    if (!entry) return;
    let isCurrent = true;
    writeFormat(entry.id, document, scheme)
      .then((written) => isCurrent && setLatest({ key, written }))
      .catch((thrown: unknown) => showError(`Export as ${entry.label}`, thrown));
    return () => {
      isCurrent = false;
    };
  }, [entry, document, scheme, key]);
  return latest?.key === key ? latest.written : null;
}

function Preview({ entry, text }: { entry: ExportFormatEntry; text: string | null }) {
  if (text === null) return <Skeleton height={360} radius={6} />;
  if (entry.isPicture) {
    const source = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
    return (
      <img
        className={styles.picture}
        src={source}
        alt="The flow as it is drawn"
        data-testid="export-picture"
      />
    );
  }
  const cut = text.length > PREVIEW_CHARACTERS_MAX;
  return (
    <pre className={styles.text} data-testid="export-text">
      {cut
        ? `${text.slice(0, PREVIEW_CHARACTERS_MAX)}\n… (${text.length - PREVIEW_CHARACTERS_MAX} more characters)`
        : text}
    </pre>
  );
}
