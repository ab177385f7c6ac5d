import { Alert, Button, FileButton, Group, List, Modal, Stack, Text, Textarea } from '@mantine/core';
import { toWorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { FileUp } from 'lucide-react';
import { useCallback, useEffect, useRef, useState } from 'react';
import type { Connection } from '../../connection/connection.ts';
import { showDone } from '../notices.ts';
import { navigate } from '../router.ts';
import { type Fault, faultOf, type ImportRequest, importText, readFlowFile } from './importFlow.ts';

type Props = { connection: Connection; request: ImportRequest; onClose: () => void };

const PLACES_SHOWN_MAX = 8;

/** Takes a flow as text or file. A fault names its place and changes nothing. */
export function ImportDialog({ connection, request, onClose }: Props) {
  const [text, setText] = useState(request && 'text' in request ? request.text : '');
  const [fault, setFault] = useState<Fault | null>(null);
  const [busy, setBusy] = useState(false);
  const area = useRef<HTMLTextAreaElement>(null);

  const run = useCallback(
    async (source: string | File): Promise<void> => {
      setBusy(true);
      setFault(null);
      try {
        const content = typeof source === 'string' ? source : await readFlowFile(source);
        setText(content);
        const flowId = await importText(connection, content);
        onClose();
        showDone('Imported.');
        navigate({ screen: 'flow', flowId });
      } catch (thrown) {
        setFault(faultOf(toWorkbenchError(thrown)));
      } finally {
        setBusy(false);
      }
    },
    [connection, onClose],
  );

  // A dropped file is imported at once; pasted text waits for a look.
  const started = useRef(false);
  useEffect(() => {
    if (started.current || !request || !('file' in request)) return;
    started.current = true;
    void run(request.file);
  }, [request, run]);

  const showPlace = (line: number): void => {
    const element = area.current;
    if (!element) return;
    const lines = text.split('\n');
    const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    element.focus();
    element.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
  };

  return (
    <Modal opened onClose={onClose} title="Import a flow" size="lg" data-testid="import-dialog">
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          Choose or paste a flow as JSON or YAML, or drag a file anywhere onto the page. It opens as a flow of
          its own; nothing you have is replaced.
        </Text>
        <Textarea
          ref={area}
          aria-label="Flow as text"
          placeholder={'{ "format": "millrace.flow", … }'}
          autosize
          minRows={8}
          maxRows={16}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          classNames={{ input: 'mr-mono' }}
          spellCheck={false}
          data-autofocus
        />
        {fault && (
          <Alert color="red" title="This cannot be imported; nothing was changed" data-testid="import-fault">
            <Stack gap={6}>
              <Text size="sm">{fault.sentence}</Text>
              {fault.places.length > 1 && (
                <List size="xs" spacing={2}>
                  {fault.places.slice(0, PLACES_SHOWN_MAX).map(({ path, message }) => (
                    <List.Item key={`${path}:${message}`}>
                      <span className="mr-mono">{path}</span>: {message}
                    </List.Item>
                  ))}
                  {fault.places.length > PLACES_SHOWN_MAX && (
                    <List.Item>and {fault.places.length - PLACES_SHOWN_MAX} more</List.Item>
                  )}
                </List>
              )}
              {fault.at && (
                <Button
                  variant="default"
                  size="compact-xs"
                  style={{ alignSelf: 'start' }}
                  onClick={() => showPlace(fault.at?.line ?? 1)}
                >
                  Show line {fault.at.line}
                </Button>
              )}
            </Stack>
          </Alert>
        )}
        <Group justify="space-between">
          <FileButton accept=".json,.yaml,.yml,application/json" onChange={(file) => file && void run(file)}>
            {(props) => (
              <Button {...props} variant="default" leftSection={<FileUp size={14} />}>
                Choose a file…
              </Button>
            )}
          </FileButton>
          <Group gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button
              onClick={() => void run(text)}
              disabled={text.trim() === ''}
              loading={busy}
              data-testid="import-run"
            >
              Import
            </Button>
          </Group>
        </Group>
      </Stack>
    </Modal>
  );
}
