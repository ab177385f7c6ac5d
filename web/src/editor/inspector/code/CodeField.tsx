import { ActionIcon, Modal, Skeleton, Tooltip } from '@mantine/core';
import { Maximize2 } from 'lucide-react';
import { lazy, Suspense, useMemo, useState } from 'react';
import { useEditorValue } from '../../binding/EditorProvider.tsx';
import { DraftError } from '../form/DraftError.tsx';
import type { Path, TextFieldModel } from '../form/fieldModel.ts';
import formStyles from '../form/form.module.css';
import { useFormScope } from '../form/formScope.ts';
import { plainText, useTextDraft } from '../form/useTextDraft.ts';
import styles from './code.module.css';
import { type CodeLanguage, completionWords } from './words.ts';

/** CodeMirror is 150 kB: it comes when the first code is shown. */
const CodeMirror = lazy(async () => ({ default: (await import('./CodeMirror.tsx')).CodeMirror }));

const HEIGHTS: Readonly<Record<CodeLanguage, { min: number; max: number }>> = {
  handler: { min: 200, max: 420 },
  template: { min: 110, max: 320 },
  message: { min: 110, max: 320 },
  json: { min: 160, max: 420 },
  expression: { min: 0, max: 90 },
};

type Props = {
  field: Pick<TextFieldModel, 'key' | 'title' | 'description' | 'placeholder'>;
  path: Path;
  language: CodeLanguage;
};

/** A text that is code: with colours, completion and marks where it does not parse. */
export function CodeField({ field, path, language }: Props) {
  const scope = useFormScope();
  const graph = useEditorValue((editor) => editor.graph);
  const draft = useTextDraft(path, { label: `Edit ${field.title.toLowerCase()}`, ...plainText });
  const words = useMemo(() => completionWords(graph, scope.id, language), [graph, scope.id, language]);
  const [large, setLarge] = useState(false);
  const editor = (height: { min: number; max: number | null }, autoFocus: boolean) => (
    <Suspense fallback={<Skeleton height={Math.max(height.min, 30)} radius={6} />}>
      <CodeMirror
        value={draft.text}
        language={language}
        label={field.title}
        placeholder={field.placeholder}
        words={words}
        height={height}
        autoFocus={autoFocus}
        onChange={draft.onText}
        onBlur={draft.onBlur}
      />
    </Suspense>
  );
  return (
    <div data-testid={`field-${path.join('.')}`}>
      <div className={styles.head}>
        <span className={formStyles.label}>{field.title}</span>
        {language !== 'expression' && (
          <Tooltip label="Edit in a large window">
            <ActionIcon
              size={20}
              aria-label={`Edit ${field.title} in a large window`}
              onClick={() => setLarge(true)}
            >
              <Maximize2 size={12} />
            </ActionIcon>
          </Tooltip>
        )}
      </div>
      {large ? <div style={{ height: HEIGHTS[language].min }} /> : editor(HEIGHTS[language], false)}
      <DraftError draft={draft} />
      {field.description && <p className={formStyles.description}>{field.description}</p>}
      {large && (
        <Modal opened onClose={() => setLarge(false)} title={field.title} size="min(1100px, 92vw)">
          {editor({ min: 480, max: null }, true)}
          <DraftError draft={draft} />
        </Modal>
      )}
    </div>
  );
}
