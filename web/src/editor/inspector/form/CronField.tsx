import { TextInput } from '@mantine/core';
import { useEffect, useState } from 'react';
import { nextTimes, readCron, wallClock } from './cron.ts';
import { DraftError } from './DraftError.tsx';
import type { Path, TextFieldModel } from './fieldModel.ts';
import styles from './form.module.css';
import { useFieldValue } from './formScope.ts';
import { plainText, useTextDraft } from './useTextDraft.ts';

const TIMES_SHOWN = 3;
const REFRESH_MS = 1000;

/** A cron expression with the next times it names. */
export function CronField({ field, path }: { field: TextFieldModel; path: Path }) {
  const draft = useTextDraft(path, { label: 'Edit the schedule', ...plainText });
  const zone = useFieldValue([...path.slice(0, -1), 'timezone']);
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  const next = nextTimesOf(draft.text, typeof zone === 'string' ? zone : 'UTC', now);
  return (
    <div>
      <TextInput
        label={field.title}
        description={field.description}
        inputWrapperOrder={['label', 'input', 'error', 'description']}
        placeholder={field.placeholder ?? undefined}
        classNames={{ input: 'mr-mono' }}
        spellCheck={false}
        value={draft.text}
        error={draft.error === null ? undefined : <DraftError draft={draft} />}
        onChange={(event) => draft.onText(event.currentTarget.value)}
        onBlur={draft.onBlur}
        data-testid={`field-${path.join('.')}`}
      />
      <p className={styles.hint} data-bad={!next.ok || undefined} data-testid="cron-next">
        {next.sentence}
      </p>
    </div>
  );
}

function nextTimesOf(expression: string, zone: string, now: Date): { ok: boolean; sentence: string } {
  const reading = readCron(expression);
  if (!reading.ok) return { ok: false, sentence: reading.sentence };
  const wall = wallClock(now, zone);
  if (!wall) return { ok: false, sentence: `There is no time zone ${zone}.` };
  const times = nextTimes(reading.fields, wall, TIMES_SHOWN);
  if (times.length === 0) return { ok: false, sentence: 'It names no time in the next five years.' };
  const today = wall.toISOString().slice(0, 10);
  const shown = times.map((time) => {
    const [date = '', clock = ''] = time.toISOString().split('T');
    return date === today ? clock.slice(0, 8) : `${date} ${clock.slice(0, 8)}`;
  });
  return { ok: true, sentence: `Next: ${shown.join(', ')} (${zone})` };
}
