import { ActionIcon, Button, TextInput, Tooltip } from '@mantine/core';
import { OTHERWISE_PORT } from '@millrace/shared/flow/records/route.ts';
import { ArrowDown, ArrowUp, Plus, Trash2 } from 'lucide-react';
import { useEditor } from '../../binding/EditorProvider.tsx';
import { uniqueName } from '../../store/names.ts';
import { CodeField } from '../code/CodeField.tsx';
import { DraftError } from './DraftError.tsx';
import { dropDraft } from './drafts.ts';
import type { Path, RoutesFieldModel } from './fieldModel.ts';
import styles from './form.module.css';
import { draftKey, useFieldValue, useFormScope } from './formScope.ts';
import { plainText, useTextDraft } from './useTextDraft.ts';

type Rule = { port: string; when: string };

/** The rules of a route. An output's edges follow its name, and go when it goes. */
export function RoutesField({ field, path }: { field: RoutesFieldModel; path: Path }) {
  const scope = useFormScope();
  const editor = useEditor();
  const rules = useFieldValue(path) as Rule[];

  const put = (label: string, next: Rule[]): void => {
    for (const index of rules.keys()) {
      for (const key of ['port', 'when']) dropDraft(draftKey(scope, [...path, index, key]));
    }
    scope.commit(path, next, { label, isTyping: false });
  };
  const swap = (a: number, b: number): void => {
    const next = [...rules];
    const [first, second] = [next[a], next[b]];
    if (!first || !second) return;
    next[a] = second;
    next[b] = first;
    put('Move a rule', next);
  };
  const remove = (index: number): void => {
    const interaction = editor.interact('Remove a rule');
    const port = rules[index]?.port;
    put(
      'Remove a rule',
      rules.filter((_, at) => at !== index),
    );
    interaction.update((transaction) => {
      for (const record of transaction.records.values()) {
        if (record.type === 'edge' && record.edge.source === scope.id && record.edge.sourcePort === port) {
          transaction.remove(record.id);
        }
      }
    });
    interaction.commit();
  };
  return (
    <div>
      <span className={styles.label}>{field.title}</span>
      <div className={styles.routes}>
        {rules.map((rule, index) => (
          <div key={index} className={styles.route} data-testid={`route-${index}`}>
            <div className={styles.routeHead}>
              <PortName path={[...path, index, 'port']} current={rule.port} />
              <RuleButton
                label="Move up"
                disabled={index === 0}
                onClick={() => swap(index, index - 1)}
                icon={<ArrowUp size={14} />}
              />
              <RuleButton
                label="Move down"
                disabled={index === rules.length - 1}
                onClick={() => swap(index, index + 1)}
                icon={<ArrowDown size={14} />}
              />
              <RuleButton
                label="Remove the rule"
                disabled={rules.length === 1}
                onClick={() => remove(index)}
                icon={<Trash2 size={14} />}
              />
            </div>
            <CodeField
              path={[...path, index, 'when']}
              language="expression"
              field={{
                key: 'when',
                title: 'When',
                description: null,
                placeholder: "event.data.status === 'late'",
              }}
            />
          </div>
        ))}
        <Button
          variant="default"
          leftSection={<Plus size={14} />}
          disabled={rules.length >= field.max}
          onClick={() => {
            const taken = new Set(rules.map((rule) => rule.port));
            put('Add a rule', [
              ...rules,
              { port: uniqueName(taken, 'route').replace(' ', '-'), when: 'true' },
            ]);
          }}
        >
          Add a rule
        </Button>
      </div>
      {field.description && <p className={styles.description}>{field.description}</p>}
    </div>
  );
}

function RuleButton(props: { label: string; disabled: boolean; onClick: () => void; icon: React.ReactNode }) {
  return (
    <Tooltip label={props.label}>
      <ActionIcon aria-label={props.label} disabled={props.disabled} onClick={props.onClick}>
        {props.icon}
      </ActionIcon>
    </Tooltip>
  );
}

/** Renaming an output takes its edges along, in the same undo step. */
function PortName({ path, current }: { path: Path; current: string }) {
  const scope = useFormScope();
  const editor = useEditor();
  const rules = useFieldValue(path.slice(0, -2)) as Rule[];
  const isTaken = (text: string): boolean =>
    text === OTHERWISE_PORT || rules.some((rule, index) => index !== path.at(-2) && rule.port === text);
  const draft = useTextDraft(path, {
    label: 'Rename an output',
    show: plainText.show,
    read: (text) =>
      isTaken(text) ? { ok: false, error: 'Another output has this name.' } : { ok: true, value: text },
  });
  const rename = (text: string): void => {
    draft.onText(text);
    if (text === current || isTaken(text) || scope.check(path, text) !== null) return;
    editor.change({ label: 'Rename an output', burst: `${scope.id}.${path.join('.')}` }, (transaction) => {
      for (const record of transaction.records.values()) {
        if (record.type !== 'edge' || record.edge.source !== scope.id || record.edge.sourcePort !== current)
          continue;
        transaction.put({ ...record, edge: { ...record.edge, sourcePort: text } });
      }
    });
  };
  return (
    <TextInput
      aria-label="Output"
      value={draft.text}
      error={draft.error === null ? undefined : <DraftError draft={draft} />}
      onChange={(event) => rename(event.currentTarget.value)}
      onBlur={draft.onBlur}
      spellCheck={false}
      data-testid={`field-${path.join('.')}`}
    />
  );
}
