import { ActionIcon, Button, Select, TextInput, Tooltip } from '@mantine/core';
import { Plus, Trash2 } from 'lucide-react';
import { uniqueName } from '../../store/names.ts';
import { DraftError } from './DraftError.tsx';
import { dropDraft } from './drafts.ts';
import {
  type EnumFieldModel,
  type FieldModel,
  initialObject,
  type Path,
  type RowsFieldModel,
  type TextFieldModel,
} from './fieldModel.ts';
import styles from './form.module.css';
import { draftKey, useFieldValue, useFormScope } from './formScope.ts';
import { plainText, useTextDraft } from './useTextDraft.ts';

type Row = Record<string, unknown>;

/** A list of a few short fields each, one row to an entry, under one head. */
export function RowsField({ field, path }: { field: RowsFieldModel; path: Path }) {
  const scope = useFormScope();
  const rows = useFieldValue(path) as Row[];
  const put = (label: string, next: Row[]): void => {
    for (const index of rows.keys()) {
      for (const { key } of field.fields) dropDraft(draftKey(scope, [...path, index, key]));
    }
    scope.commit(path, next, { label, isTyping: false });
  };
  const add = (): void => {
    const row = initialObject(field.fields, new Date().toISOString());
    const [naming] = field.fields;
    if (naming) {
      const taken = new Set(rows.map((each) => String(each[naming.key])));
      row[naming.key] = uniqueName(taken, String(row[naming.key])).replace(' ', '_');
    }
    put('Add a row', [...rows, row]);
  };
  return (
    <div data-testid={`field-${path.join('.')}`}>
      <span className={styles.label}>{field.title}</span>
      {rows.length > 0 && (
        <div className={styles.rows} style={{ '--rows-fields': field.fields.length } as React.CSSProperties}>
          {field.fields.map(({ key, title }) => (
            <span key={key} className={styles.rowsHead} aria-hidden="true">
              {title}
            </span>
          ))}
          <span />
          {rows.map((_row, index) => (
            <RowCells
              // Rows have no identity of their own: the place is all there is.
              key={index}
              fields={field.fields}
              path={[...path, index]}
              onRemove={() =>
                put(
                  'Remove a row',
                  rows.filter((_, at) => at !== index),
                )
              }
            />
          ))}
        </div>
      )}
      <Button
        variant="default"
        size="compact-sm"
        leftSection={<Plus size={14} />}
        disabled={rows.length >= field.max}
        onClick={add}
        data-testid={`add-${path.join('.')}`}
      >
        Add
      </Button>
      {field.description && <p className={styles.description}>{field.description}</p>}
    </div>
  );
}

function RowCells(props: { fields: readonly FieldModel[]; path: Path; onRemove: () => void }) {
  const { fields, path, onRemove } = props;
  const place = Number(path.at(-1)) + 1;
  return (
    <>
      {fields.map((each) => {
        const at = [...path, each.key];
        const label = `${each.title} of row ${place}`;
        if (each.shape === 'text') return <TextCell key={each.key} field={each} path={at} label={label} />;
        if (each.shape === 'enum') return <EnumCell key={each.key} field={each} path={at} label={label} />;
        throw new Error(`Invariant broken: rows have no cells for ${each.shape}`);
      })}
      <Tooltip label="Remove">
        <ActionIcon className={styles.rowsRemove} aria-label={`Remove row ${place}`} onClick={onRemove}>
          <Trash2 size={14} />
        </ActionIcon>
      </Tooltip>
    </>
  );
}

function TextCell({ field, path, label }: { field: TextFieldModel; path: Path; label: string }) {
  const draft = useTextDraft(path, { label: `Edit ${field.title.toLowerCase()}`, ...plainText });
  return (
    <TextInput
      aria-label={label}
      placeholder={field.placeholder ?? undefined}
      value={draft.text}
      error={draft.error === null ? undefined : <DraftError draft={draft} />}
      onChange={(event) => draft.onText(event.currentTarget.value)}
      onBlur={draft.onBlur}
      spellCheck={false}
      data-testid={`field-${path.join('.')}`}
    />
  );
}

function EnumCell({ field, path, label }: { field: EnumFieldModel; path: Path; label: string }) {
  const scope = useFormScope();
  const value = useFieldValue(path);
  return (
    <Select
      aria-label={label}
      data={field.options}
      value={String(value)}
      allowDeselect={false}
      onChange={(next) =>
        next !== null &&
        scope.commit(path, next, { label: `Set ${field.title.toLowerCase()}`, isTyping: false })
      }
      data-testid={`field-${path.join('.')}`}
    />
  );
}
