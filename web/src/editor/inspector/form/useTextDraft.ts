import { dropDraft, setDraft, useDraft } from './drafts.ts';
import type { Path } from './fieldModel.ts';
import { draftKey, useFieldValue, useFormScope } from './formScope.ts';

export type TextDraft = {
  text: string;
  error: string | null;
  onText: (text: string) => void;
  onBlur: () => void;
  /** Throws the typed text away and shows the document's value again; null when they are the same. */
  discard: (() => void) | null;
};

export type Reading = { ok: true; value: unknown } | { ok: false; error: string };

/**
 * The text of a field. What fits goes into the document with every key; what does not stays in the field, with the
 * reason under it, until it fits or is discarded.
 */
export function useTextDraft(
  path: Path,
  options: { label: string; show: (value: unknown) => string; read: (text: string) => Reading },
): TextDraft {
  const scope = useFormScope();
  const value = useFieldValue(path);
  const key = draftKey(scope, path);
  const draft = useDraft(key);
  const { label, read, show } = options;
  const shown = show(value);

  const judge = (text: string): string | null => {
    const reading = read(text);
    return reading.ok ? scope.check(path, reading.value) : reading.error;
  };
  return {
    text: draft ?? shown,
    error: draft === undefined ? null : judge(draft),
    onText: (text) => {
      setDraft(key, text);
      const reading = read(text);
      if (reading.ok && scope.check(path, reading.value) === null) {
        scope.commit(path, reading.value, { label, isTyping: true });
      }
    },
    onBlur: () => {
      if (draft !== undefined && judge(draft) === null) dropDraft(key);
      scope.settle();
    },
    discard: draft === undefined || draft === shown ? null : () => dropDraft(key),
  };
}

export const plainText = {
  show: (value: unknown) => String(value ?? ''),
  read: (text: string): Reading => ({ ok: true, value: text }),
};
