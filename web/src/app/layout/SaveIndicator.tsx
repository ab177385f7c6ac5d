import { Tooltip } from '@mantine/core';
import { Check, CloudOff, LoaderCircle, TriangleAlert } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useConnectionStatus } from '../../connection/ConnectionProvider.tsx';
import { useEditorValue } from '../../editor/binding/EditorProvider.tsx';
import type { OutboxState } from '../../editor/store/outbox.ts';
import styles from './TopBar.module.css';

type Shown = { text: string; hint: string; tone: 'soft' | 'warning' | 'error'; icon: typeof Check };

/** Saving that is over sooner than this is not worth a flicker. */
const SHOW_SAVING_AFTER_MS = 400;

function shownState(save: OutboxState, isOnline: boolean): Shown {
  if (save.state === 'refused') {
    return { text: 'Not saved', hint: save.error.message, tone: 'error', icon: TriangleAlert };
  }
  if (save.state === 'waiting' || (!isOnline && save.state === 'saving')) {
    const { changes } = save;
    return {
      text: `Offline: ${changes} ${changes === 1 ? 'change' : 'changes'} waiting`,
      hint: 'The server does not answer. Go on working: changes are kept in this tab and sent when it is back.',
      tone: 'warning',
      icon: CloudOff,
    };
  }
  if (!isOnline) {
    return {
      text: 'Offline',
      hint: 'The server does not answer. The page reconnects by itself.',
      tone: 'warning',
      icon: CloudOff,
    };
  }
  if (save.state === 'saving')
    return { text: 'Saving…', hint: 'Changes are on their way.', tone: 'soft', icon: LoaderCircle };
  return { text: 'Saved', hint: 'The server has every change.', tone: 'soft', icon: Check };
}

export function SaveIndicator() {
  const save = useEditorValue((editor) => editor.saveState);
  const isOnline = useConnectionStatus().state === 'online';
  const wanted = shownState(save, isOnline);
  const [slow, setSlow] = useState(false);
  const isSaving = wanted.text === 'Saving…';
  useEffect(() => {
    if (!isSaving) {
      setSlow(false);
      return;
    }
    const timer = setTimeout(() => setSlow(true), SHOW_SAVING_AFTER_MS);
    return () => clearTimeout(timer);
  }, [isSaving]);
  const shown = isSaving && !slow ? shownState({ state: 'saved' }, true) : wanted;
  const Icon = shown.icon;
  return (
    <Tooltip label={shown.hint} multiline maw={280}>
      <span
        className={styles.save}
        data-tone={shown.tone}
        data-state={save.state}
        data-testid="save-state"
        role="status"
        aria-label={shown.text}
      >
        <Icon size={13} aria-hidden="true" />
        <span className={styles.saveText}>{shown.text}</span>
      </span>
    </Tooltip>
  );
}
