import { useRef, useState } from 'react';
import { useEditor, useEditorValue } from '../../editor/binding/EditorProvider.tsx';
import { useSession } from '../session.ts';
import styles from './TopBar.module.css';

/** The flow's name; a click edits it. */
export function FlowName() {
  const editor = useEditor();
  useSession((state) => state.flowName);
  const record = useEditorValue((current) => current.records.get(current.flowId));
  const name = record?.type === 'flow' ? record.name : '';
  const [editing, setEditing] = useState(false);
  const cancelled = useRef(false);
  if (!editing) {
    return (
      <button
        type="button"
        className={styles.flowName}
        title={`${name}: click to rename`}
        data-testid="flow-name"
        onClick={() => setEditing(true)}
      >
        {name}
      </button>
    );
  }
  const end = (text: string): void => {
    setEditing(false);
    const next = text.trim();
    if (cancelled.current || next === '' || next === name || record?.type !== 'flow') {
      cancelled.current = false;
      return;
    }
    editor.change({ label: 'Rename the flow' }, (transaction) => transaction.put({ ...record, name: next }));
  };
  return (
    <input
      className={styles.flowNameInput}
      aria-label="Name of the flow"
      data-testid="flow-name-input"
      defaultValue={name}
      maxLength={120}
      ref={(input) => input?.select()}
      onBlur={(event) => end(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === 'Escape') cancelled.current = true;
        if (event.key === 'Escape' || event.key === 'Enter') event.currentTarget.blur();
      }}
    />
  );
}
