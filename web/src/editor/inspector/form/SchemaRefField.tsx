import { Select } from '@mantine/core';
import { useMemo } from 'react';
import { useEditorValue } from '../../binding/EditorProvider.tsx';
import type { Path, SchemaRefFieldModel } from './fieldModel.ts';
import { useFieldValue, useFormScope } from './formScope.ts';

/** Which version of which subject a topic's messages must fit. Schemas are made in the flow's own inspector. */
export function SchemaRefField({ field, path }: { field: SchemaRefFieldModel; path: Path }) {
  const scope = useFormScope();
  const value = useFieldValue(path);
  const { document } = useEditorValue((editor) => editor.graph);
  const data = useMemo(
    () =>
      document.schemas.map(({ id, subject, version }) => ({ value: id, label: `${subject} v${version}` })),
    [document],
  );
  const current = typeof value === 'string' ? value : null;
  const isMissing = current !== null && !data.some((each) => each.value === current);
  return (
    <Select
      label={field.title}
      description={
        data.length === 0
          ? 'Any payload. To check payloads, add a schema first: click the empty canvas and see Schemas.'
          : field.description
      }
      inputWrapperOrder={['label', 'input', 'error', 'description']}
      placeholder="Any payload"
      clearable
      data={data}
      value={current}
      error={isMissing ? 'This schema is not in the flow any more.' : undefined}
      onChange={(next) => scope.commit(path, next, { label: 'Set the schema', isTyping: false })}
      data-testid={`field-${path.join('.')}`}
    />
  );
}
