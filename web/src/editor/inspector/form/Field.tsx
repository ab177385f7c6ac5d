import {
  Collapse,
  Fieldset,
  SegmentedControl,
  Select,
  Switch,
  Textarea,
  TextInput,
  UnstyledButton,
} from '@mantine/core';
import { ChevronRight } from 'lucide-react';
import { type ReactNode, useId, useState } from 'react';
import { CodeField } from '../code/CodeField.tsx';
import { CronField } from './CronField.tsx';
import { DraftError } from './DraftError.tsx';
import { FileField } from './FileField.tsx';
import {
  type EnumFieldModel,
  type FieldModel,
  initialObject,
  type ObjectFieldModel,
  type Path,
  type SwitchFieldModel,
  shownFields,
  type TextFieldModel,
  type UnionFieldModel,
} from './fieldModel.ts';
import styles from './form.module.css';
import { useFieldValue, useFormScope } from './formScope.ts';
import { NumberField } from './NumberField.tsx';
import { RoutesField } from './RoutesField.tsx';
import { RowsField } from './RowsField.tsx';
import { SchemaRefField } from './SchemaRefField.tsx';
import { plainText, useTextDraft } from './useTextDraft.ts';

/** The fields of an object that mean something now; the advanced ones fold away. */
export function Fields({ fields, path = [] }: { fields: readonly FieldModel[]; path?: Path }) {
  const shown = shownFields(fields, useFieldValue(path));
  const plain = shown.filter((field) => !field.advanced);
  const advanced = shown.filter((field) => field.advanced);
  return (
    <>
      {plain.map((field) => (
        <Field key={field.key} field={field} path={[...path, field.key]} />
      ))}
      {advanced.length > 0 && (
        <Advanced>
          {advanced.map((field) => (
            <Field key={field.key} field={field} path={[...path, field.key]} />
          ))}
        </Advanced>
      )}
    </>
  );
}

function Advanced({ children }: { children: ReactNode }) {
  const [opened, setOpened] = useState(false);
  const id = useId();
  return (
    <div className={styles.advanced}>
      <UnstyledButton
        className={styles.advancedToggle}
        aria-expanded={opened}
        aria-controls={id}
        onClick={() => setOpened(!opened)}
      >
        <ChevronRight size={13} aria-hidden="true" data-opened={opened || undefined} />
        Advanced
      </UnstyledButton>
      <Collapse expanded={opened} id={id}>
        <div className={styles.stack}>{children}</div>
      </Collapse>
    </div>
  );
}

function Field({ field, path }: { field: FieldModel; path: Path }): ReactNode {
  switch (field.shape) {
    case 'text':
      return <TextField field={field} path={path} />;
    case 'number':
      return <NumberField field={field} path={path} />;
    case 'enum':
      return <EnumField field={field} path={path} />;
    case 'switch':
      return <SwitchField field={field} path={path} />;
    case 'object':
      return <ObjectField field={field} path={path} />;
    case 'union':
      return <UnionField field={field} path={path} />;
    case 'routes':
      return <RoutesField field={field} path={path} />;
    case 'rows':
      return <RowsField field={field} path={path} />;
    case 'schema-ref':
      return <SchemaRefField field={field} path={path} />;
  }
}

function TextField({ field, path }: { field: TextFieldModel; path: Path }): ReactNode {
  switch (field.widget) {
    case 'code':
      return <CodeField field={field} path={path} language="handler" />;
    case 'expression':
      return <CodeField field={field} path={path} language="expression" />;
    case 'json-template':
      return <CodeField field={field} path={path} language="template" />;
    case 'message-template':
      return <CodeField field={field} path={path} language="message" />;
    case 'cron':
      return <CronField field={field} path={path} />;
    case 'file':
      return <FileField field={field} path={path} />;
    default:
      return <LineField field={field} path={path} />;
  }
}

function LineField({ field, path }: { field: TextFieldModel; path: Path }) {
  const draft = useTextDraft(path, { label: `Edit ${field.title.toLowerCase()}`, ...plainText });
  const shared = {
    label: field.title,
    description: field.description,
    placeholder: field.placeholder ?? undefined,
    value: draft.text,
    error: draft.error === null ? undefined : <DraftError draft={draft} />,
    onChange: (event: { currentTarget: { value: string } }) => draft.onText(event.currentTarget.value),
    onBlur: draft.onBlur,
    inputWrapperOrder: ['label', 'input', 'error', 'description'] as (
      | 'label'
      | 'input'
      | 'error'
      | 'description'
    )[],
    'data-testid': `field-${path.join('.')}`,
  };
  if (field.widget === 'textarea') return <Textarea {...shared} autosize minRows={2} maxRows={10} />;
  return <TextInput {...shared} spellCheck={false} />;
}

/** So many short choices fit side by side. */
const SEGMENTS_MAX = 3;
const SEGMENT_CHARACTERS_MAX = 30;

type Choice = { value: string; label: string };

function ChoiceControl(props: {
  title: string;
  description: string | null;
  choices: Choice[];
  value: string;
  onChange: (value: string) => void;
  testId: string;
}) {
  const { title, description, choices, value, onChange, testId } = props;
  const id = useId();
  const characters = choices.reduce((sum, choice) => sum + choice.label.length, 0);
  if (choices.length > SEGMENTS_MAX || characters > SEGMENT_CHARACTERS_MAX) {
    return (
      <Select
        label={title}
        description={description ?? undefined}
        inputWrapperOrder={['label', 'input', 'error', 'description']}
        data={choices}
        value={value}
        allowDeselect={false}
        onChange={(next) => next !== null && onChange(next)}
        data-testid={testId}
      />
    );
  }
  return (
    <div>
      <span className={styles.label} id={id}>
        {title}
      </span>
      <SegmentedControl
        fullWidth
        aria-labelledby={id}
        data={choices}
        value={value}
        onChange={onChange}
        data-testid={testId}
      />
      {description && <p className={styles.description}>{description}</p>}
    </div>
  );
}

function EnumField({ field, path }: { field: EnumFieldModel; path: Path }) {
  const scope = useFormScope();
  const value = useFieldValue(path);
  return (
    <ChoiceControl
      title={field.title}
      description={field.description}
      choices={field.options}
      value={String(value)}
      onChange={(next) =>
        scope.commit(path, next, { label: `Set ${field.title.toLowerCase()}`, isTyping: false })
      }
      testId={`field-${path.join('.')}`}
    />
  );
}

function SwitchField({ field, path }: { field: SwitchFieldModel; path: Path }) {
  const scope = useFormScope();
  const value = useFieldValue(path);
  return (
    <Switch
      label={field.title}
      description={field.description}
      checked={value === true}
      onChange={(event) =>
        scope.commit(path, event.currentTarget.checked, {
          label: `Set ${field.title.toLowerCase()}`,
          isTyping: false,
        })
      }
      data-testid={`field-${path.join('.')}`}
    />
  );
}

function ObjectField({ field, path }: { field: ObjectFieldModel; path: Path }) {
  return (
    <Fieldset legend={field.title} className={styles.group}>
      <div className={styles.stack}>
        <Fields fields={field.fields} path={path} />
      </div>
    </Fieldset>
  );
}

function UnionField({ field, path }: { field: UnionFieldModel; path: Path }) {
  const scope = useFormScope();
  const value = useFieldValue(path);
  const tagValue = String((value as Record<string, unknown> | undefined)?.[field.tag] ?? '');
  const variant = field.variants.find((each) => each.tagValue === tagValue);
  const choose = (next: string): void => {
    const chosen = field.variants.find((each) => each.tagValue === next);
    if (!chosen) return;
    const initial = initialObject(chosen.fields, new Date().toISOString());
    const label = `Set ${field.title.toLowerCase()}`;
    scope.commit(path, { [field.tag]: next, ...initial }, { label, isTyping: false });
  };
  return (
    <div className={styles.stack}>
      <ChoiceControl
        title={field.title}
        description={field.description}
        choices={field.variants.map((each) => ({ value: each.tagValue, label: each.title }))}
        value={tagValue}
        onChange={choose}
        testId={`field-${path.join('.')}`}
      />
      {variant && variant.fields.length > 0 && (
        <div className={styles.inset}>
          <Fields fields={variant.fields} path={path} />
        </div>
      )}
    </div>
  );
}
