import { Button, NativeSelect, TextInput } from '@mantine/core';
import { CornerDownLeft } from 'lucide-react';
import { type FormEvent, useId, useState } from 'react';
import { exactNumber } from '../../live/format.ts';
import type { LiveRun } from '../../live/liveRun.ts';
import styles from '../operate.module.css';
import { type RunOperator, useAsking } from '../operator.ts';
import { Problem } from '../Problem.tsx';
import { type Moved, movedText, NO_SEEK, readSeek, type SeekDraft } from './seekModel.ts';

const PLACES: { value: SeekDraft['at']; label: string }[] = [
  { value: 'earliest', label: 'The earliest message' },
  { value: 'latest', label: 'The end: only what is new' },
  { value: 'time', label: 'A time' },
  { value: 'offset', label: 'An offset' },
];

type Props = { live: LiveRun; nodeId: string; isPaused: boolean; operator: RunOperator };

/** Moves a paused group to another place in its topics (CG3), and says what moved. */
export function SeekForm({ live, nodeId, isPaused, operator }: Props) {
  const [draft, setDraft] = useState<SeekDraft>(NO_SEEK);
  const [moved, setMoved] = useState<readonly Moved[] | null>(null);
  const asking = useAsking();
  const reasonId = useId();
  const set = (change: Partial<SeekDraft>): void => setDraft({ ...draft, ...change });
  const topicIds = [...new Set((live.graph?.incoming.get(nodeId) ?? []).map(({ source }) => source))];
  const topicId = topicIds.length === 1 ? (topicIds[0] ?? null) : draft.topicId;
  const partitions = topicId === null ? 0 : (live.metrics.latest?.topics[topicId]?.end.length ?? 0);
  const reading = readSeek(draft);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!isPaused || !reading.ok) return;
    setMoved(null);
    const partition = topicId === null ? null : draft.partition;
    void asking.ask('seek', async () => {
      const answer = await operator.seek({ nodeId, topicId, partition, to: reading.to });
      setMoved(answer.moved);
    });
  };
  return (
    <form className={styles.seek} onSubmit={submit} aria-label="Move the group" noValidate>
      <h4>Go on from</h4>
      <fieldset
        className={styles.plain}
        disabled={!isPaused}
        aria-describedby={isPaused ? undefined : reasonId}
      >
        <div className={styles.pair}>
          {topicIds.length > 1 && (
            <NativeSelect
              label="Topic"
              size="xs"
              data={[
                { value: '', label: 'All topics' },
                ...topicIds.map((id) => ({ value: id, label: live.nodeName(id) })),
              ]}
              value={draft.topicId ?? ''}
              onChange={({ currentTarget }) =>
                set({ topicId: currentTarget.value === '' ? null : currentTarget.value, partition: null })
              }
              data-testid="seek-topic"
            />
          )}
          <NativeSelect
            label="Partition"
            size="xs"
            data={[
              { value: '', label: 'All partitions' },
              ...Array.from({ length: partitions }, (_, index) => ({
                value: String(index),
                label: `Partition ${index}`,
              })),
            ]}
            value={draft.partition === null ? '' : String(draft.partition)}
            onChange={({ currentTarget }) =>
              set({ partition: currentTarget.value === '' ? null : Number(currentTarget.value) })
            }
            data-testid="seek-partition"
          />
          <NativeSelect
            label="Place"
            size="xs"
            data={PLACES}
            value={draft.at}
            // The list holds nothing but places.
            onChange={(event) => set({ at: event.currentTarget.value as SeekDraft['at'] })}
            data-testid="seek-at"
          />
          {draft.at === 'time' && (
            <TextInput
              label="Time"
              type="datetime-local"
              step={1}
              value={draft.time}
              onChange={(event) => set({ time: event.currentTarget.value })}
              error={draft.time !== '' && !reading.ok ? reading.sentence : undefined}
              data-testid="seek-time"
            />
          )}
          {draft.at === 'offset' && (
            <TextInput
              label="Offset"
              inputMode="numeric"
              value={draft.offset}
              onChange={(event) => set({ offset: event.currentTarget.value })}
              error={reading.ok ? undefined : reading.sentence}
              data-testid="seek-offset"
            />
          )}
        </div>
        <Button
          type="submit"
          variant="default"
          leftSection={<CornerDownLeft size={13} aria-hidden />}
          loading={asking.pending !== null}
          disabled={!isPaused}
          data-testid="seek-run"
        >
          Move the group
        </Button>
      </fieldset>
      {!isPaused && (
        <p className={styles.soft} id={reasonId} data-testid="seek-reason">
          Pause the group first: while it works, what it has in hand would be committed over the new place.
        </p>
      )}
      <Problem text={asking.problem} />
      {moved && <MovedTable live={live} moved={moved} />}
    </form>
  );
}

function MovedTable({ live, moved }: { live: LiveRun; moved: readonly Moved[] }) {
  if (moved.length === 0) return <p className={styles.soft}>It stands there already: nothing moved.</p>;
  return (
    <table className={styles.table} aria-label="What moved" data-testid="seek-moved">
      <thead>
        <tr>
          <th scope="col">Partition</th>
          <th scope="col">From</th>
          <th scope="col">To</th>
          <th scope="col">Moved</th>
        </tr>
      </thead>
      <tbody>
        {moved.map((one) => (
          <tr key={`${one.topicId} ${one.partition}`}>
            <th scope="row">
              {live.nodeName(one.topicId)} {one.partition}
            </th>
            <td>{exactNumber(one.from)}</td>
            <td>{exactNumber(one.to)}</td>
            <td>{movedText(one)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
