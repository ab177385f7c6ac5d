import styles from './form.module.css';
import type { TextDraft } from './useTextDraft.ts';

/** Why the typed text is not in the document, and the way back to what is. */
export function DraftError({ draft }: { draft: TextDraft }) {
  if (draft.error === null) return null;
  return (
    <span className={styles.error}>
      {draft.error}{' '}
      {draft.discard && (
        <button type="button" onClick={draft.discard}>
          Go back to the saved value
        </button>
      )}
    </span>
  );
}
