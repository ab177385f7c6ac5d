import { ActionIcon, Button, Group, Modal, Skeleton, Stack, Text, TextInput, Tooltip } from '@mantine/core';
import type { PayloadSchema } from '@millrace/shared/flow/document.ts';
import { newId } from '@millrace/shared/flow/ids.ts';
import { payloadSchemaSchema } from '@millrace/shared/flow/records/schema.ts';
import { CopyPlus, PencilLine, Plus, Trash2 } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { useEditorValue } from '../binding/EditorProvider.tsx';
import type { CommandContext } from '../commands/command.ts';
import { uniqueName } from '../store/names.ts';
import type { Words } from './code/words.ts';
import styles from './Inspector.module.css';

const CodeMirror = lazy(async () => ({ default: (await import('./code/CodeMirror.tsx')).CodeMirror }));
const NO_WORDS: Words = { event: [], data: [], ctx: [], targets: [], template: [] };

const INITIAL_SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  required: ['id'],
  properties: { id: { type: 'string' } },
};

/** Subjects with their versions. Topics name one; what is appended there must fit. */
export function SchemaList({ context }: { context: CommandContext }) {
  const graph = useEditorValue((editor) => editor.graph);
  const { editor, random } = context;
  const [editing, setEditing] = useState<PayloadSchema | null>(null);
  const schemas = [...graph.document.schemas].sort(
    (a, b) => a.subject.localeCompare(b.subject) || b.version - a.version,
  );
  const usedBy = (id: string): string[] =>
    [...graph.nodes.values()]
      .filter((node) => node.kind === 'topic' && node.config.schema === id)
      .map(({ name }) => name);

  const add = (): void => {
    const taken = new Set(schemas.map(({ subject }) => subject));
    setEditing({
      id: newId('schema', random),
      subject: uniqueName(taken, 'payload'),
      version: 1,
      schema: INITIAL_SCHEMA,
    });
  };
  const addVersion = (schema: PayloadSchema): void => {
    const newest = Math.max(
      ...schemas.filter(({ subject }) => subject === schema.subject).map(({ version }) => version),
    );
    setEditing({ ...schema, id: newId('schema', random), version: newest + 1 });
  };
  return (
    <div className={styles.connections}>
      <h3>Schemas</h3>
      {schemas.length === 0 && (
        <p className={styles.soft}>None. A topic with a schema refuses payloads that do not fit.</p>
      )}
      <ul>
        {schemas.map((schema) => {
          const topics = usedBy(schema.id);
          return (
            <li key={schema.id} className={styles.schema}>
              <span className={styles.schemaName}>
                {schema.subject} <span className={styles.soft}>v{schema.version}</span>
                {topics.length > 0 && <span className={styles.soft}>, used by {topics.join(', ')}</span>}
              </span>
              <SchemaButton label="Edit" onClick={() => setEditing(schema)} icon={<PencilLine size={13} />} />
              <SchemaButton
                label="New version"
                onClick={() => addVersion(schema)}
                icon={<CopyPlus size={13} />}
              />
              <SchemaButton
                label={topics.length > 0 ? `Used by ${topics.join(', ')}` : 'Delete'}
                disabled={topics.length > 0}
                onClick={() =>
                  editor.change({ label: 'Delete a schema' }, (transaction) => transaction.remove(schema.id))
                }
                icon={<Trash2 size={13} />}
              />
            </li>
          );
        })}
      </ul>
      <Button
        variant="default"
        leftSection={<Plus size={13} />}
        style={{ alignSelf: 'start' }}
        onClick={add}
        data-testid="add-schema"
      >
        Add a schema
      </Button>
      {editing && <SchemaDialog schema={editing} context={context} onClose={() => setEditing(null)} />}
    </div>
  );
}

function SchemaButton(props: {
  label: string;
  onClick: () => void;
  icon: React.ReactNode;
  disabled?: boolean;
}) {
  return (
    <Tooltip label={props.label}>
      <ActionIcon
        size={22}
        aria-label={props.label}
        onClick={props.onClick}
        data-disabled={props.disabled || undefined}
        aria-disabled={props.disabled}
        disabled={props.disabled ?? false}
      >
        {props.icon}
      </ActionIcon>
    </Tooltip>
  );
}

function SchemaDialog({
  schema,
  context,
  onClose,
}: {
  schema: PayloadSchema;
  context: CommandContext;
  onClose: () => void;
}) {
  const { editor } = context;
  const [subject, setSubject] = useState(schema.subject);
  const [text, setText] = useState(() => JSON.stringify(schema.schema, null, 2));
  const [error, setError] = useState<string | null>(null);
  const save = (): void => {
    const twin = editor.graph.document.schemas.some(
      (other) => other.id !== schema.id && other.subject === subject && other.version === schema.version,
    );
    if (twin) {
      setError(`${subject} v${schema.version} exists already.`);
      return;
    }
    try {
      const next = payloadSchemaSchema.parse({
        ...schema,
        subject: subject.trim(),
        schema: JSON.parse(text),
      });
      editor.change({ label: 'Edit a schema' }, (transaction) =>
        transaction.put({ type: 'schema', id: next.id, schema: next }),
      );
      onClose();
    } catch (thrown) {
      setError(
        thrown instanceof SyntaxError
          ? `This is not JSON: ${thrown.message}`
          : 'A subject and a JSON object are needed.',
      );
    }
  };
  return (
    <Modal opened onClose={onClose} title={`Schema, version ${schema.version}`} size="lg">
      <Stack gap="sm">
        <TextInput
          label="Subject"
          value={subject}
          maxLength={128}
          onChange={(event) => setSubject(event.currentTarget.value)}
          data-autofocus
        />
        <Suspense fallback={<Skeleton height={320} />}>
          <CodeMirror
            value={text}
            language="json"
            label="JSON Schema"
            placeholder={null}
            words={NO_WORDS}
            height={{ min: 320, max: null }}
            autoFocus={false}
            onChange={setText}
            onBlur={() => {}}
          />
        </Suspense>
        {error && (
          <Text size="sm" c="var(--mr-error)" role="alert">
            {error}
          </Text>
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button onClick={save} data-testid="save-schema">
            Save
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
